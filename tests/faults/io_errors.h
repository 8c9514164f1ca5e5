// A store whose disk fails: the Nth call, of all or of some kinds, once or from then on. Whatever
// it hits, the store answers what is so or says that it cannot; after a failed write it takes no
// more; and on a disk that works again it is what it said it was.
//
// It runs on one thread and a clock of its own, so that a seed is a run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/faults/fault_env.h"
#include "tests/faults/tested_store.h"

namespace ackwire {

struct IoErrorCase {
  // What the calls are counted from: the first start in a new directory, the start of a store that
  // has lived, a store that runs, or the first questions to one that has just started.
  enum class From { kFirstStart, kStart, kRunning, kQuestions };
  From from = From::kStart;
  Fault fault;
  std::string calls;  // their name

  [[nodiscard]] std::string Describe() const;
};

// What a process is at: when RocksDB aborts it, that tells whether it was on its way out.
enum class IoErrorPhase : std::uint32_t { kStarts, kRuns, kEnds };

// A directory in which one case after the other is gone through.
class IoErrorLives {
 public:
  IoErrorLives(std::uint64_t seed, std::atomic<IoErrorPhase>& phase);

  // How a process ends that was hit: as a server does, or by no more than being gone.
  enum class End { kDestroyed, kAbandoned };
  void Run(const IoErrorCase& one, End end);

  // Since they were taken last.
  [[nodiscard]] Counters TakeCounts();
  [[nodiscard]] std::vector<std::string> TakeProblems();

  // All that many cases bring about.
  [[nodiscard]] static Counters NoCounts();

 private:
  void BeginDirectory();
  void StartForQuestions();
  // On a disk that works: the store starts, and is what it said it was.
  void StartHealed();
  // Whether it started. On a disk that fails it may refuse to.
  bool StartOnFaults();
  void Live(std::uint64_t nth);
  void Step();
  void Restart();
  void Ask();
  void StepRelay();
  void CheckFailure();
  void Finish(End end);
  void CloseStore();
  void CountFaults();

  void Problem(const std::string& what);
  void Problems(const std::vector<std::string>& what);
  void Count(const std::string& what) { ++counts_[what]; }

  const std::uint64_t seed_;
  std::atomic<IoErrorPhase>& phase_;
  Rng rng_;
  std::unique_ptr<FaultEnv> env_;
  std::unique_ptr<TestedStore> tested_;
  std::uint64_t directories_ = 0;
  int boot_ = 0;
  bool running_ = false;    // the store is open and has begun
  bool over_ = false;       // a server would end now
  bool restarted_ = false;  // in this step
  Counters faults_;         // of the disk, that are in counts_
  Counters counts_;
  std::vector<std::string> problems_;
};

}  // namespace ackwire
