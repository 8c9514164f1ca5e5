// Random histories: whatever happens, and however often the server stops on the way, totals and
// rows are what counting everything says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "store/rng.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

class RandomHistory {
 public:
  explicit RandomHistory(std::uint64_t seed) : rng_(seed) {}

  void Commit() {
    ended_.clear();
    settling_.clear();
    parking_.clear();
    std::vector<Work> works;
    for (std::uint64_t left = 1 + Below(6); left > 0; --left) AddWork(works);
    (void)store_.Commit(works);
    for (const Work& work : works) {
      if (const auto* publish = std::get_if<PublishWork>(&work)) {
        ASSERT_TRUE(publish->outcome.ok()) << publish->outcome.status();
        ASSERT_EQ(publish->outcome->position, Position{++positions_});
        ASSERT_EQ(publish->outcome->seq, Seq{++seqs_[publish->outcome->message_id.substr(0, 6)]});
      }
    }
  }

  void ExpectCounted() {
    const Totals counted = store_.CountTotals();
    const Totals kept = store_.totals();
    ASSERT_EQ(kept.undelivered, counted.undelivered);
    ASSERT_EQ(kept.parked, counted.parked);
    ASSERT_EQ(kept.clients, counted.clients);
    for (const std::string& channel : kChannels) {
      const ChannelInfo info = store_.Info(channel);
      const auto members = store_.ledger().Members(info.id, {.limit = 100});
      ASSERT_EQ(members.value().size(), info.subscriptions);
    }
  }

  void StopSomehow() {
    const std::string before = store_.Describe();
    switch (Below(3)) {
      case 0:
        store_.FoldNow();
        break;
      case 1:
        store_.Reopen();
        break;
      default:
        store_.CrashBeforeCheckpoint();
    }
    ASSERT_EQ(store_.Describe(), before);
  }

 private:
  const std::vector<std::string> kChannels = {"room/1", "room/2", "room/3"};
  const std::vector<std::string> kClients = {"alice", "alice/phone", "bob", "carol"};

  std::uint64_t Below(std::uint64_t end) { return rng_.Next() % end; }

  void AddWork(std::vector<Work>& works) {
    const std::string channel = kChannels[Below(kChannels.size())];
    const std::string client = kClients[Below(kClients.size())];
    const ChannelId id = store_.IdOf(channel);
    const std::pair<std::string, ChannelId> key{client, id};
    const std::uint64_t choice = Below(10);
    if (choice < 4) {
      works.push_back(
          TestStore::PublishWorkOf(channel, "hi", {.id = channel + "-" + std::to_string(++ids_)}));
    } else if (choice < 6) {
      const StartAt start{.kind = static_cast<StartAt::Kind>(Below(3)), .seq = {Below(40)}};
      works.push_back(TestStore::SubscribeWorkOf({{client, channel, start}}));
    } else if (id.value != 0 && !ended_.contains(key)) {
      AddEvents(works, client, channel, choice == 6);
    }
  }

  // What the owner of the entry would say: it settles what is not settled, each of it once.
  void AddEvents(std::vector<Work>& works, const std::string& client, const std::string& channel,
                 bool end) {
    const ChannelId id = store_.IdOf(channel);
    const LedgerEntry entry = store_.Entry(client, channel);
    const std::vector<Seq> parked = store_.ledger().ParkedSeqs(client, id).value();
    if (!entry.subscribed()) return;
    if (end && !parking_.contains({client, id})) {
      ended_.insert({client, id});
      works.push_back(TestStore::JournalWorkOf({events::Unsubscribed(client, id, parked)}));
      return;
    }
    if (!settling_.insert({client, id}).second) return;
    const SeqRuns owed = entry.UndeliveredRuns(store_.Info(channel).last);
    if (!parked.empty() && Below(4) == 0) {
      parking_.insert({client, id});
      works.push_back(TestStore::JournalWorkOf(
          {events::Dismissed(client, id, {parked.front(), {parked.back().value + 1}})}));
    } else if (!parked.empty() && Below(3) == 0) {
      parking_.insert({client, id});
      works.push_back(TestStore::JournalWorkOf({events::Acked(client, id, {}, {parked.front()})}));
    } else if (!owed.empty()) {
      AddSettlement(works, client, id, owed.runs()[Below(owed.runs().size())]);
    }
  }

  void AddSettlement(std::vector<Work>& works, const std::string& client, ChannelId id,
                     const SeqRun& run) {
    const Seq first{run.first.value + Below(run.length())};
    const Seq last{first.value + Below(run.last.value - first.value + 1)};
    switch (Below(4)) {
      case 0:
        parking_.insert({client, id});
        works.push_back(TestStore::JournalWorkOf({events::Parked(client, id, first)}));
        break;
      case 1:
        works.push_back(TestStore::JournalWorkOf({events::Failed(client, id, {first, last})}));
        break;
      case 2:
        works.push_back(TestStore::JournalWorkOf({events::Abandoned(client, id, {first, last})}));
        break;
      default:
        works.push_back(TestStore::JournalWorkOf({events::Acked(client, id, {{first, last}})}));
    }
  }

  Rng rng_;
  TestStore store_;
  std::uint64_t ids_ = 0;
  std::uint64_t positions_ = 0;
  std::map<std::string, std::uint64_t> seqs_;  // by channel
  // Of the commit in the making:
  std::set<std::pair<std::string, ChannelId>> ended_;
  std::set<std::pair<std::string, ChannelId>> settling_;
  std::set<std::pair<std::string, ChannelId>> parking_;
};

TEST(Totals, AreWhatCountingEverythingSays) {
  const char* given = std::getenv("ACKWIRE_SEED");
  const std::uint64_t base = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  for (std::uint64_t seed = base; seed < base + 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "ACKWIRE_SEED=" << seed);
    RandomHistory history(seed);
    for (int commit = 1; commit <= 150; ++commit) {
      ASSERT_NO_FATAL_FAILURE(history.Commit()) << "commit " << commit;
      ASSERT_NO_FATAL_FAILURE(history.ExpectCounted()) << "commit " << commit;
      if (commit % 15 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(history.StopSomehow()) << "commit " << commit;
    }
  }
}

}  // namespace
}  // namespace ackwire
