#include "proto/json.h"

#include <absl/strings/escaping.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <ctime>
#include <map>
#include <stdexcept>

namespace ackwire::proto_json {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::TimeUtil;

// Deeper than any edge takes; bounds the parser's stack.
constexpr std::size_t kJsonDepthMax = 256;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string Base64(std::string_view bytes) {
  return Quoted(absl::Base64Escape({bytes.data(), bytes.size()}));
}

// Valid JSON without the white space between its parts: a stream has one
// object a line.
std::string OnOneLine(std::string_view json) {
  std::string line;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      line += c;
      line += json[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || !std::isspace(static_cast<unsigned char>(c))) line += c;
  }
  return line;
}

// "application/json" of "Application/JSON; charset=utf-8".
std::string MediaType(const std::string& content_type) {
  std::string type = Lower(content_type.substr(0, content_type.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  return type;
}

std::string PayloadMember(const std::string& content_type, const std::string& payload) {
  const std::string type = MediaType(content_type);
  if (type == "application/json" && IsJson(payload)) return "\"payload\":" + OnOneLine(payload);
  // Text is UTF-8 just if it is JSON once it is quoted.
  const std::string quoted = type.starts_with("text/") ? Quoted(payload) : "";
  if (IsJson(quoted)) return "\"payload\":" + quoted;
  return "\"payloadBase64\":" + Base64(payload);
}

// A field alone, or the `index`th of a repeated one.
struct FieldReader {
  const Message& message;
  const FieldDescriptor& field;
  int index;  // -1: alone

  std::string Scalar() const {
    const Reflection& read = *message.GetReflection();
    const bool alone = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return fmt::to_string(alone ? read.GetInt32(message, &field)
                                    : read.GetRepeatedInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return fmt::to_string(alone ? read.GetInt64(message, &field)
                                    : read.GetRepeatedInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return fmt::to_string(alone ? read.GetUInt32(message, &field)
                                    : read.GetRepeatedUInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return fmt::to_string(alone ? read.GetUInt64(message, &field)
                                    : read.GetRepeatedUInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_BOOL:
        return fmt::to_string(alone ? read.GetBool(message, &field)
                                    : read.GetRepeatedBool(message, &field, index));
      case FieldDescriptor::CPPTYPE_ENUM:
        return Quoted(EnumName(alone ? *read.GetEnum(message, &field)
                                     : *read.GetRepeatedEnum(message, &field, index)));
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string text = alone ? read.GetString(message, &field)
                                       : read.GetRepeatedString(message, &field, index);
        return field.type() == FieldDescriptor::TYPE_BYTES ? Base64(text) : Quoted(text);
      }
      default:
        throw std::logic_error(
            fmt::format("{}: the contract's JSON has no such type", field.full_name()));
    }
  }

  std::string Value() const {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return Scalar();
    const Reflection& read = *message.GetReflection();
    const Message& value = index < 0 ? read.GetMessage(message, &field)
                                     : read.GetRepeatedMessage(message, &field, index);
    if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&value)) {
      return Quoted(FormatTime(*time));
    }
    if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&value)) {
      return fmt::to_string(TimeUtil::DurationToMilliseconds(*duration));
    }
    return ToJson(value);
  }
};

std::string MapValue(const Message& message, const FieldDescriptor& field) {
  std::map<std::string, std::string> entries;  // sorted: protobuf's own order changes
  const Reflection& read = *message.GetReflection();
  for (int i = 0; i < read.FieldSize(message, &field); ++i) {
    const Message& entry = read.GetRepeatedMessage(message, &field, i);
    const Descriptor& type = *entry.GetDescriptor();
    entries[entry.GetReflection()->GetString(entry, type.map_key())] =
        FieldReader{entry, *type.map_value(), -1}.Value();
  }
  std::string text;
  for (const auto& [key, value] : entries) {
    text += (text.empty() ? "" : ",") + Quoted(key) + ":" + value;
  }
  return "{" + text + "}";
}

std::string FieldValue(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) return MapValue(message, field);
  const Reflection& read = *message.GetReflection();
  if (!field.is_repeated()) {
    if (field.has_presence() && !read.HasField(message, &field)) return "null";
    return FieldReader{message, field, -1}.Value();
  }
  std::string text;
  for (int i = 0; i < read.FieldSize(message, &field); ++i) {
    text += (i == 0 ? "" : ",") + FieldReader{message, field, i}.Value();
  }
  return "[" + text + "]";
}

std::string FieldName(const FieldDescriptor& field) {
  const bool is_duration = field.message_type() == google::protobuf::Duration::descriptor();
  return Quoted(field.json_name() + (is_duration ? "Ms" : ""));
}

// The type of what `payload` holds is in the field beside it.
const FieldDescriptor* ContentTypeOf(const FieldDescriptor& field) {
  if (field.name() != "payload" || field.type() != FieldDescriptor::TYPE_BYTES) return nullptr;
  return field.containing_type()->FindFieldByName("content_type");
}

std::string Member(const Message& message, const FieldDescriptor& field) {
  if (const FieldDescriptor* content_type = ContentTypeOf(field)) {
    const Reflection& read = *message.GetReflection();
    return PayloadMember(read.GetString(message, content_type), read.GetString(message, &field));
  }
  return FieldName(field) + ":" + FieldValue(message, field);
}

}  // namespace

std::string ToJson(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  std::string text;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    // Of a choice, only what was chosen.
    if (field.real_containing_oneof() != nullptr &&
        !message.GetReflection()->HasField(message, &field)) {
      continue;
    }
    text += (text.empty() ? "" : ",") + Member(message, field);
  }
  return "{" + text + "}";
}

std::string ListToJson(const Message& page) {
  const Descriptor& type = *page.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->is_repeated()) return "{" + Member(page, *type.field(i)) + "}";
  }
  throw std::logic_error(fmt::format("{} has no list", type.full_name()));
}

bool IsJson(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  boost::json::parse({text.data(), text.size()}, error, {}, options);
  return !error;
}

std::string EnumName(const google::protobuf::EnumValueDescriptor& value) {
  // DeliveryState -> DELIVERY_STATE_, which its values begin with.
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  prefix += '_';
  const std::string& name = value.name();
  return Lower(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(time.seconds())),
                     time.nanos() / 1'000'000);
}

}  // namespace ackwire::proto_json
