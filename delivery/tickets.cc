#include "delivery/tickets.h"

#include <algorithm>

#include "delivery/secret.h"
#include "store/limits.h"

namespace ackwire {
namespace {

// So many of a ticket's characters say which it is, the others that it is given by us.
constexpr std::size_t kTicketIdBytes = 16;

// One text for all: which of these it is, is nobody's business who has not got the ticket.
Status NoSuchTicket() {
  return Error(StatusCode::kUnauthenticated,
               "ticket: there is no such ticket, or it does not hold any more; get another by POST "
               "/v1/tickets");
}

Status TooMany(std::size_t count, const std::string& what) {
  return Error(StatusCode::kResourceExhausted,
               "tickets: " + std::to_string(count) + " " + what + "; try again in a minute");
}

}  // namespace

StatusOr<Tickets::Issued> Tickets::Issue(Pass pass, Timestamp now) {
  StatusOr<std::string> made = MakeSecret();
  if (!made.ok()) return made.status();
  const std::string id = made->substr(0, kTicketIdBytes);
  const Timestamp until = now + kTicketValidFor;
  std::lock_guard lock(mutex_);
  ForgetExpired(now);
  if (tickets_.size() >= tickets_max_) return TooMany(tickets_max_, "are in use");
  std::size_t& of_user = of_user_[std::string(UserOf(pass.client))];
  if (of_user >= kTicketsOfUserMax) {
    return TooMany(kTicketsOfUserMax, "of this user are in use; open streams with those");
  }
  ++of_user;
  Ticket& ticket = tickets_[id];
  ticket.secret = made->substr(kTicketIdBytes);
  ticket.pass = std::move(pass);
  ticket.opens_until = until;
  KeepUntil(id, ticket, until);
  return Issued{*std::move(made), until};
}

StatusOr<Tickets::Pass> Tickets::Open(const std::string& ticket, const Stream& stream,
                                      Timestamp now) {
  std::lock_guard lock(mutex_);
  ForgetExpired(now);
  Ticket* found = Find(ticket);
  if (found == nullptr) return NoSuchTicket();
  const bool comes_back = !stream.session.empty() && stream.session == found->session;
  if (now >= found->opens_until && !comes_back) return NoSuchTicket();
  if (found->pass.client != stream.client) {
    return Error(StatusCode::kPermissionDenied, "client: the ticket is for another client");
  }
  if (Status expired = found->pass.caller.CheckExpiry(now); !expired.ok()) return expired;
  if (found->streams++ == 0) expiring_.erase({found->until, ticket.substr(0, kTicketIdBytes)});
  return found->pass;
}

void Tickets::Serve(const std::string& ticket, const std::string& session) {
  std::lock_guard lock(mutex_);
  if (Ticket* found = Find(ticket)) found->session = session;
}

void Tickets::Close(const std::string& ticket, Timestamp now) {
  std::lock_guard lock(mutex_);
  Ticket* found = Find(ticket);
  if (found == nullptr || found->streams == 0 || --found->streams > 0) return;
  KeepUntil(ticket.substr(0, kTicketIdBytes), *found,
            std::max(found->opens_until, now + resume_within_));
}

Tickets::Ticket* Tickets::Find(const std::string& ticket) {
  const auto found = tickets_.find(ticket.substr(0, kTicketIdBytes));
  if (found == tickets_.end()) return nullptr;
  const std::string_view secret = std::string_view(ticket).substr(kTicketIdBytes);
  return IsSameSecret(secret, found->second.secret) ? &found->second : nullptr;
}

void Tickets::KeepUntil(const std::string& id, Ticket& ticket, Timestamp until) {
  ticket.until = until;
  expiring_.insert({until, id});
}

void Tickets::ForgetExpired(Timestamp now) {
  while (!expiring_.empty() && expiring_.begin()->first <= now) {
    Forget(expiring_.begin()->second);
    expiring_.erase(expiring_.begin());
  }
}

void Tickets::Forget(const std::string& id) {
  const auto ticket = tickets_.find(id);
  const auto of_user = of_user_.find(std::string(UserOf(ticket->second.pass.client)));
  if (--of_user->second == 0) of_user_.erase(of_user);
  tickets_.erase(ticket);
}

}  // namespace ackwire
