#include "delivery/session_calls.h"

#include <utility>
#include <variant>

#include "delivery/client_answer.h"
#include "delivery/client_frame.h"
#include "delivery/hub.h"
#include "delivery/message_json.h"
#include "delivery/session.h"

namespace ackwire {
namespace {

Status NoSession(const std::string& session) {
  constexpr std::size_t kSessionShownMax = 64;
  return Error(StatusCode::kNotFound,
               "session: " + session.substr(0, kSessionShownMax) +
                   " is not connected here; connect again, with Last-Event-ID to go on in it, and "
                   "acknowledge in the session that `welcome` names");
}

HttpResponse Refused(const Status& status) {
  constexpr unsigned kNotFound = 404;
  if (status.code() != StatusCode::kNotFound) return ErrorResponse(status);
  return JsonResponse(kNotFound, EncodeError(status, "unknown_delivery"));
}

}  // namespace

struct SessionCalls::Asked {
  frame::SessionCall call;
  std::size_t bytes = 0;
  Caller caller;
  HttpApi::Done done;
};

std::optional<std::string> SessionCalls::CallOf(const HttpTarget& target) {
  const auto& path = target.segments;
  if (path.size() != 2 || path[0] != "v1") return std::nullopt;
  if (path[1] != "ack" && path[1] != "nack" && path[1] != "working") return std::nullopt;
  return path[1];
}

void SessionCalls::Answer(const std::string& call, std::string_view body, const Caller& caller,
                          HttpApi::Done done) const {
  StatusOr<frame::SessionCall> parsed = frame::ParseCall(call, body);
  if (!parsed.ok()) return done(ErrorResponse(parsed.status()));
  Find(0, std::make_shared<const Asked>(
              Asked{*std::move(parsed), body.size(), caller, std::move(done)}));
}

void SessionCalls::Find(std::size_t hub, const std::shared_ptr<const Asked>& asked) const {
  if (hub == hubs_.size()) return asked->done(ErrorResponse(NoSession(asked->call.session)));
  hubs_[hub]->Post([this, hub, asked] {
    Session* session = hubs_[hub]->FindSession(asked->call.session);
    if (session == nullptr) return Find(hub + 1, asked);
    Act(*hubs_[hub], *session, *asked);
  });
}

void SessionCalls::Act(Hub& hub, Session& session, const Asked& asked) {
  // Another user's session is answered as one that is not there.
  if (!asked.caller.MayBe(session.client()).ok()) {
    return asked.done(ErrorResponse(NoSession(asked.call.session)));
  }
  if (Status status = session.TakeCall(asked.bytes); !status.ok()) {
    return asked.done(ErrorResponse(status));
  }
  const Status status =
      std::visit([&](const auto& answer) { return ActOn(session.ledger(), answer, hub.now()); },
                 asked.call.answer);
  // What it has no event of is on disk, or on its way there: the writer answers in order.
  hub.SubmitEvents(session.TakeEvents(),
                   [done = asked.done, status](const StatusOr<Recorded>& recorded) {
                     if (!recorded.ok()) return done(ErrorResponse(recorded.status()));
                     if (!status.ok()) return done(Refused(status));
                     done(JsonResponse(200, R"({"confirmed":true})"));
                   });
  session.Changed();
}

}  // namespace ackwire
