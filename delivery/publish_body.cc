// ParsePublishBody (delivery/message_json.h).

#include <absl/strings/escaping.h>

#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "delivery/message_json.h"
#include "delivery/payload_form.h"
#include "delivery/strict_json.h"
#include "store/limits.h"

namespace ackwire {
namespace {

namespace json = boost::json;

// Reads fields of an object and keeps the first thing that is wrong. Fields nobody asks for are
// ignored.
class FieldReader {
 public:
  explicit FieldReader(const json::object& object) : object_(object) {}

  // None when the field is not given, or wrong.
  std::optional<std::string> String(const char* name) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return std::string(value->get_string());
    Fail(name, "must be a string, got " + Found(*value));
    return std::nullopt;
  }

  struct Bounds {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };
  std::optional<std::uint64_t> Whole(const char* name, Bounds bounds) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return std::nullopt;
    json::error_code ec;
    const auto number = value->is_double() ? std::uint64_t{} : value->to_number<std::uint64_t>(ec);
    if (!value->is_double() && !ec && number >= bounds.low && number <= bounds.high) return number;
    Fail(name, "must be a whole number from " + std::to_string(bounds.low) + " to " +
                   std::to_string(bounds.high) + ", got " + Found(*value));
    return std::nullopt;
  }

  std::optional<std::string> Base64(const char* name) {
    std::optional<std::string> text = String(name);
    if (!text) return text;
    std::string bytes;
    // Abseil takes white space and missing padding; what encodes to the same text had neither.
    if (absl::Base64Unescape(*text, &bytes) && absl::Base64Escape(bytes) == *text) return bytes;
    Fail(name, "must be base64 (RFC 4648, section 4) with padding");
    return std::nullopt;
  }

  void Headers(v1::Message& draft) {
    const json::value* value = object_.if_contains("headers");
    if (value == nullptr) return;
    if (!value->is_object()) return Fail("headers", "must be an object, got " + Found(*value));
    for (const auto& [name, text] : value->get_object()) {
      if (!text.is_string()) {
        return Fail("headers", "the value of \"" + std::string(name) + "\" must be a string, got " +
                                   Found(text));
      }
      (*draft.mutable_headers())[std::string(name)] = std::string(text.get_string());
    }
  }

  void Fail(const char* name, const std::string& problem) {
    if (status_.ok()) status_ = InvalidArgument(std::string(name) + ": " + problem);
  }

  [[nodiscard]] const json::value* Find(const char* name) const {
    return object_.if_contains(name);
  }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  static std::string Found(const json::value& value) {
    if (value.is_number() || value.is_bool() || value.is_null()) return json::serialize(value);
    return value.is_string() ? "a string" : value.is_array() ? "an array" : "an object";
  }

  const json::object& object_;
  Status status_;
};

// `payload` as the bytes to store; sets the content type when none is given.
void SetPayloadValue(std::string_view body, FieldReader& fields, v1::Message& draft) {
  if (draft.content_type().empty()) draft.set_content_type("application/json");
  switch (FormOf(draft.content_type())) {
    case PayloadForm::kJson:
      // Not as it would be written again, which is not always the same.
      draft.set_payload(std::string(MemberText(body, "payload").value_or("")));
      return;
    case PayloadForm::kText:
      if (const auto text = fields.String("payload")) draft.set_payload(*text);
      return;
    case PayloadForm::kBytes:
      fields.Fail("payload",
                  "must be given as payloadBase64 when contentType is neither "
                  "application/json nor text/*");
  }
}

void SetPayload(std::string_view body, FieldReader& fields, v1::Message& draft) {
  const json::value* payload = fields.Find("payload");
  if (payload != nullptr && fields.Find("payloadBase64") != nullptr) {
    return fields.Fail("payloadBase64", "must not be given together with payload");
  }
  if (payload != nullptr) return SetPayloadValue(body, fields, draft);
  if (auto bytes = fields.Base64("payloadBase64")) draft.set_payload(*std::move(bytes));
  if (draft.content_type().empty()) draft.set_content_type("application/octet-stream");
}

}  // namespace

StatusOr<PublishBody> ParsePublishBody(std::string_view body) {
  const StatusOr<json::value> value = ParseStrictJson(body, "body");
  if (!value.ok()) return value.status();
  if (!value->is_object()) return InvalidArgument("body: must be a JSON object");
  FieldReader fields(value->get_object());
  PublishBody out;
  v1::Message& draft = out.draft;
  if (const auto id = fields.String("messageId")) {
    if (Status status = CheckMessageId(*id); !status.ok()) return status;
    draft.set_message_id(*id);
  }
  if (const auto type = fields.Whole("type", {0, kTypeMax})) {
    draft.set_type(static_cast<std::uint32_t>(*type));
  }
  if (const auto type = fields.String("contentType")) draft.set_content_type(*type);
  if (const auto sender = fields.String("sender")) draft.set_sender(*sender);
  fields.Headers(draft);
  const auto ttl_max = static_cast<std::uint64_t>(kTtlMax.count());
  if (const auto ttl = fields.Whole("ttlMs", {1, ttl_max})) {
    out.ttl = Duration(static_cast<std::int64_t>(*ttl));
  }
  constexpr std::uint64_t kSeqMax = std::numeric_limits<std::uint64_t>::max();
  if (const auto seq = fields.Whole("expectedSeq", {0, kSeqMax})) out.expected_seq = Seq{*seq};
  SetPayload(body, fields, draft);
  if (!fields.status().ok()) return fields.status();
  return out;
}

}  // namespace ackwire
