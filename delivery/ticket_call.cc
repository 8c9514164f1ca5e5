#include "delivery/ticket_call.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>

#include "delivery/message_json.h"
#include "delivery/strict_json.h"
#include "store/limits.h"

namespace ackwire {
namespace {

StatusOr<std::string> ParseTicketBody(std::string_view body) {
  const StatusOr<boost::json::value> value = ParseStrictJson(body, "body");
  if (!value.ok()) return value.status();
  const boost::json::object* object = value->if_object();
  if (object == nullptr) return InvalidArgument("body: must be a JSON object");
  const boost::json::value* client = object->if_contains("client");
  if (client == nullptr || !client->is_string()) {
    return InvalidArgument("client: must be the client that the ticket is for, a string");
  }
  std::string name(client->get_string());
  if (Status status = CheckClientName(name); !status.ok()) return status;
  return name;
}

}  // namespace

bool IsTicketPath(const HttpTarget& target) {
  const auto& path = target.segments;
  return path.size() == 2 && path[0] == "v1" && path[1] == "tickets";
}

HttpResponse AnswerTicketCall(Tickets& tickets, std::string_view body, const Caller& caller,
                              Timestamp now) {
  constexpr unsigned kDone = 200;
  StatusOr<std::string> client = ParseTicketBody(body);
  if (!client.ok()) return ErrorResponse(client.status());
  if (Status status = caller.MayBe(*client); !status.ok()) return ErrorResponse(status);
  const StatusOr<Tickets::Issued> issued = tickets.Issue({*std::move(client), caller}, now);
  if (!issued.ok()) return ErrorResponse(issued.status());
  HttpResponse response =
      JsonResponse(kDone, fmt::format(R"({{"ticket":"{}","expiresAt":"{}"}})", issued->ticket,
                                      FormatTime(issued->expires_at)));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace ackwire
