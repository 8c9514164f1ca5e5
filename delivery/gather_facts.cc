// GatherFacts (delivery/explain.h).

#include "delivery/explain.h"
#include "store/limits.h"

namespace ackwire {
namespace {

// More than anyone reads; a client may lose its connection any number of times.
constexpr std::size_t kFailuresMax = 1000;

Status CheckQuestion(const DeliveryQuestion& question) {
  if (Status status = CheckClientName(question.client); !status.ok()) return status;
  if (Status status = CheckChannelName(question.channel); !status.ok()) return status;
  if ((question.seq.value == 0) == question.message_id.empty()) {
    return InvalidArgument(
        "seq: name the message by seq, from 1, or by message_id, one of the two");
  }
  return OkStatus();
}

Status FindMessage(const Store& store, DeliveryFacts& facts) {
  if (facts.message_id.empty()) {
    if (facts.seq > facts.channel_last) return OkStatus();
    StatusOr<StoredMessage> stored = store.log().ReadSeq(facts.channel_id, facts.seq);
    if (!stored.ok()) return stored.status();
    facts.message = std::move(stored->message);
    return OkStatus();
  }
  StatusOr<std::optional<StoredMessage>> stored =
      store.log().FindById(facts.channel_id, facts.message_id);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return OkStatus();
  facts.seq = (*stored)->seq();
  facts.message = std::move((*stored)->message);
  return OkStatus();
}

Status ReadParked(const Store& store, DeliveryFacts& facts) {
  const auto parked_by = store.ledger().ParkedBy(facts.client, facts.channel_id, facts.seq);
  if (!parked_by.ok()) return parked_by.status();
  if (!parked_by->has_value()) return OkStatus();
  StatusOr<JournalEvent> event = store.ledger().Event(**parked_by);
  facts.parked_before = event.status().code() == StatusCode::kNotFound;
  if (facts.parked_before) return OkStatus();
  if (!event.ok()) return event.status();
  facts.parked = *std::move(event);
  return OkStatus();
}

// The newest: one that is in several is sent once for all of them.
std::optional<OpenReplay> FindReplay(const Store& store, const DeliveryFacts& facts) {
  return store.derived().Read([&](const DerivedView& view) -> std::optional<OpenReplay> {
    const auto& all = view.replays.all();
    for (auto at = all.rbegin(); at != all.rend(); ++at) {
      const ReplayTable::Open& open = view.replays.OpenOf(at->first);
      const auto found = open.find({facts.client, facts.channel_id});
      if (found == open.end() || !found->second.Contains(facts.seq)) continue;
      return OpenReplay{at->first, at->second.paused};
    }
    return std::nullopt;
  });
}

// What is settled stays so: the entry is read first, and what settled it is found afterwards.
Status ReadLedger(const Store& store, DeliveryFacts& facts) {
  const LedgerReader& ledger = store.ledger();
  StatusOr<LedgerEntry> entry = ledger.Entry(facts.client, facts.channel_id);
  if (!entry.ok()) return entry.status();
  facts.entry = *std::move(entry);
  StatusOr<ClientState> state = ledger.Client(facts.client);
  if (!state.ok()) return state.status();
  facts.state = *std::move(state);
  auto failures = ledger.FailureEvents(facts.client, facts.channel_id, facts.seq, kFailuresMax);
  if (!failures.ok()) return failures.status();
  facts.failures = *std::move(failures);
  if (!facts.owed() || !facts.entry.IsSettled(facts.seq)) return OkStatus();
  facts.replay = FindReplay(store, facts);
  if (Status status = ReadParked(store, facts); !status.ok() || facts.parked) return status;
  auto acked = ledger.AckOf(facts.client, facts.channel_id, facts.seq);
  if (!acked.ok()) return acked.status();
  facts.acked = *std::move(acked);
  return OkStatus();
}

}  // namespace

StatusOr<DeliveryFacts> GatherMessage(const Store& store, const Policies& policies,
                                      const DeliveryQuestion& question, Timestamp now) {
  if (Status status = CheckQuestion(question); !status.ok()) return status;
  DeliveryFacts facts;
  facts.client = question.client;
  facts.channel = question.channel;
  facts.seq = question.seq;
  facts.message_id = question.message_id;
  facts.now = now;
  const std::shared_ptr<const ChannelPolicy> policy = policies.For(question.channel);
  facts.ack_wait = policy->ack_wait;
  facts.attempts_max = policy->retry.max_attempts;
  store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(question.channel);
    if (info == nullptr) return;
    facts.channel_id = info->id;
    facts.channel_last = info->last;
  });
  if (facts.channel_id.value == 0) return facts;
  if (Status status = FindMessage(store, facts); !status.ok()) return status;
  return facts;
}

StatusOr<DeliveryFacts> GatherFacts(const Store& store, const Policies& policies,
                                    const DeliveryQuestion& question, Timestamp now) {
  StatusOr<DeliveryFacts> facts = GatherMessage(store, policies, question, now);
  if (!facts.ok() || !facts->message) return facts;
  if (Status status = ReadLedger(store, *facts); !status.ok()) return status;
  return facts;
}

}  // namespace ackwire
