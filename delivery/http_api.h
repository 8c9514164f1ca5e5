// HttpApi answers the HTTP/JSON calls of clients: publish, edit, withdraw, history, one message and
// its receipts, acknowledgements (session_calls.h), tickets (ticket_call.h); and with the
// description of these calls (http_description.h).
// (Listening, keep-alive, limits of a connection and the upgrade to WebSocket: http_connection.h.)
//
// Threads:  Answer from any; `done` comes on a thread of the store or the read pool, or within
//           Answer, and posts.
// Lifetime: borrows all it is given, until the last answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/metrics.h"
#include "store/clock.h"
#include "store/store.h"

namespace ackwire {

struct HttpTarget;
struct MessagesPath;
struct ReceiptsSource;
class Caller;
class EdgeLimits;
class Policies;
class SessionCalls;
class Tickets;
class TokenVerifier;

// A request; its body is here once it was read whole.
struct HttpRequest {
  std::string method;
  std::string target;  // path and query as sent: still percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string remote_address;            // without the port
  std::shared_ptr<const Caller> caller;  // null: nobody has asked yet, or the call is open to all

  // The first header of this name, in any case; empty when there is none.
  [[nodiscard]] std::string Header(const std::string& name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type among them
  std::string body;
};

// {"error":…} with the HTTP status of the contract for this status.
[[nodiscard]] HttpResponse ErrorResponse(const Status& status);
[[nodiscard]] HttpResponse JsonResponse(unsigned status, std::string body);

// 405, with the methods of the path as Allow lists them.
[[nodiscard]] HttpResponse MethodNotAllowed(const std::string& method, const char* allowed);

// The answer to OPTIONS, and to any method that is not among `allowed`, as Allow lists them; none
// to one that is.
[[nodiscard]] std::optional<HttpResponse> AnswerByMethod(const std::string& method,
                                                         const char* allowed);

// kInvalidArgument for what is over a limit of bytes: ErrorResponse gives it 413 rather than 400.
[[nodiscard]] Status TooLarge(const std::string& message);

class HttpApi {
 public:
  struct Dependencies {
    Store& store;
    const Clock& clock;
    Metrics& metrics;
    std::function<void(std::function<void()>)> read;  // runs a job that may block
    const ReceiptsSource& receipts;
    const Policies& policies;
    EdgeLimits& limits;
    const SessionCalls& calls;
    Tickets& tickets;
    const TokenVerifier* tokens = nullptr;  // null: everybody is trusted
  };
  explicit HttpApi(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  // Says in the request whose it is, where that matters; by its head alone, so that nobody's body
  // is held who may not call. The answer to a call that needs a token and has none that is valid.
  [[nodiscard]] std::optional<HttpResponse> Identify(HttpRequest& head) const;

  // HEAD is answered like GET: the connection leaves the body out, and not its length.
  using Done = std::function<void(HttpResponse)>;
  void Answer(HttpRequest request, Done done);

 private:
  struct Call {
    const HttpRequest& request;
    const HttpTarget& target;
    const MessagesPath& path;
    const Caller& caller;
  };
  [[nodiscard]] StatusOr<Caller> CallerOf(const HttpRequest& request) const;
  // What a path is that has this method alone.
  void Post(const HttpRequest& request, const HttpTarget& target, Done done);
  void Publish(const Call& call, Done done);
  // REQUIRES, for these two: the caller may read the channel.
  void Read(const Call& call, Done done);
  void ReadReceipts(const MessagesPath& path, Done done);

  const Dependencies deps_;
};

}  // namespace ackwire
