#include "delivery/strict_json.h"

#include <absl/container/flat_hash_set.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cstdint>
#include <utility>
#include <vector>

namespace ackwire {
namespace {

namespace json = boost::json;

// Takes every event of the parser and keeps nothing.
struct Checker {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using Text = json::string_view;
  using Code = json::error_code;
  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(Text, std::size_t, Code&) { return true; }
  bool on_key(Text, std::size_t, Code&) { return true; }
  bool on_string_part(Text, std::size_t, Code&) { return true; }
  bool on_string(Text, std::size_t, Code&) { return true; }
  bool on_number_part(Text, Code&) { return true; }
  bool on_int64(std::int64_t, Text, Code&) { return true; }
  bool on_uint64(std::uint64_t, Text, Code&) { return true; }
  bool on_double(double, Text, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }
};

// Builds the value, and stops at the first key that its object has already. (Boost's own builder
// silently keeps the last.)
struct Builder : Checker {
  json::value_stack stack;
  std::vector<absl::flat_hash_set<std::string>> keys;  // of the objects that are open
  std::string key;
  std::optional<std::string> repeated;

  bool on_document_begin(Code&) {
    stack.reset();
    return true;
  }
  bool on_object_begin(Code&) {
    keys.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t size, Code&) {
    keys.pop_back();
    stack.push_object(size);
    return true;
  }
  bool on_array_end(std::size_t size, Code&) {
    stack.push_array(size);
    return true;
  }
  bool on_key_part(Text text, std::size_t, Code&) {
    key.append(text.data(), text.size());
    return true;
  }
  bool on_key(Text text, std::size_t, Code& ec) {
    key.append(text.data(), text.size());
    stack.push_key(key);
    if (!keys.back().insert(key).second) {
      repeated = key;
      ec = json::error::syntax;
      return false;
    }
    key.clear();
    return true;
  }
  bool on_string_part(Text text, std::size_t, Code&) {
    stack.push_chars(text);
    return true;
  }
  bool on_string(Text text, std::size_t, Code&) {
    stack.push_string(text);
    return true;
  }
  bool on_int64(std::int64_t value, Text, Code&) {
    stack.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, Text, Code&) {
    stack.push_uint64(value);
    return true;
  }
  bool on_double(double value, Text, Code&) {
    stack.push_double(value);
    return true;
  }
  bool on_bool(bool value, Code&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(Code&) {
    stack.push_null();
    return true;
  }
};

json::parse_options DepthAtMost(std::size_t depth) {
  json::parse_options options;
  options.max_depth = depth;
  return options;
}

template <typename Handler>
json::error_code Run(json::basic_parser<Handler>& parser, std::string_view text) {
  json::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = json::error::extra_data;
  return ec;
}

bool IsJsonSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view WithoutSpace(std::string_view text) {
  while (!text.empty() && IsJsonSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsJsonSpace(text.back())) text.remove_suffix(1);
  return text;
}

// The begin of a name that somebody sent, without half a character at its end: what is said of it
// fits the close of a WebSocket.
std::string ShownKey(const std::string& key) {
  constexpr std::size_t kShownBytesMax = 48;
  if (key.size() <= kShownBytesMax) return key;
  std::size_t end = kShownBytesMax;
  while ((static_cast<unsigned char>(key[end]) & 0xC0U) == 0x80U) --end;
  return key.substr(0, end) + "…";
}

// The offset behind the string that begins at `at`.
std::size_t EndOfString(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// `quoted` as it stands in the text, perhaps with escapes.
bool IsKey(std::string_view quoted, std::string_view name) {
  if (quoted.find('\\') == std::string_view::npos) {
    return quoted.substr(1, quoted.size() - 2) == name;
  }
  const StatusOr<json::value> key = ParseStrictJson(quoted, "key");
  return key.ok() && std::string_view(key->get_string()) == name;
}

}  // namespace

StatusOr<json::value> ParseStrictJson(std::string_view text, const char* what) {
  json::basic_parser<Builder> parser(DepthAtMost(kJsonDepthMax));
  const json::error_code ec = Run(parser, text);
  Builder& builder = parser.handler();
  if (builder.repeated) {
    return InvalidArgument(std::string(what) + ": the key \"" + ShownKey(*builder.repeated) +
                           "\" stands twice in one object; give it once");
  }
  if (ec == json::error::too_deep) {
    return InvalidArgument(std::string(what) + ": must be JSON at most " +
                           std::to_string(kJsonDepthMax) + " levels deep");
  }
  if (ec) return InvalidArgument(std::string(what) + ": must be valid JSON: " + ec.message());
  return builder.stack.release();
}

bool IsJson(std::string_view text) {
  json::basic_parser<Checker> parser(DepthAtMost(kPayloadDepthMax));
  return !Run(parser, text);
}

std::optional<std::string_view> MemberText(std::string_view object, std::string_view name) {
  std::size_t depth = 0;
  std::size_t value_at = 0;
  bool key_next = false;
  bool found = false;
  for (std::size_t at = 0; at < object.size();) {
    const char c = object[at];
    if (c == '"') {
      const std::size_t end = EndOfString(object, at);
      if (depth == 1 && key_next) {
        found = IsKey(object.substr(at, end - at), name);
        key_next = false;
      }
      at = end;
      continue;
    }
    if (depth == 1 && (c == ',' || c == '}') && found) {
      return WithoutSpace(object.substr(value_at, at - value_at));
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth == 1 && (c == ',' || c == '{')) key_next = true;
    if (depth == 1 && c == ':') value_at = at + 1;
    ++at;
  }
  return std::nullopt;
}

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, at - copied);
    copied = at + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kDigits[c >> 4U];
        out += kDigits[c & 0xFU];
    }
  }
  out.append(text, copied);
  out += '"';
}

}  // namespace ackwire
