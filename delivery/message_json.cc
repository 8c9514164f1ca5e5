#include "delivery/message_json.h"

#include <absl/strings/cord.h>
#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>

#include "delivery/payload_form.h"
#include "delivery/strict_json.h"
#include "store/limits.h"

namespace ackwire {
namespace {

constexpr char kRetryIn[] = "ackwire/retry-in";

// `,"name":`
void AppendName(std::string& out, std::string_view name) {
  out += ",\"";
  out += name;
  out += "\":";
}

void AppendField(std::string& out, std::string_view name, std::uint64_t value) {
  AppendName(out, name);
  fmt::format_to(std::back_inserter(out), "{}", value);
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  AppendName(out, name);
  AppendJsonString(out, value);
}

const char* NameOf(v1::Kind kind) {
  switch (kind) {
    case v1::KIND_EDITED:
      return "edited";
    case v1::KIND_DELETED:
      return "deleted";
    default:
      return "created";
  }
}

void AppendPayload(std::string& out, const v1::Message& message) {
  const std::string& payload = message.payload();
  const PayloadForm form = FormOf(message.content_type());
  if (message.kind() == v1::KIND_DELETED) {
    AppendName(out, "payload");
    out += "null";
  } else if (form == PayloadForm::kJson && IsJson(payload)) {
    AppendName(out, "payload");
    out += payload;
  } else if (form == PayloadForm::kText && IsUtf8(payload)) {
    AppendField(out, "payload", payload);
  } else {
    AppendName(out, "payloadBase64");
    out += '"';
    out += absl::Base64Escape(payload);
    out += '"';
  }
}

// In order of name, so that the same message is always the same bytes.
void AppendHeaders(std::string& out, const v1::Message& message) {
  using Header = google::protobuf::Map<std::string, std::string>::value_type;
  std::vector<const Header*> headers;
  for (const Header& header : message.headers()) headers.push_back(&header);
  std::sort(headers.begin(), headers.end(),
            [](const Header* a, const Header* b) { return a->first < b->first; });
  AppendName(out, "headers");
  out += '{';
  for (const Header* header : headers) {
    if (out.back() != '{') out += ',';
    AppendJsonString(out, header->first);
    out += ':';
    AppendJsonString(out, header->second);
  }
  out += '}';
}

// `message_id` as `messageId`.
std::string CamelCase(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool joint = name[i] == '_' && i + 1 < name.size();
    out += joint ? static_cast<char>(name[++i] - 'a' + 'A') : name[i];
  }
  return out;
}

bool IsFieldName(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool joint = text[i] == '_' && i > 0 && i + 1 < text.size() && text[i + 1] != '_';
    if (!joint && kLetters.find(text[i]) == std::string_view::npos) return false;
  }
  return !text.empty();
}

}  // namespace

std::string FormatTime(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string EncodeMessage(const v1::Message& message) {
  constexpr std::size_t kOtherBytes = 512;
  std::string out;
  out.reserve(message.payload().size() + message.payload().size() / 2 + kOtherBytes);
  out += "{\"channel\":";
  AppendJsonString(out, message.channel());
  AppendField(out, "seq", message.seq());
  AppendField(out, "position", message.position());
  AppendField(out, "messageId", message.message_id());
  AppendField(out, "sender", message.sender());
  AppendField(out, "kind", NameOf(message.kind()));
  AppendField(out, "refersTo", message.refers_to());
  AppendField(out, "type", message.type());
  AppendField(out, "contentType", message.content_type());
  AppendPayload(out, message);
  AppendHeaders(out, message);
  AppendField(out, "publishedAt", FormatTime(TimeOf(message.published_at())));
  AppendName(out, "expiresAt");
  if (message.has_expires_at()) {
    AppendJsonString(out, FormatTime(TimeOf(message.expires_at())));
  } else {
    out += "null";
  }
  out += '}';
  return out;
}

std::string ErrorCode(const Status& status) {
  if (IsDiskFull(status)) return "disk_full";
  std::string name = absl::StatusCodeToString(status.code());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

std::string ErrorMessage(const Status& status) {
  std::string message = MessageOf(status);
  // It may quote what was sent.
  if (!IsUtf8(message)) {
    std::replace_if(
        message.begin(), message.end(),
        [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  const std::size_t colon = message.find(':');
  const std::string_view field = std::string_view(message).substr(0, colon);
  if (colon == std::string::npos || !IsFieldName(field)) return message;
  return CamelCase(field) + message.substr(colon);
}

bool IsRetryable(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted ||
         status.code() == StatusCode::kUnavailable;
}

Duration RetryAfter(const Status& status) {
  // Long enough for a full queue to be written, or a server to be started again.
  constexpr Duration kWait{1000};
  if (!IsRetryable(status)) return Duration{};
  const auto known = status.GetPayload(kRetryIn);
  if (!known) return kWait;
  std::int64_t ms = 0;
  const std::string text(*known);
  std::from_chars(text.data(), text.data() + text.size(), ms);
  return Duration(ms);
}

Status RetryIn(Duration wait, Status status) {
  status.SetPayload(kRetryIn, absl::Cord(std::to_string(wait.count())));
  return status;
}

std::string EncodeError(const Status& status, const std::string& code) {
  std::string out = "{\"error\":{\"code\":";
  AppendJsonString(out, code.empty() ? ErrorCode(status) : code);
  AppendField(out, "message", ErrorMessage(status));
  AppendName(out, "retryable");
  out += IsRetryable(status) ? "true" : "false";
  AppendField(out, "retryAfterMs", static_cast<std::uint64_t>(RetryAfter(status).count()));
  out += "}}";
  return out;
}

}  // namespace ackwire
