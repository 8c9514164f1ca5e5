// One connection of GET /v1/sse, from the request to its end: writes what a session queues as
// events. What the client answers comes by other requests (delivery/session_calls.h); what it still
// sends over this one is dropped.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "delivery/client_stream.h"
#include "delivery/event_stream_request.h"
#include "delivery/hub.h"
#include "delivery/server_frame.h"

namespace ackwire {

// How a request is answered.
struct EventStreamForm {
  unsigned http_version = 11;  // 10: the body ends with the connection
  std::vector<std::pair<std::string, std::string>> headers;  // that the answer is to have besides
};

// The head of the answer.
[[nodiscard]] std::string EventStreamHead(const EventStreamForm& form);
// The whole of one that opens no session, since the server drains. An EventSource comes back only
// from a stream that ends: any other answer than 200 would end it.
[[nodiscard]] std::string EventStreamWhileDraining(const EventStreamForm& form,
                                                   const frame::Draining& told);

// Who was let in (AdmitEventStream), and what it asked for.
struct EventStreamGuest {
  EventStreamQuestion question;
  Caller caller;
};

// Ends when the connection has. Runs on the stream's executor, which is the hub's. A session that
// was replaced is answered 204, which ends an EventSource.
[[nodiscard]] boost::asio::awaitable<void> RunEventStream(ClientStream stream, EventStreamForm form,
                                                          EventStreamGuest guest, Tickets& tickets,
                                                          Hub& hub);

}  // namespace ackwire
