// What GET /v1/sse asks for: its query, and the id of the last event that arrived, as the `connect`
// of a session; and who asks.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "delivery/caller.h"
#include "delivery/client_frame.h"
#include "delivery/http_api.h"
#include "delivery/http_target.h"
#include "delivery/tickets.h"

namespace ackwire {

inline constexpr char kEventStreamMethods[] = "GET, HEAD, OPTIONS";

[[nodiscard]] bool IsEventStreamPath(std::string_view target);

struct EventStreamQuestion {
  frame::Connect connect;
  std::string ticket;  // empty: none
};
// `channels` are separated by commas; in a channel's own name `,` is `%2C` and `%` is `%25`, before
// the whole is percent-encoded as every value of a query.
//   kInvalidArgument  names the parameter and what it must be
[[nodiscard]] StatusOr<EventStreamQuestion> ParseEventStreamRequest(const HttpRequest& request);

// Who asks, by a ticket or by a token. With a ticket Tickets::Close follows when the stream has
// ended, if it is let in.
//   kUnauthenticated, kPermissionDenied  as Tickets::Open and IdentifyCaller have it, or the caller
//                                        may not be the client
struct Doorkeeper {
  const TokenVerifier* tokens = nullptr;  // null: everybody is trusted
  Tickets& tickets;
  Timestamp now{};
};
[[nodiscard]] StatusOr<Caller> AdmitEventStream(const HttpRequest& request,
                                                const EventStreamQuestion& question,
                                                const Doorkeeper& by);

}  // namespace ackwire
