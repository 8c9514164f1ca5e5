#include "tests/faults/io_errors.h"

#include <utility>

#include "tests/faults/ask_store.h"

namespace ackwire {
namespace {

// How long a store lives on after it was hit.
constexpr std::uint64_t kStepsAfterHit = 8;
constexpr int kAskedAtFirst = 8;  // times three questions
// Young enough to look at all of it again and again.
constexpr std::size_t kMessagesMax = 120;

// What these fail to do is lost, unless nothing more is written.
constexpr std::uint32_t kIoWritten = kIoWrite | kIoSync | kIoSyncDirectory | kIoRename;

const char* NameOf(IoErrorCase::From from) {
  switch (from) {
    case IoErrorCase::From::kFirstStart:
      return "from a first start on";
    case IoErrorCase::From::kStart:
      return "from a start on";
    case IoErrorCase::From::kRunning:
      return "while it runs";
    case IoErrorCase::From::kQuestions:
      return "from the first questions on";
  }
  return "?";
}

}  // namespace

std::string IoErrorCase::Describe() const {
  return std::string(ackwire::NameOf(fault.kind)) +
         (fault.lasting ? ", from then on, " : ", once, ") + "at number " +
         std::to_string(fault.nth) + " of the " + calls + ", " + NameOf(from);
}

Counters IoErrorLives::NoCounts() {
  Counters counts;
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kNoSpace}) {
    for (std::uint32_t bit = 1; bit < kIoAll; bit <<= 1U) {
      const auto call = static_cast<IoCall>(bit);
      if (kind == FaultKind::kNoSpace && (call & kIoChanges) == 0) continue;
      counts[std::string(ackwire::NameOf(kind)) + " on " + ackwire::NameOf(call)] = 0;
    }
  }
  counts["short write on write"] = 0;
  for (const char* what : {"starts refused", "starts in spite of it", "hit while it ended",
                           "writing ended", "the relay ended", "lived on", "works refused",
                           "questions answered", "questions not answered", "power cuts after it",
                           "kills after it", "in doubt, and there", "in doubt, and gone"}) {
    counts[what] = 0;
  }
  return counts;
}

IoErrorLives::IoErrorLives(std::uint64_t seed, std::atomic<IoErrorPhase>& phase)
    : seed_(seed), phase_(phase), rng_(seed) {
  BeginDirectory();
}

void IoErrorLives::BeginDirectory() {
  if (running_) CloseStore();
  tested_.reset();
  faults_.clear();
  env_ = std::make_unique<FaultEnv>(seed_ + ++directories_);
  TestedStore::Options options;
  options.min_free_bytes = 1;  // so that it asks
  tested_ = std::make_unique<TestedStore>(*env_, rng_, options);
}

void IoErrorLives::Run(const IoErrorCase& one, End end) {
  using From = IoErrorCase::From;
  std::size_t messages = 0;
  for (const auto& [id, channel] : tested_->ledger().channels()) {
    messages += channel.messages.size();
  }
  const bool young = 0 < messages && messages <= kMessagesMax;
  if (one.from == From::kFirstStart || !young) BeginDirectory();
  if (one.from != From::kFirstStart && !running_) StartHealed();
  if (one.from != From::kFirstStart && !young) Live(0);
  if (one.from == From::kStart && running_) CloseStore();
  if (one.from == From::kQuestions) StartForQuestions();
  over_ = false;
  env_->disk().Order(one.fault);
  for (int i = 0; one.from == From::kQuestions && i < kAskedAtFirst; ++i) Ask();
  if (running_ || StartOnFaults()) Live(one.fault.nth);
  Finish(end);
  StartHealed();
}

// Of a store that has just started nothing is in memory: a question reads from disk.
void IoErrorLives::StartForQuestions() {
  CloseStore();
  env_->disk().Heal();
  Status status = tested_->Open("boot " + std::to_string(boot_));
  if (status.ok()) status = tested_->Begin();
  if (!status.ok()) return Problem("refused on a disk that works: " + status.ToString());
  running_ = true;
}

void IoErrorLives::StartHealed() {
  phase_ = IoErrorPhase::kStarts;
  Status status = tested_->Open("boot " + std::to_string(boot_));
  if (!status.ok()) return Problem("refused on a disk that works again: " + status.ToString());
  const StartFindings found = tested_->Check();
  Problems(found.problems);
  if (found.asked.lost != 0) {
    Problem(std::to_string(found.asked.lost) + " answered works are lost");
  }
  Problems(tested_->handed().Compare(found.log));
  counts_["in doubt, and there"] += found.asked.in_doubt_there;
  counts_["in doubt, and gone"] += found.asked.in_doubt_gone;
  if (status = tested_->Begin(); !status.ok()) {
    return Problem("the relay, on a disk that works again: " + status.ToString());
  }
  running_ = true;
}

