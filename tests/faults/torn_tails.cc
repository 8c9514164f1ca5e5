#include "tests/faults/torn_tails.h"

#include <rocksdb/db.h>

#include <memory>
#include <utility>

#include "outbox/relay.h"
#include "store/store.h"
#include "tests/faults/asked_works.h"
#include "tests/faults/check_start.h"
#include "tests/faults/fault_env.h"
#include "tests/faults/naive_ledger.h"
#include "tests/faults/workload.h"
#include "tests/unit/manual_clock.h"

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
      : rng_(seed), durability_(durability), env_(seed), workload_(rng_), handed_(rng_) {}

  TornTails Go() {
    // Links, that a store may have no use for, are not asked for.
    for (std::uint32_t bit = 1; bit < kIoAll; bit <<= 1U) {
      const auto call = static_cast<IoCall>(bit);
      if ((call & kIoChanges) != 0 && call != kIoLink) {
        result_.counts[std::string("stop on ") + NameOf(call)] = 0;
      }
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
    result_.counts.erase("links lost");
    return std::move(result_);
  }

 private:
  void Problem(const std::string& what) { result_.problems.push_back(what); }

  // False when the machine stopped on the way, or something is wrong.
  bool Start() {
    ++result_.counts["starts"];
    auto store = Store::Open({.directory = "/data",
                              .clock = clock_,
                              .seed = rng_.Next(),
                              .durability = durability_,
                              .boot_id = "boot " + std::to_string(boot_),
                              .env = &env_});
    if (env_.disk().stopped()) {
      ++result_.counts["starts cut off"];
      return false;
    }
    if (!store.ok()) {
      Problem("refused: " + store.status().ToString());
      return false;
    }
    store_ = *std::move(store);
    Check();
    if (!result_.problems.empty()) return false;
    store_->StartByHand({.committed = [this](const SharedGroup& group) { Committed(group); },
                         .failed = [](const Status&) {}});
    return StartRelay();
  }

  void Check() {
    StartFindings found = CheckStart(*store_, asked_);
    for (const std::string& problem : found.problems) Problem(problem);
    result_.kept = found.asked.kept;
    result_.counts["in doubt, and there"] += found.asked.in_doubt_there;
    result_.counts["in doubt, and gone"] += found.asked.in_doubt_gone;
    const bool may_lose = durability_ == Durability::kBuffered && power_was_cut_;
    const bool new_epoch = !epoch_.empty() && store_->epoch() != epoch_;
    if (may_lose && new_epoch) {
      result_.lost += found.asked.lost;
      handed_.CutBack(found.log);
    } else if (found.asked.lost != 0) {
      Problem(std::to_string(found.asked.lost) + " answered works are lost, and the epoch is " +
              (new_epoch ? "new" : "the old one"));
    } else if (new_epoch) {
      Problem("a new epoch, though nothing may be lost");
    }
    for (const std::string& problem : handed_.Compare(found.log)) Problem(problem);
    epoch_ = store_->epoch();
    power_was_cut_ = false;
    ledger_ = NaiveLedger(found.log);
  }

  bool StartRelay() {
    handed_.BeginLife();
    rows_ = std::make_unique<OutboxRows>(store_->database(), store_->log());
    relay_ = std::make_unique<Relay>(*rows_, clock_);
    const Status loaded = relay_->Load({&handed_});
    if (!loaded.ok() && !env_.disk().stopped()) Problem("relay: " + loaded.ToString());
    return loaded.ok();
  }

  void Committed(const SharedGroup& group) {
    ledger_.Apply(*group);
    relay_->Committed(group);
  }

  void Live() {
    const std::uint64_t steps = rng_.Next() % kStepsMax;
    for (std::uint64_t i = 0; i < steps && !env_.disk().stopped(); ++i) {
      Step();
      env_.RunCompactions();
    }
  }

  void Step() {
    clock_.Advance(Duration(static_cast<std::int64_t>(rng_.Next() % 80)));
    switch (rng_.Next() % 16) {
      case 0:
        ++result_.counts["derived runs"];
        return store_->BackgroundStep();
      case 1:
        return FlushSomeFamily();
      case 2:
      case 3:
        return StepRelay({.checkpoint_now = rng_.Next() % 2 == 0});
      case 4:
        (void)store_->WriterStep();  // nothing is queued: the watermark catches up
        return;
      default:
        Commit();
    }
  }

  void Commit() {
    asked_.BeginGroup();
    for (Work& work : workload_.Next(ledger_)) {
      asked_.Ask(work);
      store_->Submit(std::move(work));
    }
    (void)store_->WriterStep();
  }

  // As RocksDB would, once there is enough: then part of the log is in tables, and part is not.
  void FlushSomeFamily() {
    ++result_.counts["flushes"];
    const auto family = static_cast<Family>(rng_.Next() % kFamilies);
    rocksdb::DB& rocks = store_->database().rocks();
    const rocksdb::Status status =
        rocks.Flush(rocksdb::FlushOptions(), store_->database().handle(family));
    if (!status.ok() && !env_.disk().stopped()) Problem("flush: " + status.ToString());
  }

  void StepRelay(const Relay::StepOptions& options) {
    const Status status = relay_->Step(options);
    if (!status.ok() && !env_.disk().stopped()) Problem("relay: " + status.ToString());
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
    Close();
    env_.disk().Restart();
  }

  void Close() {
    relay_.reset();
    rows_.reset();
    store_.reset();
  }

  // A clean end, and a start that finds everything.
  void End() {
    handed_.NeverBeFull();
    Commit();
    StepRelay({.checkpoint_now = true});
    store_->StopByHand();
    Close();
    if (!Start()) return;
    StepRelay({.checkpoint_now = true});
    const StatusOr<SurvivingLog> log = ReadSurvivingLog(store_->database());
    if (!log.ok()) return Problem(MessageOf(log.status()));
    for (const std::string& problem : handed_.Missing(*log)) Problem(problem);
    Close();
  }

  Rng rng_;
  const Durability durability_;
  FaultEnv env_;
  ManualClock clock_;
  Workload workload_;
  AskedWorks asked_;
  HandedOver handed_;
  NaiveLedger ledger_;  // what the next works are made up from
  int boot_ = 0;
  bool power_was_cut_ = false;
  std::string epoch_;  // of the last start that came through

  std::unique_ptr<Store> store_;
  std::unique_ptr<OutboxRows> rows_;
  std::unique_ptr<Relay> relay_;
  TornTails result_;
};

}  // namespace

TornTails RunTornTails(std::uint64_t seed, Durability durability) {
  return Run(seed, durability).Go();
}

}  // namespace ackwire
