// What operators are shown of clients: ledger and live sessions, put together.
//
// Threads: any; every call may block on disk.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/delivery_server.h"
#include "store/status.h"
#include "store/store.h"
#include "store/types.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/services.h"

namespace ackwire {

// Clients that one call looks at. A page of a list that is filtered ends there, even when it is not
// full; its token goes on from there.
inline constexpr std::size_t kClientsLookedAtMax = 10'000;

class ClientView {
 public:
  // Borrows both; `now` is when the sessions were asked for.
  ClientView(const Store& store, const DeliveryServer::LiveSessions& sessions, Timestamp now)
      : store_(store), sessions_(sessions), now_(now) {}

  //   kNotFound  the client never subscribed and never connected
  [[nodiscard]] StatusOr<v1::Client> Get(const std::string& client) const;

  // In order of the clients' ids.
  [[nodiscard]] StatusOr<v1::ListClientsResponse> List(const v1::ListClientsRequest& request,
                                                       const PageQuery& page) const;

 private:
  // The next ids after `after`, in order; fewer than `limit` only at the end.
  [[nodiscard]] StatusOr<std::vector<std::string>> NextIds(const v1::ListClientsRequest& request,
                                                           const std::string& after,
                                                           std::size_t limit) const;
  // Fills in what is owed: the sums over all subscriptions.
  [[nodiscard]] Status AddOwed(v1::Client& client) const;

  const Store& store_;
  const DeliveryServer::LiveSessions& sessions_;
  const Timestamp now_;
};

// Calls `read` on the read pool, with the sessions there are.
void ReadClients(const ServiceDependencies& deps, std::function<void(const ClientView&)> read);

// Whether an operator has paused it, since when and why.
void FillPause(const ClientState& state, v1::Client& out);

}  // namespace ackwire
