#include "tools/ackbench/store_load.h"

#include <stdexcept>
#include <utility>

namespace ackwire::bench {
namespace {

// The relay of a server that keeps up trims about as often.
constexpr std::uint64_t kCommitsBetweenTrims = 32;
constexpr std::uint64_t kOutstandingLow = StoreLoad::kOutstandingMax / 2;

}  // namespace

StoreLoad::StoreLoad(const std::filesystem::path& directory, const Workload& workload)
    : workload_(workload) {
  StatusOr<std::unique_ptr<Store>> store =
      Store::Open({.directory = directory, .clock = clock_, .seed = RandomSeed()});
  if (!store.ok()) throw std::runtime_error(MessageOf(store.status()));
  store_ = *std::move(store);
  outbox_ = std::make_unique<OutboxRows>(store_->database(), store_->log());
  store_->Start({.committed = [this](const SharedGroup& group) { OnCommit(group); },
                 .failed = [](const Status&) {}});
}

StoreLoad::~StoreLoad() {
  if (store_ != nullptr) store_->StopWriting();
}

void StoreLoad::Publish(std::uint64_t first, std::uint64_t count,
                        const std::function<void(std::uint64_t)>& progress) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (outstanding_.load() >= kOutstandingMax) {
      WaitUntilOutstanding(kOutstandingLow);
      progress(i);
    }
    PublishWork work;
    work.draft = workload_.Draft(first + i);
    work.done = [this](const StatusOr<Published>& answer) { OnAnswer(answer); };
    ++outstanding_;
    store_->Submit(std::move(work));
  }
  WaitUntilOutstanding(0);
}

void StoreLoad::OnAnswer(const StatusOr<Published>& answer) {
  if (!answer.ok() || answer->duplicate) {
    const std::lock_guard lock(mutex_);
    refused_ = answer.ok() ? "a message was there already" : MessageOf(answer.status());
  }
  const std::uint64_t left = outstanding_.fetch_sub(1) - 1;
  if (left == kOutstandingLow || left == 0) {
    const std::lock_guard lock(mutex_);
    answered_.notify_one();
  }
}

void StoreLoad::OnCommit(const SharedGroup& group) {
  {
    const std::lock_guard lock(mutex_);
    handed_over_.push_back(group);
  }
  if (++commits_ % kCommitsBetweenTrims != 0) return;
  const Status trimmed = outbox_->Trim(PointOf(*group));
  if (trimmed.ok()) return;
  const std::lock_guard lock(mutex_);
  refused_ = MessageOf(trimmed);
}

void StoreLoad::WaitUntilOutstanding(std::uint64_t at_most) {
  std::vector<SharedGroup> done;
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [&] { return outstanding_.load() <= at_most; });
  done.swap(handed_over_);  // freed on this thread, under no lock
  if (!refused_.empty()) throw std::runtime_error("publish: " + refused_);
}

}  // namespace ackwire::bench
