#include "tests/faults/torn_tails.h"

#include <utility>

#include "tests/faults/fault_env.h"
#include "tests/faults/tested_store.h"

namespace ackwire {
namespace {

constexpr int kLives = 6;
constexpr std::uint64_t kStepsMax = 80;  // of a life
// Changes on disk before the machine stops: a few, so that starts are cut off, or more than a life
// has.
constexpr std::uint64_t kFewChanges = 80;
constexpr std::uint64_t kManyChanges = 500;

// One seed.
class Run {
 public:
  Run(std::uint64_t seed, Durability durability)
      : rng_(seed),
        durability_(durability),
        env_(seed),
        tested_(env_, rng_, {.durability = durability}) {}

  TornTails Go() {
    // All calls that change something on disk: a machine stops at each of them.
    for (std::uint32_t bit = 1; bit < kIoAll; bit <<= 1U) {
      const auto call = static_cast<IoCall>(bit);
      if ((call & kIoChanges) != 0) result_.counts[std::string("stop on ") + NameOf(call)] = 0;
    }
    for (int life = 0; life < kLives && result_.problems.empty(); ++life) {
      const std::uint64_t changes_max = rng_.Next() % 3 == 0 ? kFewChanges : kManyChanges;
      env_.disk().Order(
          {.nth = 1 + rng_.Next() % changes_max, .calls = kIoChanges, .kind = FaultKind::kStop});
      if (Start()) Live();
      Die();
    }
    if (result_.problems.empty() && Start()) End();
    for (const Counters& counts : {env_.disk().cuts(), env_.disk().faults()}) {
      for (const auto& [what, count] : counts) result_.counts[what] += count;
    }
    return std::move(result_);
  }

 private:
  void Problem(const std::string& what) { result_.problems.push_back(what); }
  void Problems(const std::vector<std::string>& what) {
    result_.problems.insert(result_.problems.end(), what.begin(), what.end());
  }

  // False when the machine stopped on the way, or something is wrong.
  bool Start() {
    ++result_.counts["starts"];
    const Status opened = tested_.Open("boot " + std::to_string(boot_));
    if (env_.disk().stopped()) {
      ++result_.counts["starts cut off"];
      return false;
    }
    if (!opened.ok()) {
      Problem("refused: " + opened.ToString());
      return false;
    }
    Check();
    if (!result_.problems.empty()) return false;
    const Status begun = tested_.Begin();
    if (!begun.ok() && !env_.disk().stopped()) Problem("relay: " + begun.ToString());
    return begun.ok();
  }

  void Check() {
    const StartFindings found = tested_.Check();
    Problems(found.problems);
    result_.kept = found.asked.kept;
    result_.counts["in doubt, and there"] += found.asked.in_doubt_there;
    result_.counts["in doubt, and gone"] += found.asked.in_doubt_gone;
    const bool may_lose = durability_ == Durability::kBuffered && power_was_cut_;
    const std::string& epoch = tested_.store().epoch();
    const bool new_epoch = !epoch_.empty() && epoch != epoch_;
    if (may_lose && new_epoch) {
      result_.lost += found.asked.lost;
      tested_.handed().CutBack(found.log);
    } else if (found.asked.lost != 0) {
      Problem(std::to_string(found.asked.lost) + " answered works are lost, and the epoch is " +
              (new_epoch ? "new" : "the old one"));
    } else if (new_epoch) {
      Problem("a new epoch, though nothing may be lost");
    }
    Problems(tested_.handed().Compare(found.log));
    epoch_ = epoch;
    power_was_cut_ = false;
  }

  void Live() {
    const std::uint64_t steps = rng_.Next() % kStepsMax;
    for (std::uint64_t i = 0; i < steps && !env_.disk().stopped(); ++i) {
      Step();
      env_.RunCompactions();
    }
  }

  void Step() {
    tested_.clock().Advance(Duration(static_cast<std::int64_t>(rng_.Next() % 80)));
    switch (rng_.Next() % 16) {
      case 0:
        return MoveTail();
      case 1:
        ++result_.counts["flushes"];
        return Expect("flush", tested_.FlushSomeFamily());
      case 2:
      case 3:
        return Expect("relay", tested_.StepRelay({.checkpoint_now = rng_.Next() % 2 == 0}));
      case 4:
        (void)tested_.store().WriterStep();  // nothing is queued: the watermark catches up
        return;
      default:
        tested_.Commit();
    }
  }

  void MoveTail() {
    const bool runs = rng_.Next() % 2 == 0;
    ++result_.counts[runs ? "tails as sorted runs" : "tails as a batch"];
    tested_.MoveTail(runs ? TestedStore::Tail::kRuns : TestedStore::Tail::kBatch);
  }

  void Expect(const std::string& tried, const Status& status) {
    if (!status.ok() && !env_.disk().stopped()) Problem(tried + ": " + status.ToString());
  }

  // The store ends in the middle of what it did, by kill -9 or by losing power.
  void Die() {
    if (rng_.Next() % 4 == 0) {
      ++result_.counts["kills"];
      env_.disk().Crash();
    } else {
      env_.disk().PowerCut(rng_);
      power_was_cut_ = true;
      ++boot_;
    }
    tested_.Close();
    env_.disk().Restart();
  }

  // A clean end, and a start that finds everything.
  void End() {
    tested_.handed().NeverBeFull();
    tested_.Commit();
    Expect("relay", tested_.StepRelay({.checkpoint_now = true}));
    tested_.End();
    tested_.Close();
    if (!Start()) return;
    Expect("relay", tested_.StepRelay({.checkpoint_now = true}));
    const StatusOr<SurvivingLog> log = ReadSurvivingLog(tested_.store().database());
    if (!log.ok()) return Problem(MessageOf(log.status()));
    Problems(tested_.handed().Missing(*log));
    tested_.Close();
  }

  Rng rng_;
  const Durability durability_;
  FaultEnv env_;
  TestedStore tested_;
  int boot_ = 0;
  bool power_was_cut_ = false;
  std::string epoch_;  // of the last start that came through
  TornTails result_;
};

}  // namespace

TornTails RunTornTails(std::uint64_t seed, Durability durability) {
  return Run(seed, durability).Go();
}

}  // namespace ackwire
