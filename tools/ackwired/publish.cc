#include "tools/ackwired/publish.h"

#include <grpcpp/server_context.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "delivery/admission.h"
#include "delivery/caller.h"
#include "delivery/traceparent.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

constexpr char kTraceparent[] = "traceparent";
constexpr char kAttempt[] = "ackwire-attempt";
constexpr char kContentTypeDefault[] = "application/octet-stream";

// Beyond it an expiry would be no valid Timestamp, which ends with the year 9999.
constexpr std::int64_t kTtlDaysMax = 36'500;
constexpr std::int64_t kTtlSecondsMax = kTtlDaysMax * 24 * 60 * 60;

std::string_view Find(const grpc::CallbackServerContext& context, const char* name) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(name);
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

StatusOr<Duration> TtlOf(const google::protobuf::Duration& ttl) {
  const bool positive = ttl.seconds() >= 0 && ttl.nanos() >= 0 && ttl.nanos() < 1'000'000'000 &&
                        (ttl.seconds() > 0 || ttl.nanos() > 0);
  if (!positive || ttl.seconds() >= kTtlSecondsMax) {
    return InvalidArgument("ttl: must be more than 0 and less than " + std::to_string(kTtlDaysMax) +
                           " days; without one a message never "
                           "expires, got " +
                           std::to_string(ttl.seconds()) + " s and " + std::to_string(ttl.nanos()) +
                           " ns");
  }
  // Rounded up: a ttl shorter than a millisecond is not none.
  return Duration(ttl.seconds() * 1000 + (ttl.nanos() + 999'999) / 1'000'000);
}

}  // namespace

PublishMetadata PublishMetadataOf(const grpc::CallbackServerContext& context) {
  const std::string_view attempt = Find(context, kAttempt);
  std::uint32_t number = 0;
  std::from_chars(attempt.data(), attempt.data() + attempt.size(), number);
  return {.traceparent = std::string(Find(context, kTraceparent)),
          .address = AddressOfPeer(context.peer()),
          .is_retry = number > 1};
}

StatusOr<PublishWork> WorkFor(v1::PublishRequest request, const PublishMetadata& metadata,
                              const Caller& caller) {
  PublishWork work;
  v1::Message& draft = work.draft;
  draft.set_channel(std::move(*request.mutable_channel()));
  draft.set_message_id(std::move(*request.mutable_message_id()));
  draft.set_sender(std::move(*request.mutable_sender()));
  draft.set_type(request.type());
  draft.set_content_type(request.content_type().empty()
                             ? kContentTypeDefault
                             : std::move(*request.mutable_content_type()));
  draft.set_payload(std::move(*request.mutable_payload()));
  draft.set_kind(request.kind() == v1::KIND_UNSPECIFIED ? v1::KIND_CREATED : request.kind());
  draft.set_refers_to(request.refers_to());
  draft.mutable_headers()->swap(*request.mutable_headers());
  // What the message itself says is nearer to it than what the call says.
  if (IsTraceparent(metadata.traceparent) && !draft.headers().contains(kTraceparent)) {
    (*draft.mutable_headers())[kTraceparent] = metadata.traceparent;
  }
  if (Status status = CheckDraft(draft); !status.ok()) return status;
  if (request.has_ttl()) {
    const StatusOr<Duration> ttl = TtlOf(request.ttl());
    if (!ttl.ok()) return ttl.status();
    work.ttl = *ttl;
  }
  if (request.has_expected_seq()) work.expected_seq = Seq{request.expected_seq()};
  if (Status status = caller.Sign(work); !status.ok()) return status;
  return work;
}

void Submit(const ServiceDependencies& deps, const PublishMetadata& metadata, PublishWork work) {
  const Status refusal = deps.delivery.limits().TakePublish(
      {.user = work.draft.sender(), .address = metadata.address}, deps.clock.Now());
  if (!refusal.ok()) return work.done(refusal);
  const auto read = [&delivery = deps.delivery](auto job) { delivery.Read(std::move(job)); };
  SubmitAdmitted({deps.store, deps.policies, read}, std::move(work));
}

std::string AddressOfPeer(const std::string& peer) {
  const std::size_t scheme = peer.find(':');
  const std::size_t port = peer.rfind(':');
  if (scheme == std::string::npos || port <= scheme) return peer;
  std::string address = peer.substr(scheme + 1, port - scheme - 1);
  for (const std::string_view bracket : {"%5B", "%5D", "[", "]"}) {
    const std::size_t at = address.find(bracket);
    if (at != std::string::npos) address.erase(at, bracket.size());
  }
  return address;
}

void CountAnswer(const ServiceDependencies& deps, const StatusOr<Published>& published,
                 Timestamp started) {
  const bool duplicate = published.ok() && published->duplicate;
  deps.metrics.PublishAnswered(published.status(), Metrics::Transport::kGrpc,
                               deps.clock.Now() - started,
                               duplicate ? Metrics::Stored::kBefore : Metrics::Stored::kNow);
}

void Fill(const Published& published, const std::string& epoch, v1::PublishResponse& response) {
  response.set_seq(published.seq.value);
  response.set_position(published.position.value);
  response.set_message_id(published.message_id);
  SetTime(*response.mutable_published_at(), published.published_at);
  response.set_duplicate(published.duplicate);
  response.set_epoch(epoch);
}

}  // namespace ackwire
