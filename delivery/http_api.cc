#include "delivery/http_api.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "delivery/admission.h"
#include "delivery/caller.h"
#include "delivery/edge_limits.h"
#include "delivery/http_description.h"
#include "delivery/http_history.h"
#include "delivery/http_publish.h"
#include "delivery/http_target.h"
#include "delivery/message_json.h"
#include "delivery/receipts.h"
#include "delivery/session_calls.h"
#include "delivery/ticket_call.h"

namespace ackwire {
namespace {

constexpr unsigned kTooManyStatus = 429;

const char* AllowedMethods(const MessagesPath& path) {
  if (path.receipts) return "GET, HEAD, OPTIONS";
  return path.seq ? "GET, HEAD, PUT, DELETE, OPTIONS" : "GET, HEAD, POST, OPTIONS";
}

HttpResponse ReceiptsResponse(const v1::Receipts& receipts) {
  HttpResponse response = JsonResponse(
      200, fmt::format(R"({{"owed":{},"acked":{},"pending":{},"failed":{},"usersOwed":{},)"
                       R"("usersReached":{}}})",
                       receipts.owed(), receipts.acked(), receipts.pending(), receipts.failed(),
                       receipts.users_owed(), receipts.users_reached()));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

bool SaysRetry(const HttpRequest& request) {
  const std::string attempt = request.Header("Ackwire-Attempt");
  unsigned number = 0;
  const char* const end = attempt.data() + attempt.size();
  return std::from_chars(attempt.data(), end, number).ptr == end && number > 1;
}

}  // namespace

std::optional<HttpResponse> HttpApi::Identify(HttpRequest& head) const {
  const StatusOr<HttpTarget> target = ParseTarget(head.target);
  if (!target.ok()) return ErrorResponse(target.status());
  if (head.method == "OPTIONS" || IsDescriptionPath(*target)) return std::nullopt;
  StatusOr<Caller> caller = CallerOf(head);
  if (!caller.ok()) return ErrorResponse(caller.status());
  head.caller = std::make_shared<const Caller>(*std::move(caller));
  return std::nullopt;
}

void HttpApi::Answer(HttpRequest request, Done done) {
  const StatusOr<HttpTarget> target = ParseTarget(request.target);
  if (!target.ok()) return done(ErrorResponse(target.status()));
  if (IsDescriptionPath(*target)) return done(AnswerDescription(request));
  if (SessionCalls::CallOf(*target) || IsTicketPath(*target)) {
    return Post(request, *target, std::move(done));
  }
  const std::optional<MessagesPath> path = MessagesPathOf(*target);
  if (!path) {
    return done(ErrorResponse(Error(StatusCode::kNotFound,
                                    "path: there is nothing here; messages are at "
                                    "/v1/channels/{channel}/messages; a / in a channel's name is "
                                    "written %2F")));
  }
  if (request.method == "OPTIONS") {
    return done({204, {{"Allow", AllowedMethods(*path)}}, {}});
  }
  const StatusOr<Caller> caller = CallerOf(request);
  if (!caller.ok()) return done(ErrorResponse(caller.status()));
  const Call call{request, *target, *path, *caller};
  const bool changes = request.method == "PUT" || request.method == "DELETE";
  if (!path->receipts && (path->seq ? changes : request.method == "POST")) {
    return Publish(call, std::move(done));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return done(MethodNotAllowed(request.method, AllowedMethods(*path)));
  }
  if (Status status = caller->MaySubscribe(path->channel); !status.ok()) {
    return done(ErrorResponse(status));
  }
  if (path->receipts) return ReadReceipts(*path, std::move(done));
  Read(call, std::move(done));
}

StatusOr<Caller> HttpApi::CallerOf(const HttpRequest& request) const {
  if (request.caller != nullptr) return *request.caller;
  const std::string authorization = request.Header("Authorization");
  return IdentifyCaller(deps_.tokens, BearerTokenOf(authorization), deps_.clock.Now());
}

void HttpApi::Post(const HttpRequest& request, const HttpTarget& target, Done done) {
  constexpr char kPostMethods[] = "POST, OPTIONS";
  if (auto answer = AnswerByMethod(request.method, kPostMethods)) return done(*std::move(answer));
  const StatusOr<Caller> caller = CallerOf(request);
  if (!caller.ok()) return done(ErrorResponse(caller.status()));
  if (const auto call = SessionCalls::CallOf(target)) {
    return deps_.calls.Answer(*call, request.body, *caller, std::move(done));
  }
  HttpResponse answer = AnswerTicketCall(deps_.tickets, request.body, *caller, deps_.clock.Now());
  if (answer.status == kTooManyStatus) deps_.limits.Hit(Limit::kTickets);
  done(std::move(answer));
}

void HttpApi::Publish(const Call& call, Done done) {
  const auto& [request, target, path, caller] = call;
  const Timestamp began = deps_.clock.Now();
  if (SaysRetry(request)) deps_.metrics.PublishRetried();
  const auto answer = [&clock = deps_.clock, &metrics = deps_.metrics, &epoch = deps_.store.epoch(),
                       channel = path.channel, began,
                       done = std::move(done)](const StatusOr<Published>& outcome) {
    const auto stored =
        outcome.ok() && outcome->duplicate ? Metrics::Stored::kBefore : Metrics::Stored::kNow;
    metrics.PublishAnswered(outcome.status(), Metrics::Transport::kHttp, clock.Now() - began,
                            stored);
    done(outcome.ok() ? PublishedResponse(channel, *outcome, epoch)
                      : ErrorResponse(outcome.status()));
  };
  StatusOr<PublishWork> work = MakePublish(request, target, path);
  if (!work.ok()) return answer(work.status());
  if (Status status = caller.Sign(*work); !status.ok()) return answer(status);
  Status refusal = deps_.limits.TakePublish(
      {.user = work->draft.sender(), .address = request.remote_address}, began);
  if (!refusal.ok()) return answer(refusal);
  work->done = answer;
  SubmitAdmitted({deps_.store, deps_.policies, deps_.read}, *std::move(work));
}

void HttpApi::Read(const Call& call, Done done) {
  const auto& [request, target, path, caller] = call;
  StatusOr<HistoryQuestion> question = ParseHistoryQuestion(request, target, path);
  if (!question.ok()) return done(ErrorResponse(question.status()));
  question->is_public = deps_.policies.For(path.channel)->is_public;
  deps_.read([&store = deps_.store, question = *std::move(question), done = std::move(done)] {
    done(question.seq ? ReadMessage(store, question) : ReadHistory(store, question));
  });
}

void HttpApi::ReadReceipts(const MessagesPath& path, Done done) {
  const StatusOr<Seq> seq = ParseSeq(*path.seq);
  if (!seq.ok()) return done(ErrorResponse(seq.status()));
  AskReceipts(
      deps_.receipts, {.message = {.channel = path.channel, .seq = *seq}},
      [done = std::move(done)](const StatusOr<v1::Receipts>& receipts) {
        done(receipts.ok() ? ReceiptsResponse(*receipts) : ErrorResponse(receipts.status()));
      });
}

}  // namespace ackwire