bool IoErrorLives::StartOnFaults() {
  phase_ = IoErrorPhase::kStarts;
  Status status = tested_->Open("boot " + std::to_string(boot_));
  if (status.ok()) status = tested_->Begin();
  if (status.ok()) {
    if (env_->disk().hit()) Count("starts in spite of it");
    running_ = true;
    return true;
  }
  Count("starts refused");
  if (!env_->disk().hit()) {
    Problem("refused, and nothing had failed: " + status.ToString());
  } else if (status.code() != StatusCode::kUnavailable) {
    Problem("an I/O error at the start was taken for another: " + status.ToString());
  }
  return false;
}

void IoErrorLives::Live(std::uint64_t nth) {
  phase_ = IoErrorPhase::kRuns;
  const std::uint64_t steps_max = 40 + nth;
  std::uint64_t after_hit = 0;
  for (std::uint64_t i = 0; i < steps_max && !over_ && after_hit < kStepsAfterHit; ++i) {
    const bool hit_before = env_->disk().hit();
    Step();
    env_->RunCompactions();
    if (!hit_before && running_ && !restarted_) CheckFailure();
    if (env_->disk().hit()) ++after_hit;
  }
  if (!running_ || over_) return;
  if (!tested_->failure().ok()) {
    Count("writing ended");
  } else if (env_->disk().hit()) {
    Count("lived on");
  }
}

void IoErrorLives::Step() {
  restarted_ = false;
  tested_->clock().Advance(Duration(static_cast<std::int64_t>(rng_.Next() % 80)));
  const std::uint64_t draw = rng_.Next() % 32;
  if (draw == 0 && tested_->failure().ok()) return Restart();
  if (draw < 3) return tested_->MoveTail(TestedStore::Tail::kBatch);
  if (draw < 5) return tested_->MoveTail(TestedStore::Tail::kRuns);
  if (draw < 7) return (void)tested_->FlushSomeFamily();
  if (draw < 10) return StepRelay();
  if (draw < 11) return (void)tested_->store().WriterStep();  // the watermark catches up
  if (draw < 17) return Ask();
  tested_->Commit();
  if (tested_->answered_after_failure() != 0) Problem("a work was answered OK after the failure");
  if (!tested_->failure().ok()) Count("works refused");
}

// A clean end and another start, in the middle of a case.
void IoErrorLives::Restart() {
  restarted_ = true;
  CloseStore();
  over_ = !StartOnFaults();
  phase_ = IoErrorPhase::kRuns;
}

void IoErrorLives::Ask() {
  if (!tested_->told_all()) return;  // a commit in doubt is seen: it is on disk
  Store& store = tested_->store();
  for (int i = 0; i < 3; ++i) {
    const Answered answered =
        AskStore({store.derived(), store.log(), store.ledger()}, tested_->ledger(), rng_);
    if (!answered.problem.empty()) Problem(answered.problem);
    if (answered.cut_short && !env_->disk().hit())
      Problem("an answer is short, and nothing failed");
    Count(answered.status.ok() ? "questions answered" : "questions not answered");
  }
}

void IoErrorLives::StepRelay() {
  const Status status = tested_->StepRelay({.checkpoint_now = rng_.Next() % 2 == 0});
  if (status.ok()) return;
  Count("the relay ended");
  over_ = true;  // and with it the server
  if (status.code() != StatusCode::kUnavailable) {
    Problem("an I/O error of the relay was taken for another: " + status.ToString());
  }
}

// The fault has hit in this step, or not at all.
void IoErrorLives::CheckFailure() {
  const auto hit = env_->disk().first_hit();
  if (!hit || over_ || (hit->call & kIoWritten) == 0) return;
  tested_->MoveTail(TestedStore::Tail::kBatch);  // looks at errors of RocksDB's own threads
  if (!tested_->failure().ok()) return;
  Problem(std::string(NameOf(hit->call)) + " of " + hit->path + " failed, and writing goes on");
}

void IoErrorLives::CloseStore() {
  const bool hit_before = env_->disk().hit();
  phase_ = IoErrorPhase::kEnds;
  if (tested_->open()) {
    if (running_) tested_->End();
    tested_->Close();
  }
  running_ = false;
  if (!hit_before && env_->disk().hit()) Count("hit while it ended");
}

void IoErrorLives::CountFaults() {
  const Counters faults = env_->disk().faults();
  for (const auto& [what, count] : faults)
    counts_[what] += count - std::exchange(faults_[what], count);
}

void IoErrorLives::Finish(End end) {
  if (end == End::kAbandoned) {
    env_->disk().Crash();
    tested_->Abandon();
    running_ = false;
  } else {
    CloseStore();
  }
  if (!env_->disk().hit()) Count("the call was not reached");
  if (rng_.Next() % 2 == 0) {
    Count("power cuts after it");
    env_->disk().PowerCut(rng_);
    ++boot_;
  } else {
    Count("kills after it");
  }
  CountFaults();
  env_->disk().Restart();
}

void IoErrorLives::Problem(const std::string& what) { problems_.push_back(what); }

void IoErrorLives::Problems(const std::vector<std::string>& what) {
  problems_.insert(problems_.end(), what.begin(), what.end());
}

Counters IoErrorLives::TakeCounts() { return std::exchange(counts_, {}); }

std::vector<std::string> IoErrorLives::TakeProblems() { return std::exchange(problems_, {}); }

}  // namespace ackwire
