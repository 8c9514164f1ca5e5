// StoreLoad drives a store as hard as it goes: one thread keeps the writer's queue filled, with no
// more outstanding than kOutstandingMax.
//
// Threads: one; the store has its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/outbox_rows.h"
#include "store/store.h"
#include "tools/ackbench/workload.h"
#include "tools/ackwired/system_clock.h"

namespace ackwire::bench {

class StoreLoad {
 public:
  // Enough for a group that syncs, one that gathers, and some more.
  static constexpr std::uint64_t kOutstandingMax = 8 * kGroupWorksMax;

  // Throws std::runtime_error when the store cannot be opened.
  StoreLoad(const std::filesystem::path& directory, const Workload& workload);
  ~StoreLoad();  // closes cleanly: the store's tail is on disk then
  StoreLoad(const StoreLoad&) = delete;
  StoreLoad& operator=(const StoreLoad&) = delete;

  // Publishes messages [first, first + count) and waits until all are answered. Throws when one
  // is refused: a rate of refusals is no rate.
  void Publish(std::uint64_t first, std::uint64_t count,
               const std::function<void(std::uint64_t done)>& progress);

  [[nodiscard]] std::uint64_t commits() const { return commits_; }

 private:
  void OnAnswer(const StatusOr<Published>& answer);
  void OnCommit(const SharedGroup& group);
  void WaitUntilOutstanding(std::uint64_t at_most);

  const Workload& workload_;
  const SystemClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<OutboxRows> outbox_;
  std::atomic<std::uint64_t> commits_ = 0;

  std::atomic<std::uint64_t> outstanding_ = 0;
  std::mutex mutex_;  // guards all below, and the wait for outstanding_
  std::condition_variable answered_;
  std::string refused_;
  // Commits, which a server's writer hands over to the relay: it does not free them.
  std::vector<SharedGroup> handed_over_;
};

}  // namespace ackwire::bench
