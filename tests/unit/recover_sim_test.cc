// Random histories, of which random rows are lost: a recovery says exactly what is gone, gives back
// the rest as it was, and takes nothing for acknowledged that was not.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "store/derived_rows.h"
#include "store/recover.h"
#include "store/recovery.h"
#include "store/stub.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kRecoverSeeds = 12;
constexpr int kRecoverSteps = 120;

const std::vector<std::string> kRecoverChannels = {"room/1", "room/2", "room/3", "room/4"};
const std::vector<std::string> kRecoverClients = {"alice", "bob", "carol", "dave"};

using ChannelSeq = std::pair<std::string, std::uint64_t>;

class RecoverSim {
 public:
  explicit RecoverSim(std::uint64_t seed) : rng_(seed), seed_(seed) {}

  void Run() {
    for (int i = 0; i < kRecoverSteps; ++i) Step();
    Remember();
    Lose();
    store_.Close();
    const RecoveryReport report = Recover();
    ExpectVerified();
    store_.Reopen();
    ExpectTotals();
    ExpectMessages(report);
    ExpectLedger();
  }

 private:
  std::uint64_t Pick(std::uint64_t below) { return rng_.Next() % below; }
  bool Chance(int percent) { return Pick(100) < static_cast<std::uint64_t>(percent); }

  void Step() {
    store_.clock().Advance(Duration{1});
    const std::string& client = kRecoverClients[Pick(kRecoverClients.size())];
    const std::string& channel = kRecoverChannels[Pick(kRecoverChannels.size())];
    const std::uint64_t what = Pick(100);
    if (what < 45) {
      store_.Publish(channel, "payload " + std::to_string(Pick(1'000'000)));
    } else if (what < 60) {
      const bool first = Chance(50);
      store_.Subscribe(client, channel,
                       {.kind = first ? StartAt::Kind::kFirst : StartAt::Kind::kNew});
    } else if (what < 64) {
      store_.Record(
          {Chance(50) ? events::SessionOpened(client) : events::SessionClosed(client, 1)});
    } else if (what < 68) {
      store_.FoldNow();
    } else if (store_.IdOf(channel).value != 0 && store_.Entry(client, channel).subscribed()) {
      Settle(client, channel, what);
    }
  }

  void Settle(const std::string& client, const std::string& channel, std::uint64_t what) {
    if (what < 72) return store_.Unsubscribe(client, channel);
    const SeqRuns owed = store_.Entry(client, channel).UndeliveredRuns(store_.Info(channel).last);
    if (owed.empty()) return;
    const SeqRun run = owed.runs()[Pick(owed.runs().size())];
    const Seq first{run.first.value + Pick(run.length())};
    const Seq last{first.value + Pick(run.last.value - first.value + 1)};
    if (what < 78) {
      store_.Park(client, channel, first);
    } else if (what < 82) {
      store_.Record({events::Abandoned(client, store_.IdOf(channel), {first, last})});
    } else {
      store_.Ack(client, channel, {first, last});
    }
  }

  void Remember() {
    last_ = store_.derived().last_position();
    for (Position at{1}; at <= last_; ++at.value) before_[at] = store_.log().ReadAt(at)->message;
    for (const std::string& client : kRecoverClients) {
      for (const std::string& channel : kRecoverChannels) {
        if (store_.IdOf(channel).value == 0) continue;
        entries_[{client, channel}] = store_.Entry(client, channel);
      }
    }
  }

  void Lose() {
    folded_ = JournalNumber{ReadCheckpoint(store_.database())->journal_number()};
    const bool tail = Chance(30);
    for (const auto& [at, message] : before_) {
      const bool gone = Chance(8) || (tail && at.value + 3 > last_.value);
      if (gone) {
        lost_.insert(at);
        store_.Erase(Family::kLog, keys::Log(at));
      } else {
        end_ = at;
      }
      if (!gone) continue;
      const auto row = store_.IndexKeyOf(store_.IdOf(message.channel()), {message.seq()});
      if (row && Chance(50)) store_.Erase(Family::kIndex, *row);
    }
    for (const Position at : lost_) {
      const ChannelSeq each{before_[at].channel(), before_[at].seq()};
      if (store_.IndexKeyOf(store_.IdOf(each.first), {each.second})) indexed_.insert(each);
    }
    const JournalNumber numbers = store_.derived().last_number();
    if (!Chance(50)) return;
    for (JournalNumber number{1}; number <= numbers; ++number.value) {
      if (!Chance(10)) {
        last_number_left_ = number.value;
        continue;
      }
      store_.Erase(Family::kJournal, keys::Journal(number));
      lost_numbers_.insert(number.value);
    }
  }

  RecoveryReport Recover() {
    const auto directory = DataDirectory::OpenExisting(store_.directory() / "data");
    const auto recovery =
        Recovery::Prepare(**directory, {.clock = store_.clock(), .seed = seed_, .boot_id = "boot"});
    if (!recovery.ok()) throw std::runtime_error(recovery.status().ToString());
    const Status accepted = (*recovery)->Accept("{}");
    if (!accepted.ok()) throw std::runtime_error(accepted.ToString());
    return (*recovery)->report();
  }

  void ExpectVerified() {
    for (const std::string& each : store_.Differences()) ADD_FAILURE() << each;
  }

