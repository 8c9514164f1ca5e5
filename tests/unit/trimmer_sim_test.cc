// Random histories, trimmed and cut off anywhere, with clients that are forgotten meanwhile: what
// is read stays what it was, and the log is whole after each step.

#include <gtest/gtest.h>
#include <rocksdb/iterator.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/base.h"
#include "store/eraser.h"
#include "store/forgetter.h"
#include "store/outbox_rows.h"
#include "store/trimmer.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kTrimSeeds = 4;
constexpr int kTrimSteps = 250;
constexpr Duration kSimulatedAge{60};

const std::vector<std::string> kTrimChannels = {"room/1", "room/2", "room/3"};
const std::vector<std::string> kTrimClients = {"alice", "bob", "carol", "dave"};

class TrimmerSim {
 public:
  explicit TrimmerSim(std::uint64_t seed) : rng_(seed) {}

  void Run() {
    for (int i = 0; i < kTrimSteps; ++i) Step();
    ExpectWhole("in the end");
    DropRowsOfForgotten();  // until then there are rows of them, which do not count
    ExpectTotals();
    const StatusOr<FoldPoint> base = BasePoint(store_.database());
    ASSERT_TRUE(base.ok()) << base.status();
    trimmed_ = base->number.value;
    if (!Chance(50)) return;
    const std::string before = store_.Describe();
    store_.Recover();
    EXPECT_EQ(store_.Describe(), before) << "recovered, with nothing lost";
    ExpectWhole("recovered");
  }

  [[nodiscard]] std::uint64_t trimmed() const { return trimmed_; }

 private:
  std::uint64_t Pick(std::uint64_t below) { return rng_.Next() % below; }
  bool Chance(int percent) { return Pick(100) < static_cast<std::uint64_t>(percent); }

  void Step() {
    store_.clock().Advance(Duration{1});
    const std::string& client = kTrimClients[Pick(kTrimClients.size())];
    const std::string& channel = kTrimChannels[Pick(kTrimChannels.size())];
    const std::uint64_t what = Pick(100);
    if (what < 25) {
      store_.Publish(channel, "payload " + std::to_string(Pick(1'000'000)));
    } else if (what < 35) {
      const bool first = Chance(50);
      store_.Subscribe(client, channel,
                       {.kind = first ? StartAt::Kind::kFirst : StartAt::Kind::kNew});
      if (Chance(20)) MakeTwoChannels(client);
    } else if (what < 40) {
      const bool opens = Chance(50) || !store_.ledger().Client(client)->known;
      store_.Record({opens ? events::SessionOpened(client) : events::SessionClosed(client, 1)});
    } else if (what < 43) {
      store_.Record({Chance(50) ? events::Paused(client) : events::Resumed(client)});
    } else if (what < 51) {
      store_.FoldNow();
    } else if (what < 61) {
      Trim();
    } else if (what < 63) {
      ExpectWhole("in between");
    } else if (what < 65) {
      Forget(client);
    } else if (what < 67) {
      Replay(client, channel);
    } else if (store_.IdOf(channel).value != 0 && store_.Entry(client, channel).subscribed()) {
      Settle(client, channel, what);
    }
  }

  // In one commit: one by a subscription, and then one by messages.
  void MakeTwoChannels(const std::string& client) {
    const std::string number = std::to_string(made_++);
    std::vector<Work> works = {
        TestStore::SubscribeWorkOf({{client, "subscribed/" + number, {}}}),
        TestStore::PublishWorkOf("published/" + number, "one"),
        TestStore::PublishWorkOf("published/" + number, "two"),
    };
    (void)store_.Commit(works);
  }

  void Settle(const std::string& client, const std::string& channel, std::uint64_t what) {
    const ChannelId id = store_.IdOf(channel);
    const std::vector<Seq> parked = store_.ledger().ParkedSeqs(client, id).value();
    if (what < 70) return store_.Unsubscribe(client, channel);
    if (!parked.empty() && what < 80) return Unpark(client, id, parked);
    const SeqRuns owed = store_.Entry(client, channel).UndeliveredRuns(store_.Info(channel).last);
    if (owed.empty()) return;
    const SeqRun run = owed.runs()[Pick(owed.runs().size())];
    const Seq first{run.first.value + Pick(run.length())};
    const Seq last{first.value + Pick(run.last.value - first.value + 1)};
    if (what < 83) {
      store_.Park(client, channel, first);
    } else if (what < 86) {
      store_.Record({events::Abandoned(client, id, {first, last})});
    } else if (what < 90) {
      store_.Record({events::Failed(client, id, {first, last})});
    } else {
      store_.Ack(client, channel, {first, last});
    }
  }

  void Unpark(const std::string& client, ChannelId channel, const std::vector<Seq>& parked) {
    const Seq seq = parked[Pick(parked.size())];
    if (Chance(50)) {
      store_.Record({events::Dismissed(client, channel, {seq})});
    } else {
      store_.Record({events::Acked(client, channel, {}, {seq})});
    }
  }

