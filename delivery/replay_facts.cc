#include "delivery/replay_facts.h"

#include <algorithm>
#include <map>
#include <optional>

#include "delivery/ledger_journal.h"

namespace ackwire {
namespace {

// What ended it, and what had failed or parked it before.
constexpr std::size_t kLastEvents = 2;

struct Skip {
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  v1::DeliveryState state = v1::DELIVERY_STATE_UNSPECIFIED;
};

// Decides about one client's deliveries.
class Decider {
 public:
  Decider(const Store& store, const ReplayInfo& replay, std::string client)
      : store_(store), replay_(replay), client_(std::move(client)) {
    selection_.ParseFromString(replay.started.selection());
  }

  // A skip, or it is added to `out`.
  StatusOr<std::optional<Skip>> Decide(const DeliveryKey& key, ReplayTurn& out) {
    const StatusOr<const LedgerEntry*> found = Entry(key.channel);
    if (!found.ok()) return found.status();
    const LedgerEntry* entry = *found;
    if (!entry->subscribed()) {
      return Skipped(v1::REASON_UNSUBSCRIBED, v1::DELIVERY_STATE_ABANDONED);
    }
    if (key.seq < entry->start()) {
      return Skipped(v1::REASON_BEFORE_SUBSCRIPTION, v1::DELIVERY_STATE_NOT_OWED);
    }
    // Subscribed anew: it is delivered without a replay.
    if (!entry->IsSettled(key.seq)) {
      return Skipped(v1::REASON_UNSPECIFIED, v1::DELIVERY_STATE_PENDING);
    }
    return DecideSettled(key, out);
  }

 private:
  // Read once, however many deliveries there are of the channel.
  StatusOr<const LedgerEntry*> Entry(ChannelId channel) {
    const auto known = entries_.find(channel);
    if (known != entries_.end()) return &known->second;
    StatusOr<LedgerEntry> entry = store_.ledger().Entry(client_, channel);
    if (!entry.ok()) return entry.status();
    return &entries_.emplace(channel, *std::move(entry)).first->second;
  }

  static std::optional<Skip> Skipped(v1::Reason reason, v1::DeliveryState state) {
    return Skip{reason, state};
  }

  StatusOr<std::optional<Skip>> DecideSettled(const DeliveryKey& key, ReplayTurn& out) {
    const LedgerReader& ledger = store_.ledger();
    const auto parked_by = ledger.ParkedBy(client_, key.channel, key.seq);
    if (!parked_by.ok()) return parked_by.status();
    ReplayDelivery delivery{.replay = replay_.id, .key = key};
    if (parked_by->has_value()) {
      const StatusOr<JournalEvent> parked = ledger.Event(**parked_by);
      if (!parked.ok() && parked.status().code() != StatusCode::kNotFound) return parked.status();
      if (parked.ok()) delivery.attempts = parked->event.parked().attempts();
      delivery.before = SettledAs::kParked;
      out.deliver.push_back(delivery);
      return std::optional<Skip>();
    }
    const auto acked = ledger.AckOf(client_, key.channel, key.seq);
    if (!acked.ok()) return acked.status();
    const bool again = selection_.has_range() && selection_.range().include_acked() &&
                       (!acked->has_value() || !IsSince((*acked)->id));
    if (acked->has_value() && !again) {
      return Skipped(v1::REASON_UNSPECIFIED, v1::DELIVERY_STATE_ACKED);
    }
    if (!acked->has_value()) {
      const auto last = ledger.FailureEvents(client_, key.channel, key.seq, kLastEvents);
      if (!last.ok()) return last.status();
      if (WasDismissedSince(*last)) {
        return Skipped(v1::REASON_DISMISSED, v1::DELIVERY_STATE_ABANDONED);
      }
      for (const JournalEvent& event : *last) {
        delivery.attempts = std::max(delivery.attempts, AttemptOf(event.event, key));
      }
    }
    delivery.before = acked->has_value() ? SettledAs::kAcked : SettledAs::kAbandoned;
    if (acked->has_value()) delivery.attempts = AttemptOf((*acked)->event, key);
    out.deliver.push_back(delivery);
    return std::optional<Skip>();
  }

  // It is abandoned. What failed was parked when it was selected.
  bool WasDismissedSince(const std::vector<JournalEvent>& last) const {
    if (selection_.has_failed()) return true;
    if (last.empty()) return false;
    return last.back().event.abandoned().reason() == v1::REASON_DISMISSED &&
           IsSince(last.back().id);
  }

  // By order, not by time: the clock may have been set back before this server was started.
  [[nodiscard]] bool IsSince(EventId event) const { return event.value > replay_.id.value; }

  // How often a delivery had been sent that the event settled or failed; 0 when it names another.
  static std::uint32_t AttemptOf(const store::Event& event, const DeliveryKey& key) {
    if (event.has_parked()) return event.parked().attempts();
    for (const auto& part : event.failed().channels()) {
      if (part.channel() != key.channel.value) continue;
      if (const std::uint32_t attempt = AttemptIn(part.runs(), key.seq)) return attempt;
    }
    for (const auto& part : event.acked().channels()) {
      if (part.channel() != key.channel.value) continue;
      for (const auto* runs : {&part.runs(), &part.replayed()}) {
        if (const std::uint32_t attempt = AttemptIn(*runs, key.seq)) return attempt;
      }
    }
    return 0;
  }

  static std::uint32_t AttemptIn(const google::protobuf::RepeatedPtrField<store::SentRun>& runs,
                                 Seq seq) {
    for (const store::SentRun& run : runs) {
      if (run.first() <= seq.value && seq.value <= run.last()) return run.attempt();
    }
    return 0;
  }

  const Store& store_;
  const ReplayInfo& replay_;
  const std::string client_;
  v1::ReplaySelection selection_;
  std::map<ChannelId, LedgerEntry> entries_;
};

}  // namespace

StatusOr<ReplayTurn> ReadTurn(const Store& store, const ReplayInfo& replay,
                              const std::string& client, const std::vector<DeliveryKey>& keys,
                              Timestamp now) {
  ReplayTurn turn;
  LedgerJournal outcomes(client, {});
  Decider decider(store, replay, client);
  for (const DeliveryKey& key : keys) {
    const StatusOr<std::optional<Skip>> skip = decider.Decide(key, turn);
    if (skip.status().code() == StatusCode::kDataLoss) {
      outcomes.AddOutcome({.replay = replay.id, .kind = store::ReplayOutcome::FAILED}, key);
      continue;
    }
    if (!skip.ok()) return skip.status();
    if (!skip->has_value()) continue;
    outcomes.AddOutcome({replay.id, store::ReplayOutcome::SKIPPED, (*skip)->reason, (*skip)->state},
                        key);
  }
  turn.ended = outcomes.Take(now);
  return turn;
}

}  // namespace ackwire
