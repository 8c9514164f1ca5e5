// FromJson (proto/json.h).

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <boost/json.hpp>
#include <limits>
#include <optional>

#include "proto/json.h"

namespace ackwire::proto_json {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::Duration;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

// As protobuf has it: some ten thousand years.
constexpr std::int64_t kDurationMsMax = 315'576'000'000'000;

absl::Status Must(const std::string& where, const std::string& what, const json::value& got) {
  constexpr std::size_t kShownMax = 60;
  std::string shown = json::serialize(got);
  if (shown.size() > kShownMax) shown = shown.substr(0, kShownMax) + "…";
  return absl::InvalidArgumentError(fmt::format("{}: must be {}, got {}", where, what, shown));
}

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() == Duration::descriptor();
}

std::string NameOf(const FieldDescriptor& field) {
  return field.json_name() + (IsDuration(field) ? "Ms" : "");
}

const FieldDescriptor* FieldOf(const Descriptor& type, std::string_view name) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (NameOf(*type.field(i)) == name) return type.field(i);
  }
  return nullptr;
}

absl::Status NoSuchField(const Descriptor& type, const std::string& where) {
  std::string names;
  for (int i = 0; i < type.field_count(); ++i) {
    names += (i == 0 ? "" : ", ") + NameOf(*type.field(i));
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: there is no such field; {}", where,
                  names.empty() ? "this takes none" : "there are " + names));
}

const EnumValueDescriptor* ValueOf(const EnumDescriptor& type, std::string_view name) {
  for (int i = 0; i < type.value_count(); ++i) {
    if (EnumName(*type.value(i)) == name) return type.value(i);
  }
  return nullptr;
}

absl::Status MustBeOneOf(const std::string& where, const EnumDescriptor& type,
                         const json::value& got) {
  std::string names;
  for (int i = 1; i < type.value_count(); ++i) {
    names += (i == 1 ? "" : ", ") + EnumName(*type.value(i));
  }
  return Must(where, "one of " + names, got);
}

// Sets one field, or adds one to a repeated field.
class FieldWriter {
 public:
  FieldWriter(Message& message, const FieldDescriptor& field, std::string where)
      : message_(message), field_(field), where_(std::move(where)) {}

