#include "tests/faults/workload.h"

#include <algorithm>
#include <iterator>

#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kClients = 8;

}  // namespace

std::vector<Work> Workload::Next(const NaiveLedger& ledger) {
  used_.clear();
  std::vector<Work> works;
  if (Below(20) == 0 && !ledger.channels().empty()) {
    const auto channel = std::next(ledger.channels().begin(),
                                   static_cast<std::ptrdiff_t>(Below(ledger.channels().size())));
    const auto& messages = channel->second.messages;
    if (!messages.empty()) works.push_back(Repeat(messages[Below(messages.size())]));
    return works;
  }
  const std::uint64_t count = 1 + Below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t draw = Below(10);
    if (draw < 5) {
      works.push_back(Publish());
    } else if (draw < 7) {
      AddSubscribe(ledger, works);
    } else {
      AddJournal(ledger, works);
    }
  }
  return works;
}

std::string Workload::PayloadOf(std::size_t size) {
  std::string payload(size, '\0');
  for (char& byte : payload) byte = static_cast<char>(rng_.Next());
  return payload;
}

Work Workload::Publish() {
  PublishWork work;
  work.draft.set_channel(AnyChannel());
  work.draft.set_message_id("m-" + std::to_string(++made_));
  work.draft.set_sender("bob");
  work.draft.set_kind(v1::KIND_CREATED);
  // Now and then more than a page, and more than a block of RocksDB's log.
  const std::uint64_t draw = Below(20);
  work.draft.set_payload(PayloadOf(draw == 0 ? Below(40'000) : Below(draw < 4 ? 6000 : 200)));
  return work;
}

Work Workload::Repeat(const v1::Message& message) {
  PublishWork work;
  work.draft = message;
  work.draft.clear_seq();
  work.draft.clear_position();
  work.draft.clear_published_at();
  return work;
}

void Workload::AddSubscribe(const NaiveLedger& ledger, std::vector<Work>& works) {
  const std::string client = "client-" + std::to_string(Below(kClients));
  const std::string channel = AnyChannel();
  const auto& channels = ledger.channels();
  const auto found = std::find_if(channels.begin(), channels.end(),
                                  [&](const auto& each) { return each.second.name == channel; });
  // A channel that is new has no number yet, and may be named once in a commit.
  const NaiveLedger::SubscriptionKey key{client, found == channels.end() ? 0 : found->first};
  if (ledger.subscriptions().contains(key) || !used_.insert(key).second) return;
  SubscribeWork work;
  StartAt start;
  start.kind = static_cast<StartAt::Kind>(Below(3));
  if (start.kind == StartAt::Kind::kSeq) start.seq = Seq{1 + Below(10)};
  work.requests = {{client, channel, start}};
  works.push_back(std::move(work));
}

void Workload::AddJournal(const NaiveLedger& ledger, std::vector<Work>& works) {
  JournalWork work;
  const std::string client = "client-" + std::to_string(Below(kClients));
  const bool known = ledger.clients().contains(client);
  if (!known || Below(3) == 0) work.events.push_back(events::SessionOpened(client));
  for (const auto& [key, subscription] : ledger.subscriptions()) {
    if (key.first == client && used_.insert(key).second) AddEvent(ledger, key, work.events);
  }
  if (Below(8) == 0) {
    const bool pause = Below(2) == 0;
    work.events.push_back(pause ? events::Paused(client, "why " + std::to_string(++made_))
                                : events::Resumed(client));
  }
  if (Below(3) == 0) {
    work.events.push_back(events::SessionClosed(client, static_cast<std::uint32_t>(1 + Below(5))));
  }
  if (work.events.empty()) return;
  const std::string session = "s-" + std::to_string(++made_);
  for (store::Event& event : work.events) event.set_session(session);
  works.push_back(std::move(work));
}

void Workload::AddEvent(const NaiveLedger& ledger, const NaiveLedger::SubscriptionKey& key,
                        std::vector<store::Event>& events) {
  const ChannelId channel{key.second};
  const auto& parked = ledger.subscriptions().at(key).parked;
  if (Below(12) == 0) return events.push_back(events::Unsubscribed(key.first, channel));
  if (!parked.empty() && Below(6) == 0) {
    // The writer passes over the second one, as long as it is not parked.
    const Seq seq{parked.begin()->first};
    return events.push_back(events::Dismissed(key.first, channel, {seq, {seq.value + 1}}, "old"));
  }
  if (!parked.empty() && Below(4) == 0) {
    return events.push_back(events::Acked(key.first, channel, {}, {Seq{parked.begin()->first}}));
  }
  const std::vector<std::uint64_t> owed = ledger.Undelivered(key);
  if (owed.empty()) return;
  // A run of what is owed, from anywhere in it.
  const std::size_t from = Below(owed.size());
  std::size_t to = from;
  while (to + 1 < owed.size() && owed[to + 1] == owed[to] + 1 && Below(3) != 0) ++to;
  const SeqRun run{Seq{owed[from]}, Seq{owed[to]}};
  switch (Below(5)) {
    case 0:
      return events.push_back(events::Parked(key.first, channel, run.first));
    case 1:
      return events.push_back(events::Failed(key.first, channel, run));
    case 2:
      return events.push_back(events::Abandoned(key.first, channel, run));
    default:
      events.push_back(events::Acked(key.first, channel, {run}));
      events.back().mutable_acked()->set_after_disconnects(Below(2) == 0);
  }
}

}  // namespace ackwire
