// FaultEnv is the Env of a FaultFileSystem, with a say in when RocksDB compacts: by a real thread
// like everywhere else, or only when the test says so, on the test's own thread, so that the calls
// of one seed come in one order. Flushes have a real thread always, for RocksDB waits for them.
//
// Lifetime: outlives the databases that use it.
#pragma once

#include <rocksdb/env.h>

#include <deque>
#include <memory>
#include <mutex>

#include "tests/faults/fault_file_system.h"

namespace ackwire {

enum class Compactions { kByThread, kByHand };

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(std::uint64_t seed, Compactions compactions = Compactions::kByHand,
                    OptionsFiles options_files = OptionsFiles::kWritten);

  [[nodiscard]] FaultDisk& disk() { return files_->disk(); }

  // Runs the compactions that wait, and those that they bring about.
  void RunCompactions();
  // Those that wait are never run. REQUIRES: whoever asked for them is never destroyed.
  void ForgetCompactions();

  const char* Name() const override { return "FaultEnv"; }
  void Schedule(void (*run)(void*), void* argument, Priority priority, void* tag,
                void (*unscheduled)(void*)) override;
  int UnSchedule(void* tag, Priority priority) override;
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;

 private:
  struct Job {
    void (*run)(void*);
    void* argument;
    Priority priority;
    void* tag;
    void (*unscheduled)(void*);
  };

  FaultEnv(std::shared_ptr<FaultFileSystem> files, Compactions compactions);
  [[nodiscard]] bool by_hand(Priority priority) const {
    return compactions_ == Compactions::kByHand && priority != HIGH;
  }

  const std::shared_ptr<FaultFileSystem> files_;
  const Compactions compactions_;
  mutable std::mutex mutex_;  // guards jobs_
  std::deque<Job> jobs_;
};

}  // namespace ackwire
