#include "delivery/http_publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "delivery/message_json.h"
#include "delivery/strict_json.h"
#include "delivery/traceparent.h"
#include "store/limits.h"

namespace ackwire {
namespace {

// Sets a field that may be given in two places, which then must agree.
struct Place {
  const char* name;
  std::string value;
};
Status Unite(const Place& here, const Place& there, std::string& out) {
  if (!here.value.empty() && !there.value.empty() && here.value != there.value) {
    return InvalidArgument(std::string(here.name) + ": must be the same as " + there.name +
                           " when both are given");
  }
  out = here.value.empty() ? there.value : here.value;
  return OkStatus();
}

v1::Kind KindOf(const std::string& method) {
  if (method == "PUT") return v1::KIND_EDITED;
  return method == "DELETE" ? v1::KIND_DELETED : v1::KIND_CREATED;
}

// A withdrawal may come without a body.
StatusOr<PublishBody> BodyOf(const HttpRequest& request) {
  if (request.method != "DELETE") return ParsePublishBody(request.body);
  StatusOr<PublishBody> body = PublishBody();
  if (!request.body.empty()) body = ParsePublishBody(request.body);
  if (body.ok()) body->draft.clear_content_type();  // it has no content
  return body;
}

Status AddFromHeaders(const HttpRequest& request, v1::Message& draft) {
  Status status = Unite({"Idempotency-Key", request.Header("Idempotency-Key")},
                        {"messageId", draft.message_id()}, *draft.mutable_message_id());
  if (!status.ok()) return status;
  const std::string traceparent = request.Header("traceparent");
  if (IsTraceparent(traceparent)) draft.mutable_headers()->insert({"traceparent", traceparent});
  return OkStatus();
}

}  // namespace

StatusOr<PublishWork> MakePublish(const HttpRequest& request, const HttpTarget& target,
                                  const MessagesPath& path) {
  PublishWork work;
  Seq refers_to;
  if (path.seq) {
    const StatusOr<Seq> seq = ParseSeq(*path.seq);
    if (!seq.ok()) return seq.status();
    refers_to = *seq;
  }
  StatusOr<PublishBody> body = BodyOf(request);
  if (!body.ok()) return body.status();
  work.draft = std::move(body->draft);
  work.ttl = body->ttl;
  work.expected_seq = body->expected_seq;
  if (Status status = AddFromHeaders(request, work.draft); !status.ok()) return status;
  const auto sender = target.query.find("sender");
  if (request.method == "DELETE" && sender != target.query.end()) {
    Status status = Unite({"sender", sender->second}, {"sender of the body", work.draft.sender()},
                          *work.draft.mutable_sender());
    if (!status.ok()) return status;
  }
  work.draft.set_channel(path.channel);
  work.draft.set_kind(KindOf(request.method));
  work.draft.set_refers_to(refers_to.value);
  if (Status status = CheckDraft(work.draft); !status.ok()) {
    const bool too_large = work.draft.payload().size() > kPayloadBytesMax;
    return too_large ? TooLarge(MessageOf(status)) : status;
  }
  return work;
}

HttpResponse PublishedResponse(const std::string& channel, const Published& published,
                               const std::string& epoch) {
  std::string body = "{\"channel\":";
  AppendJsonString(body, channel);
  body += fmt::format(",\"seq\":{},\"position\":{},\"messageId\":", published.seq.value,
                      published.position.value);
  AppendJsonString(body, published.message_id);
  body += fmt::format(R"(,"publishedAt":"{}","duplicate":{},"epoch":"{}"}})",
                      FormatTime(published.published_at), published.duplicate, epoch);
  return JsonResponse(published.duplicate ? 200 : 201, std::move(body));
}

}  // namespace ackwire
