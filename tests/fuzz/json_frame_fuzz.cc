// JSON that clients send: frames of ackwire.v1.json, the bodies of publishes, and those of calls
// that do what frames do. All parsers get every input: they share most of their code.
#include <boost/json.hpp>

#include "delivery/client_frame.h"
#include "delivery/message_json.h"
#include "delivery/payload_form.h"
#include "delivery/strict_json.h"
#include "store/limits.h"
#include "tests/fuzz/error_checks.h"
#include "tests/fuzz/frame_checks.h"

namespace ackwire::fuzz {
namespace {

namespace json = boost::json;

std::size_t DepthOf(const json::value& value) {
  std::size_t inner = 0;
  if (const json::array* items = value.if_array()) {
    for (const json::value& each : *items) inner = std::max(inner, DepthOf(each));
    return inner + 1;
  }
  if (const json::object* members = value.if_object()) {
    for (const auto& member : *members) inner = std::max(inner, DepthOf(member.value()));
    return inner + 1;
  }
  return 0;
}

// Each member's text is found, and is of that member.
void CheckMemberTexts(std::string_view text, const json::object& object) {
  for (const auto& member : object) {
    const auto found = MemberText(text, {member.key().data(), member.key().size()});
    CHECK(found, "a member has a text, however its key is spelled");
    const auto value = ParseStrictJson(*found, "member");
    // As text: `0e400` is read as what equals nothing.
    CHECK(value.ok() && json::serialize(*value) == json::serialize(member.value()),
          "the text is that of the member");
  }
}

void CheckStrictness(std::string_view text) {
  const StatusOr<json::value> value = ParseStrictJson(text, "text");
  if (!value.ok()) return CheckRefusal(value.status());
  CHECK(IsUtf8(text), "what is taken is UTF-8");
  CHECK(IsJson(text), "and JSON by the other measure too");
  CHECK(DepthOf(*value) <= kJsonDepthMax, "no deeper than that");
  if (const json::object* object = value->if_object()) CheckMemberTexts(text, *object);
}

// Any text that is UTF-8 survives being quoted, and no other is taken.
void CheckQuoting(std::string_view text) {
  std::string quoted;
  AppendJsonString(quoted, text);
  const auto read = ParseStrictJson(quoted, "text");
  CHECK(read.ok() == IsUtf8(text), "two readers agree on what is UTF-8");
  if (read.ok()) CHECK(std::string_view(read->get_string()) == text, "and it is the same text");
}

// What stands in `token` is in no error.
void CheckTokenIsNotQuoted(std::string_view text) {
  constexpr std::string_view kToken = "the-token-that-nobody-may-see";
  const StatusOr<json::value> value = ParseStrictJson(text, "text");
  if (!value.ok() || !value->is_object()) return;
  json::object object = value->get_object();
  object["token"] = "";
  if (json::serialize(object).find(kToken.data()) != std::string::npos) return;
  object["token"] = json::string_view(kToken.data(), kToken.size());
  const frame::ClientFrame frame = frame::ParseJson(json::serialize(object));
  std::string said;
  if (const auto* refused = std::get_if<frame::Refused>(&frame)) said = MessageOf(refused->why);
  if (const auto* malformed = std::get_if<frame::Malformed>(&frame)) said = malformed->why;
  CHECK(said.find(kToken) == std::string::npos, "no error quotes a token");
}

std::string Comparable(const PublishBody& body) {
  return std::to_string(body.ttl.value_or(Duration(-1)).count()) + " " +
         (body.expected_seq ? std::to_string(body.expected_seq->value) : "-") + " " +
         EncodeMessage(body.draft) + body.draft.payload();
}

// As an edit, a withdrawal and a message of its own.
void CheckDrafts(v1::Message draft) {
  draft.set_channel("room/1");
  for (const v1::Kind kind : {v1::KIND_CREATED, v1::KIND_EDITED, v1::KIND_DELETED}) {
    draft.set_kind(kind);
    draft.set_refers_to(kind == v1::KIND_CREATED ? 0 : 7);
    const Status status = CheckDraft(draft);
    if (!status.ok()) {
      CheckRefusal(status);
      continue;
    }
    std::size_t bytes = 0;
    for (const auto& [name, value] : draft.headers()) bytes += name.size() + value.size();
    CHECK(draft.headers().size() <= kHeadersMax && bytes <= kHeaderBytesMax, "32, in 8 KiB");
    CHECK(draft.content_type().size() <= kContentTypeBytesMax, "255 bytes");
    CHECK(draft.sender().size() <= kNameBytesMax, "a name");
    CHECK(kind != v1::KIND_DELETED || draft.payload().empty(), "a withdrawal has no content");
  }
}

void CheckBody(std::string_view text) {
  StatusOr<PublishBody> body = ParsePublishBody(text);
  if (!body.ok()) {
    CHECK(body.status().code() == StatusCode::kInvalidArgument, "400");
    return CheckRefusal(body.status());
  }
  CHECK(body->draft.type() <= kTypeMax, "a type has 16 bits");
  CHECK(!body->ttl || (*body->ttl > Duration(0) && *body->ttl <= kTtlMax), "a hundred years");
  if (body->draft.message_id().empty()) body->draft.set_message_id("1");
  CHECK(CheckMessageId(body->draft.message_id()).ok(), "an id is one");
  CHECK(!body->draft.content_type().empty(), "what it is stands there");
  CheckDrafts(body->draft);

  // Who publishes JSON as base64 is not held to what is asked of JSON from outside.
  const bool embedded =
      FormOf(body->draft.content_type()) == PayloadForm::kJson && IsJson(body->draft.payload());
  if (embedded && !ParseStrictJson("[" + body->draft.payload() + "]", "payload").ok()) return;
  // Else, as it would be delivered, it can be published again.
  const StatusOr<PublishBody> again = ParsePublishBody(EncodeMessage(body->draft));
  CHECK(again.ok(), "what was published is taken again");
  body->ttl.reset();
  body->expected_seq.reset();
  CHECK(Comparable(*again) == Comparable(*body), "and is the same");
}

void CheckCalls(std::string_view text) {
  for (const std::string_view type : {"ack", "nack", "working"}) {
    const StatusOr<frame::SessionCall> call = frame::ParseCall(type, text);
    if (!call.ok()) {
      CheckRefusal(call.status());
      continue;
    }
    CHECK(!call->session.empty() && IsUtf8(call->session), "a call names its session");
    std::visit([](const auto& answer) { CheckFrame(answer); }, call->answer);
  }
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire;
  const std::string_view text = fuzz::TextOf(data, size);
  fuzz::CheckFrame(frame::ParseJson(text));
  fuzz::CheckStrictness(text);
  fuzz::CheckQuoting(text);
  fuzz::CheckTokenIsNotQuoted(text);
  fuzz::CheckBody(text);
  fuzz::CheckCalls(text);
  return 0;
}