  void ExpectTotals() {
    const Totals counted = store_.CountTotals();
    EXPECT_EQ(store_.totals().undelivered, counted.undelivered);
    EXPECT_EQ(store_.totals().parked, counted.parked);
    EXPECT_EQ(store_.totals().clients, counted.clients);
  }

  void ExpectMessages(const RecoveryReport& report) {
    EXPECT_EQ(store_.derived().last_position(), end_);
    for (const auto& [at, message] : before_) {
      if (at > end_ || lost_.contains(at)) continue;
      const auto now = store_.log().ReadAt(at);
      ASSERT_TRUE(now.ok()) << now.status();
      EXPECT_EQ(now->message.SerializeAsString(), message.SerializeAsString());
    }
    ExpectReport(report);
    for (const Position at : lost_) {
      if (at > end_) continue;
      const auto stub = store_.log().ReadAt(at);
      ASSERT_TRUE(stub.ok()) << stub.status();
      EXPECT_TRUE(IsStub(*stub)) << at.value;
    }
  }

  // What the report says is lost, no more and no less. Nobody can know of more than what has a
  // place before the end, or is named by what is left.
  void ExpectReport(const RecoveryReport& report) {
    std::set<ChannelSeq> said;
    std::uint64_t before_end = 0;
    for (const LostRun& run : report.lost) {
      for (Seq seq = run.seqs.first; seq <= run.seqs.last; ++seq.value) {
        EXPECT_TRUE(said.insert({run.channel, seq.value}).second) << "said twice";
        if (run.first.value != 0 && run.first <= end_) ++before_end;
      }
    }
    for (const NumberRun& run : report.unknown) before_end += run.last - run.first + 1;
    std::set<ChannelSeq> gone;
    std::set<ChannelSeq> certain;
    std::uint64_t gone_before_end = 0;
    for (const Position at : lost_) {
      const ChannelSeq each{before_[at].channel(), before_[at].seq()};
      gone.insert(each);
      if (at <= end_) ++gone_before_end;
      if (each.second < LastLeft(each.first) || indexed_.contains(each)) certain.insert(each);
    }
    EXPECT_EQ(before_end, gone_before_end);
    for (const auto& [channel, seq] : said) {
      EXPECT_TRUE(gone.contains({channel, seq})) << channel << " " << seq << " is not lost";
    }
    for (const auto& [channel, seq] : certain) {
      EXPECT_TRUE(said.contains({channel, seq})) << channel << " " << seq << " is lost, unsaid";
    }
    EXPECT_EQ(report.messages, before_.size() - lost_.size());
    // Nor of a record behind the last that is left.
    std::set<std::uint64_t> numbers;
    for (const NumberRun& run : report.journal) {
      for (std::uint64_t number = run.first; number <= run.last; ++number) numbers.insert(number);
    }
    for (const std::uint64_t number : numbers) EXPECT_TRUE(lost_numbers_.contains(number));
    for (const std::uint64_t number : lost_numbers_) {
      if (number < last_number_left_) {
        EXPECT_TRUE(numbers.contains(number)) << number;
      }
    }
  }

  // The last seq of a channel that was not lost.
  std::uint64_t LastLeft(const std::string& channel) const {
    std::uint64_t last = 0;
    for (const auto& [at, message] : before_) {
      if (message.channel() == channel && !lost_.contains(at)) last = message.seq();
    }
    return last;
  }

  // The log lost nothing of it: what was settled then and now.
  void ExpectLedger() {
    for (const auto& [key, before] : entries_) {
      const auto& [client, channel] = key;
      if (store_.IdOf(channel).value == 0) continue;
      const LedgerEntry now = store_.Entry(client, channel);
      if (before.subscribed() && before.as_of().number() <= folded_) {
        // Its row was on disk: no lost record ends it, or has it begin later.
        EXPECT_TRUE(now.subscribed()) << client << " " << channel;
        EXPECT_LE(now.start(), before.start()) << client << " " << channel;
      }
      if (!before.subscribed() || !now.subscribed() || before.created_at() != now.created_at()) {
        continue;
      }
      for (Seq seq = before.start(); seq <= store_.Info(channel).last; ++seq.value) {
        if (now.IsSettled(seq)) {
          EXPECT_TRUE(before.IsSettled(seq)) << client << " " << channel << " " << seq.value;
        }
      }
    }
  }

  Rng rng_;
  const std::uint64_t seed_;
  TestStore store_;
  Position last_;
  Position end_;
  std::map<Position, v1::Message> before_;
  std::set<Position> lost_;
  std::set<ChannelSeq> indexed_;  // lost, and the index still names them
  std::set<std::uint64_t> lost_numbers_;
  std::uint64_t last_number_left_ = 0;
  JournalNumber folded_;
  std::map<std::pair<std::string, std::string>, LedgerEntry> entries_;
};

TEST(RecoverSim, SaysWhatIsGoneAndKeepsTheRest) {
  const char* one = std::getenv("ACKWIRE_SIM_SEED");
  const std::uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  const std::uint64_t last = one == nullptr ? kRecoverSeeds : first;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RecoverSim(seed).Run();
  }
}

}  // namespace
}  // namespace ackwire
