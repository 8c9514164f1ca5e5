#include "tests/faults/fault_env.h"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace ackwire {
namespace {

// RocksDB sleeps for a second after what failed in the background, before it looks again.
class HurriedClock final : public rocksdb::SystemClockWrapper {
 public:
  HurriedClock() : rocksdb::SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "HurriedClock"; }
  void SleepForMicroseconds(int) override { std::this_thread::yield(); }
};

// Of one call: a compaction that fails may be asked for again for ever.
constexpr int kCompactionsMax = 64;

}  // namespace

FaultEnv::FaultEnv(std::uint64_t seed, Compactions compactions, OptionsFiles options_files)
    : FaultEnv(std::make_shared<FaultFileSystem>(seed, options_files), compactions) {}

FaultEnv::FaultEnv(std::shared_ptr<FaultFileSystem> files, Compactions compactions)
    : rocksdb::EnvWrapper(rocksdb::NewCompositeEnv(files)),
      files_(std::move(files)),
      compactions_(compactions) {
  // RocksDB asks an Env for its file system; a wrapper's would translate every call twice.
  file_system_ = files_;
  system_clock_ = std::make_shared<HurriedClock>();
}

void FaultEnv::RunCompactions() {
  for (int i = 0; i < kCompactionsMax; ++i) {
    Job job{};
    {
      std::lock_guard lock(mutex_);
      if (jobs_.empty()) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    job.run(job.argument);
  }
}

void FaultEnv::ForgetCompactions() {
  std::lock_guard lock(mutex_);
  jobs_.clear();
}

void FaultEnv::Schedule(void (*run)(void*), void* argument, Priority priority, void* tag,
                        void (*unscheduled)(void*)) {
  if (!by_hand(priority)) return target()->Schedule(run, argument, priority, tag, unscheduled);
  std::lock_guard lock(mutex_);
  jobs_.push_back({run, argument, priority, tag, unscheduled});
}

int FaultEnv::UnSchedule(void* tag, Priority priority) {
  if (!by_hand(priority)) return target()->UnSchedule(tag, priority);
  std::vector<Job> dropped;
  {
    std::lock_guard lock(mutex_);
    const auto is = [&](const Job& job) { return job.tag == tag && job.priority == priority; };
    std::copy_if(jobs_.begin(), jobs_.end(), std::back_inserter(dropped), is);
    std::erase_if(jobs_, is);
  }
  for (const Job& job : dropped) {
    if (job.unscheduled != nullptr) job.unscheduled(job.argument);
  }
  return static_cast<int>(dropped.size());
}

unsigned int FaultEnv::GetThreadPoolQueueLen(Priority priority) const {
  if (!by_hand(priority)) return target()->GetThreadPoolQueueLen(priority);
  std::lock_guard lock(mutex_);
  return static_cast<unsigned int>(std::count_if(
      jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.priority == priority; }));
}

}  // namespace ackwire
