#include "tools/ackwired/client_view.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "store/proto_time.h"

namespace ackwire {
namespace {

// Ids read at once.
constexpr std::size_t kIdsPerStep = 256;

}  // namespace

void FillPause(const ClientState& state, v1::Client& out) {
  out.set_paused(state.paused);
  if (!state.paused) return;
  SetTime(*out.mutable_paused_at(), state.paused_at);
  out.set_pause_reason(state.pause_note);
}

StatusOr<v1::Client> ClientView::Get(const std::string& client) const {
  const StatusOr<ClientState> state = store_.ledger().Client(client);
  if (!state.ok()) return state.status();
  const auto session = sessions_.find(client);
  const bool online = session != sessions_.end();
  if (!state->known && !online) return NeverSeen(client);
  v1::Client out;
  out.set_id(client);
  out.set_online(online);
  if (online) {
    *out.mutable_session() = session->second;
    SetTime(*out.mutable_last_seen_at(), now_);
  } else if (state->last_seen_at != Timestamp()) {
    SetTime(*out.mutable_last_seen_at(), state->last_seen_at);
  }
  FillPause(*state, out);
  if (Status status = AddOwed(out); !status.ok()) return status;
  return out;
}

Status ClientView::AddOwed(v1::Client& client) const {
  const StatusOr<std::vector<ChannelEntry>> entries = store_.ledger().Entries(client.id());
  if (!entries.ok()) return entries.status();
  std::uint64_t undelivered = 0;
  std::uint64_t parked = 0;
  std::optional<Timestamp> oldest;
  for (const auto& [channel, entry] : *entries) {
    parked += entry.parked();
    const std::uint64_t owed = entry.Undelivered(store_.derived().LastOf(channel));
    if (owed == 0) continue;
    undelivered += owed;
    const auto first = store_.log().ReadSeq(channel, entry.FirstUnsettled(entry.start()));
    if (!first.ok()) return first.status();
    const Timestamp published_at = TimeOf(first->message.published_at());
    oldest = std::min(oldest.value_or(published_at), published_at);
  }
  client.set_subscriptions(entries->size());
  client.set_undelivered(undelivered);
  client.set_parked(parked);
  if (oldest) SetTime(*client.mutable_oldest_undelivered_at(), *oldest);
  return OkStatus();
}

StatusOr<v1::ListClientsResponse> ClientView::List(const v1::ListClientsRequest& request,
                                                   const PageQuery& page) const {
  v1::ListClientsResponse response;
  std::string after = page.after;
  for (std::size_t looked_at = 0; looked_at < kClientsLookedAtMax; looked_at += kIdsPerStep) {
    const StatusOr<std::vector<std::string>> ids = NextIds(request, after, kIdsPerStep);
    if (!ids.ok()) return ids.status();
    for (const std::string& id : *ids) {
      StatusOr<v1::Client> client = Get(id);
      if (client.status().code() == StatusCode::kNotFound) continue;  // forgotten a moment ago
      if (!client.ok()) return client.status();
      if (request.undelivered_only() && client->undelivered() == 0) continue;
      // Only one that is to be listed shows that there is a page behind this one.
      if (static_cast<std::size_t>(response.clients_size()) == page.size) {
        response.set_next_page_token(MakePageToken(response.clients().rbegin()->id()));
        return response;
      }
      *response.add_clients() = *std::move(client);
    }
    if (ids->size() < kIdsPerStep) return response;
    after = ids->back();
  }
  response.set_next_page_token(MakePageToken(after));
  return response;
}

StatusOr<std::vector<std::string>> ClientView::NextIds(const v1::ListClientsRequest& request,
                                                       const std::string& after,
                                                       std::size_t limit) const {
  const std::string& prefix = request.prefix();
  if (!request.online_only()) {
    return store_.ledger().Clients({.prefix = prefix, .after = after, .limit = limit});
  }
  std::vector<std::string> ids;
  auto at = after < prefix ? sessions_.lower_bound(prefix) : sessions_.upper_bound(after);
  for (; at != sessions_.end() && ids.size() < limit; ++at) {
    if (at->first.compare(0, prefix.size(), prefix) != 0) break;
    ids.push_back(at->first);
  }
  return ids;
}

void ReadClients(const ServiceDependencies& deps, std::function<void(const ClientView&)> read) {
  deps.delivery.AskSessions([deps, read = std::move(read)](DeliveryServer::LiveSessions sessions) {
    deps.delivery.Read([deps, read, sessions = std::move(sessions)] {
      read(ClientView(deps.store, sessions, deps.clock.Now()));
    });
  });
}

}  // namespace ackwire