  // Of what is settled; some end at once, some later, or never.
  void Replay(const std::string& client, const std::string& channel) {
    const auto open = store_.derived().Read([](const DerivedView& view) {
      for (const auto& [id, info] : view.replays.all()) {
        if (!info.ended_at) return id;
      }
      return ReplayId{};
    });
    if (open.value != 0) {
      store_.Record({events::ReplayControlled(open, v1::ControlReplayRequest::CANCEL)});
      return;
    }
    const ChannelId id = store_.IdOf(channel);
    if (id.value == 0 || store_.Entry(client, channel).floor().value == 0) return;
    store_.Record({events::ReplayStarted(1), events::ReplayPinned(client, id, {RunOf(1, 1)})});
  }

  void Forget(const std::string& client) {
    std::vector<store::Event> events;
    const auto entries = store_.ledger().Entries(client);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (const ChannelEntry& each : *entries) {
      if (!each.entry.subscribed()) continue;
      events.push_back(events::Unsubscribed(
          client, each.channel, store_.ledger().ParkedSeqs(client, each.channel).value()));
    }
    events.push_back(events::Forgotten(client));
    store_.Record(std::move(events));
    if (Chance(30)) return;  // the rest is done later, or never
    DropRowsOfForgotten();
    if (!Chance(30)) EraseJournal();
  }

  void Trim() {
    if (Chance(50)) {
      const OutboxPoint end{store_.derived().last_position(), store_.derived().last_number()};
      ASSERT_TRUE(OutboxRows(store_.database(), store_.log()).Trim(end).ok());
    }
    if (Chance(80)) {
      DropRowsOfForgotten();
      EraseJournal();
    }
    const std::string before = store_.Describe();
    const auto left = Rows();
    const std::uint64_t at_once = Chance(50) ? kTrimRowsAtOnce : 1 + Pick(5);
    std::optional<Trimmer> trimmer;
    for (bool more = true; more;) {
      // A new life begins with what the last one left of the base.
      if (!trimmer || Chance(30)) {
        trimmer.emplace(Trimmer::Dependencies{store_.database(), store_.derived(), store_.ledger()},
                        JournalRetention{.age = kSimulatedAge, .bytes = {}}, at_once);
      }
      const StatusOr<Trimmed> step = trimmer->Step(store_.clock().Now());
      ASSERT_TRUE(step.ok()) << step.status();
      more = step->more;
      if (more && Chance(5)) return;  // the rest another time
    }
    EXPECT_EQ(store_.Describe(), before);
    if (!Chance(20)) return;
    // Killed once the base was made.
    for (const auto& [family, rows] : left) {
      for (const auto& [key, value] : rows) store_.Overwrite(family, key, value);
    }
    ExpectWhole("cut off");
  }

  void DropRowsOfForgotten() {
    store_.FoldNow();
    Forgetter forgetter(store_.database());
    ASSERT_TRUE(forgetter.DropRows().ok());
  }
  void EraseJournal() {
    Forgetter forgetter(store_.database());
    Eraser eraser(store_.database(), forgetter);
    ASSERT_TRUE(eraser.Step().ok());
  }

  std::map<Family, std::map<std::string, std::string>> Rows() {
    std::map<Family, std::map<std::string, std::string>> all;
    for (const Family family : {Family::kJournal, Family::kFailures, Family::kHistory}) {
      const auto row = store_.database().NewIterator(family, {});
      for (; row->Valid(); row->Next())
        all[family][row->key().ToString()] = row->value().ToString();
    }
    return all;
  }

  void ExpectWhole(const std::string& when) {
    for (const std::string& each : store_.Differences()) ADD_FAILURE() << when << ": " << each;
    store_.Reopen();
  }

  void ExpectTotals() {
    const Totals counted = store_.CountTotals();
    EXPECT_EQ(store_.totals().undelivered, counted.undelivered);
    EXPECT_EQ(store_.totals().parked, counted.parked);
    EXPECT_EQ(store_.totals().clients, counted.clients);
  }

  Rng rng_;
  TestStore store_;
  std::uint64_t made_ = 0;
  std::uint64_t trimmed_ = 0;
};

TEST(TrimmerSim, RandomHistoriesStayWhole) {
  const char* const one = std::getenv("ACKWIRE_SIM_SEED");
  const std::uint64_t begin = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  const std::uint64_t end = one == nullptr ? kTrimSeeds : begin;
  std::uint64_t trimmed = 0;
  for (std::uint64_t seed = begin; seed <= end; ++seed) {
    SCOPED_TRACE("ACKWIRE_SIM_SEED=" + std::to_string(seed));
    TrimmerSim sim(seed);
    sim.Run();
    trimmed += sim.trimmed();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(trimmed, 0U) << "or nothing was tested";
}

}  // namespace
}  // namespace ackwire
