// POST /v1/tickets: a ticket for one of the caller's clients, for a page to open an event stream
// with (delivery/tickets.h).
//
// Threads: any; nothing here blocks.
#pragma once

#include "delivery/caller.h"
#include "delivery/http_api.h"
#include "delivery/http_target.h"
#include "delivery/tickets.h"

namespace ackwire {

[[nodiscard]] bool IsTicketPath(const HttpTarget& target);

[[nodiscard]] HttpResponse AnswerTicketCall(Tickets& tickets, std::string_view body,
                                            const Caller& caller, Timestamp now);

}  // namespace ackwire