  absl::Status Write(const json::value& value) {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_UINT32:
        return WriteNumber<std::uint32_t>(value, &Reflection::SetUInt32, &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return WriteNumber<std::uint64_t>(value, &Reflection::SetUInt64, &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_INT32:
        return WriteNumber<std::int32_t>(value, &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return WriteNumber<std::int64_t>(value, &Reflection::SetInt64, &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (!value.is_bool()) return Must(where_, "true or false", value);
        return Put(value.get_bool(), &Reflection::SetBool, &Reflection::AddBool);
      case FieldDescriptor::CPPTYPE_ENUM:
        return WriteEnum(value);
      case FieldDescriptor::CPPTYPE_STRING:
        return WriteString(value);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return WriteMessage(value);
      default:
        return absl::UnimplementedError(where_ + ": the contract's JSON has no such type");
    }
  }

 private:
  template <typename T, typename Set, typename Add>
  absl::Status Put(T value, Set set, Add add) {
    const Reflection& write = *message_.GetReflection();
    if (field_.is_repeated()) {
      (write.*add)(&message_, &field_, std::move(value));
    } else {
      (write.*set)(&message_, &field_, std::move(value));
    }
    return absl::OkStatus();
  }

  template <typename T, typename Set, typename Add>
  absl::Status WriteNumber(const json::value& value, Set set, Add add) {
    using Limits = std::numeric_limits<T>;
    json::error_code inexact;
    const T number = value.is_number() ? value.to_number<T>(inexact) : T{};
    if (!value.is_number() || inexact) {
      return Must(where_, fmt::format("a whole number from {} to {}", Limits::min(), Limits::max()),
                  value);
    }
    return Put(number, set, add);
  }

  absl::Status WriteEnum(const json::value& value) {
    const EnumDescriptor& type = *field_.enum_type();
    const auto* name = value.if_string();
    const EnumValueDescriptor* found =
        name == nullptr ? nullptr : ValueOf(type, {name->data(), name->size()});
    if (found == nullptr) return MustBeOneOf(where_, type, value);
    return Put(found, &Reflection::SetEnum, &Reflection::AddEnum);
  }

  absl::Status WriteString(const json::value& value) {
    const auto* text = value.if_string();
    if (text == nullptr) return Must(where_, "a string", value);
    std::string bytes(text->data(), text->size());
    if (field_.type() == FieldDescriptor::TYPE_BYTES && !absl::Base64Unescape(bytes, &bytes)) {
      return Must(where_, "base64", value);
    }
    return Put(std::move(bytes), &Reflection::SetString, &Reflection::AddString);
  }

  absl::Status WriteMessage(const json::value& value) {
    Message& target = field_.is_repeated()
                          ? *message_.GetReflection()->AddMessage(&message_, &field_)
                          : *message_.GetReflection()->MutableMessage(&message_, &field_);
    if (auto* time = dynamic_cast<Timestamp*>(&target)) {
      const auto* text = value.if_string();
      const bool is_time = text != nullptr && TimeUtil::FromString(std::string(*text), time);
      return is_time ? absl::OkStatus()
                     : Must(where_, "a time like 2026-11-22T09:15:00.250Z (RFC 3339)", value);
    }
    if (auto* duration = dynamic_cast<Duration*>(&target)) {
      json::error_code inexact;
      const auto ms = value.is_number() ? value.to_number<std::int64_t>(inexact) : -1;
      if (inexact || ms < 0 || ms > kDurationMsMax) {
        return Must(where_, "a whole number of milliseconds, from 0", value);
      }
      *duration = TimeUtil::MillisecondsToDuration(ms);
      return absl::OkStatus();
    }
    if (!value.is_object()) return Must(where_, "an object", value);
    return Fill(value.get_object(), where_ + ".", target);
  }

 public:
  // `path` is what the names of its fields stand behind.
  static absl::Status Fill(const json::object& object, const std::string& path, Message& message);

 private:
  Message& message_;
  const FieldDescriptor& field_;
  const std::string where_;
};

// A field as it is given: repeated ones as a list.
absl::Status WriteField(const json::value& value, const FieldDescriptor& field,
                        const std::string& where, Message& message) {
  if (field.is_map()) {
    return absl::UnimplementedError(where + ": no request that is taken as JSON has a map");
  }
  if (!field.is_repeated()) return FieldWriter(message, field, where).Write(value);
  if (!value.is_array()) return Must(where, "a list", value);
  int index = 0;
  for (const json::value& each : value.get_array()) {
    const std::string which = fmt::format("{}[{}]", where, index++);
    const absl::Status status = FieldWriter(message, field, which).Write(each);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status FieldWriter::Fill(const json::object& object, const std::string& path,
                               Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const Reflection& read = *message.GetReflection();
  for (const auto& [key, value] : object) {
    const std::string where = path + std::string(key);
    const FieldDescriptor* field = FieldOf(type, {key.data(), key.size()});
    if (field == nullptr) return NoSuchField(type, where);
    if (value.is_null()) continue;
    const auto* choice = field->real_containing_oneof();
    if (choice != nullptr && read.HasOneof(message, choice)) {
      const FieldDescriptor& other = *read.GetOneofFieldDescriptor(message, choice);
      return absl::InvalidArgumentError(
          fmt::format("{}: give this or {}, not both", where, path + NameOf(other)));
    }
    absl::Status status = WriteField(value, *field, where, message);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FromJson(const json::object& object, Message& message) {
  return FieldWriter::Fill(object, "", message);
}

}  // namespace ackwire::proto_json
