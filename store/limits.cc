#include "store/limits.h"

#include <string>

#include "ackwire/v1/message.pb.h"

namespace ackwire {
namespace {

std::string Quantity(std::size_t n, const char* unit) { return std::to_string(n) + " " + unit; }

Status BytesBetween(const char* field, std::string_view value, std::size_t max) {
  if (!value.empty() && value.size() <= max) return OkStatus();
  return InvalidArgument(std::string(field) + ": must have 1 to " + Quantity(max, "bytes") +
                         ", has " + std::to_string(value.size()));
}

Status Utf8(const char* field, std::string_view value) {
  if (IsUtf8(value)) return OkStatus();
  return InvalidArgument(std::string(field) + ": must be valid UTF-8");
}

// White space beyond ASCII: U+0085, U+00A0, U+1680, U+2000-200A, U+2028-2029, U+202F, U+205F,
// U+3000.
bool IsWhiteSpace(std::uint32_t c) {
  return c == 0x20 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool IsControl(std::uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// Reads one code point of `text` at `at` and moves `at` behind it; false where it is not UTF-8.
bool NextCodePoint(std::string_view text, std::size_t& at, std::uint32_t& code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    code_point = lead;
    ++at;
    return true;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return false;
  code_point = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return false;
    code_point = (code_point << 6U) | (byte(at + i) & 0x3FU);
  }
  const bool overlong =
      (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  at += length;
  return !overlong && !surrogate && code_point <= 0x10FFFF;
}

Status CheckName(const char* field, std::string_view name) {
  if (Status status = BytesBetween(field, name, kNameBytesMax); !status.ok()) return status;
  for (std::size_t at = 0; at < name.size();) {
    std::uint32_t c = 0;
    if (!NextCodePoint(name, at, c)) return Utf8(field, name);
    if (IsControl(c) || IsWhiteSpace(c) || c == '*') {
      return InvalidArgument(std::string(field) +
                             ": must have no control characters, white space or `*`");
    }
  }
  return OkStatus();
}

Status CheckHeaders(const v1::Message& draft) {
  if (draft.headers().size() > kHeadersMax) {
    return InvalidArgument("headers: at most " + std::to_string(kHeadersMax) + ", got " +
                           std::to_string(draft.headers().size()));
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : draft.headers()) {
    if (name.empty()) return InvalidArgument("headers: a name must not be empty");
    if (!IsUtf8(name) || !IsUtf8(value)) return InvalidArgument("headers: must be valid UTF-8");
    bytes += name.size() + value.size();
  }
  if (bytes <= kHeaderBytesMax) return OkStatus();
  return InvalidArgument("headers: at most " + Quantity(kHeaderBytesMax, "bytes") +
                         " together, got " + std::to_string(bytes));
}

Status CheckKind(const v1::Message& draft) {
  const bool refers = draft.kind() == v1::KIND_EDITED || draft.kind() == v1::KIND_DELETED;
  if (!refers && draft.kind() != v1::KIND_CREATED) {
    return InvalidArgument("kind: must be created, edited or deleted, got " +
                           std::to_string(draft.kind()));
  }
  if (refers && draft.refers_to() == 0) {
    return InvalidArgument("refers_to: an edit or a withdrawal names the seq it refers to");
  }
  if (!refers && draft.refers_to() != 0) {
    return InvalidArgument("refers_to: must be 0 for a message of kind created");
  }
  if (draft.kind() == v1::KIND_DELETED && !draft.payload().empty()) {
    return InvalidArgument("payload: a withdrawal carries none");
  }
  return OkStatus();
}

}  // namespace

Status CheckNote(const char* field, std::string_view note, std::size_t bytes_max) {
  if (note.empty()) return OkStatus();
  if (Status status = BytesBetween(field, note, bytes_max); !status.ok()) return status;
  return Utf8(field, note);
}

bool IsUtf8(std::string_view text) {
  std::uint32_t ignored = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!NextCodePoint(text, at, ignored)) return false;
  }
  return true;
}

Status CheckChannelName(std::string_view channel) { return CheckName("channel", channel); }

Status CheckClientName(std::string_view client) {
  if (Status status = CheckName("client", client); !status.ok()) return status;
  const std::size_t slash = client.find('/');
  const bool one_slash =
      slash == std::string_view::npos || (slash > 0 && slash + 1 < client.size() &&
                                          client.find('/', slash + 1) == std::string_view::npos);
  if (one_slash) return OkStatus();
  return InvalidArgument("client: must be `user` or `user/device`");
}

Status CheckMessageId(std::string_view message_id) {
  if (Status status = BytesBetween("message_id", message_id, kMessageIdBytesMax); !status.ok()) {
    return status;
  }
  return Utf8("message_id", message_id);
}

Status CheckDraft(const v1::Message& draft) {
  if (Status status = CheckChannelName(draft.channel()); !status.ok()) return status;
  if (!draft.message_id().empty()) {
    if (Status status = CheckMessageId(draft.message_id()); !status.ok()) return status;
  }
  if (!draft.sender().empty()) {
    if (Status status = CheckName("sender", draft.sender()); !status.ok()) return status;
  }
  if (draft.type() > kTypeMax) {
    return InvalidArgument("type: must be 0 to " + std::to_string(kTypeMax) + ", got " +
                           std::to_string(draft.type()));
  }
  if (draft.payload().size() > kPayloadBytesMax) {
    return InvalidArgument("payload: at most " + Quantity(kPayloadBytesMax, "bytes") + ", got " +
                           std::to_string(draft.payload().size()));
  }
  if (draft.content_type().size() > kContentTypeBytesMax || !IsUtf8(draft.content_type())) {
    return InvalidArgument("content_type: at most " + Quantity(kContentTypeBytesMax, "bytes") +
                           " of UTF-8, got " + std::to_string(draft.content_type().size()));
  }
  if (Status status = CheckHeaders(draft); !status.ok()) return status;
  return CheckKind(draft);
}

std::string_view UserOf(std::string_view client) { return client.substr(0, client.find('/')); }

}  // namespace ackwire
