#include "tools/ackwired/past_client_view.h"

#include <algorithm>
#include <optional>

#include "delivery/gather_past.h"
#include "delivery/message_json.h"
#include "store/proto_time.h"
#include "tools/ackwired/client_view.h"

namespace ackwire {
namespace {

Status NotKnownThen(const Store& store, const std::string& client, Timestamp at) {
  std::string why =
      "client: " + client + " had neither subscribed nor connected at " + FormatTime(at);
  const StatusOr<std::optional<Timestamp>> begins = LogBeginsAt(store);
  if (!begins.ok()) return begins.status();
  if (*begins && at < **begins) why += "; nothing is on record before " + FormatTime(**begins);
  return Error(StatusCode::kNotFound, why);
}

// The sums over all subscriptions there were.
Status AddOwed(const Store& store, const PastClient& past, v1::Client& client) {
  std::uint64_t undelivered = 0;
  std::uint64_t parked = 0;
  std::uint64_t subscriptions = 0;
  std::optional<Timestamp> oldest;
  for (const auto& [channel, entry] : past.entries()) {
    if (!entry.subscribed()) continue;
    ++subscriptions;
    parked += entry.parked();
    const StatusOr<Seq> last = LastThen(store, channel, past.at());
    if (!last.ok()) return last.status();
    const std::uint64_t owed = entry.Undelivered(*last);
    if (owed == 0) continue;
    undelivered += owed;
    const auto first = store.log().ReadSeq(channel, entry.FirstUnsettled(entry.start()));
    if (!first.ok()) return first.status();
    const Timestamp published_at = TimeOf(first->message.published_at());
    oldest = std::min(oldest.value_or(published_at), published_at);
  }
  client.set_subscriptions(subscriptions);
  client.set_undelivered(undelivered);
  client.set_parked(parked);
  if (oldest) SetTime(*client.mutable_oldest_undelivered_at(), *oldest);
  return OkStatus();
}

void AddSession(const PastClient& past, v1::Client& client) {
  const PastClient::Session& session = *past.session();
  v1::Session& out = *client.mutable_session();
  out.set_id(session.id);
  out.set_transport(session.transport);
  out.set_protocol(session.protocol);
  out.set_remote_address(session.remote_address);
  SetTime(*out.mutable_connected_at(), session.opened_at);
  out.set_in_flight(static_cast<std::uint32_t>(past.in_flight().size()));
  out.set_sent(past.sent());
  out.set_acked(past.acked());
  SetTime(*client.mutable_last_seen_at(), past.at());
}

}  // namespace

StatusOr<v1::Client> ViewThen(const Store& store, const std::string& client,
                              const PastClient& past) {
  if (!past.state().known) return NotKnownThen(store, client, past.at());
  v1::Client out;
  out.set_id(client);
  out.set_online(past.session().has_value());
  FillPause(past.state(), out);
  if (past.session()) {
    AddSession(past, out);
  } else if (past.state().last_seen_at != Timestamp()) {
    SetTime(*out.mutable_last_seen_at(), past.state().last_seen_at);
  }
  if (Status status = AddOwed(store, past, out); !status.ok()) return status;
  return out;
}

}  // namespace ackwire
