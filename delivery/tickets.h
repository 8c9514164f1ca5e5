// Tickets let a page open an event stream: an EventSource sends no header of its own, and a token
// must not stand in a URL. Whoever has a token gets one for a client, and opens with it within
// kTicketValidFor; after that it lets in only who comes back to the session it opened, while that
// may be resumed.
//
// Threads: any; they share the tickets.
// Bounds:  kTicketsMax tickets, kTicketsOfUserMax of one user; then none is given until some have
//          expired.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "delivery/caller.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

inline constexpr Duration kTicketValidFor{60'000};
inline constexpr std::size_t kTicketsMax = 100'000;
inline constexpr std::size_t kTicketsOfUserMax = 100;

class Tickets {
 public:
  // `resume_within`: for so long a session may be resumed that has ended.
  explicit Tickets(Duration resume_within, std::size_t tickets_max = kTicketsMax)
      : resume_within_(resume_within), tickets_max_(tickets_max) {}

  // What a ticket lets in.
  struct Pass {
    std::string client;
    Caller caller;
  };
  struct Issued {
    std::string ticket;
    Timestamp expires_at{};
  };
  //   kResourceExhausted  there are too many, in all or of the client's user
  //   kUnavailable        as MakeSecret
  [[nodiscard]] StatusOr<Issued> Issue(Pass pass, Timestamp now);

  struct Stream {
    std::string client;
    std::string session;  // that it comes back to; empty: none
  };
  // A stream comes with a ticket. Where it is let in, Close follows when it has ended.
  //   kUnauthenticated   there is no such ticket, or it does not hold any more; or the token that
  //                      it was given for has expired
  //   kPermissionDenied  it is another client's
  [[nodiscard]] StatusOr<Pass> Open(const std::string& ticket, const Stream& stream, Timestamp now);
  // The stream that was let in has this session.
  void Serve(const std::string& ticket, const std::string& session);
  void Close(const std::string& ticket, Timestamp now);

 private:
  struct Ticket {
    std::string secret;
    Pass pass;
    Timestamp opens_until{};
    std::string session;      // the newest that it opened
    std::size_t streams = 0;  // open
    Timestamp until{};        // while there is no stream: when it is of no use any more
  };

  // Null when there is none of this id with this secret.
  [[nodiscard]] Ticket* Find(const std::string& ticket);
  void KeepUntil(const std::string& id, Ticket& ticket, Timestamp until);
  void ForgetExpired(Timestamp now);
  void Forget(const std::string& id);

  const Duration resume_within_;
  const std::size_t tickets_max_;
  std::mutex mutex_;  // guards what follows
  // By what a ticket begins with, which is no secret.
  std::map<std::string, Ticket> tickets_;
  std::set<std::pair<Timestamp, std::string>> expiring_;  // those without a stream
  absl::flat_hash_map<std::string, std::size_t> of_user_;
};

}  // namespace ackwire
