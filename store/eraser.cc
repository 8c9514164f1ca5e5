#include "store/eraser.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <string_view>
#include <vector>

#include "store/keys.h"
#include "store/thread_priority.h"

namespace ackwire {
namespace {

constexpr std::string_view kPrefix = "erasing/";
constexpr std::chrono::seconds kRetryAfter{5};

}  // namespace

std::string Eraser::KeyOf(Position position) {
  return std::string(kPrefix) + keys::U64(position.value);
}

void Eraser::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Eraser::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Eraser::EraseSoon() {
  {
    std::lock_guard lock(mutex_);
    due_ = true;
  }
  wake_.notify_one();
}

void Eraser::MakeRoomSoon(JournalNumber last) {
  {
    std::lock_guard lock(mutex_);
    trimmed_ = last;
  }
  EraseSoon();
}

void Eraser::MakeRoomSoon(Position last) {
  {
    std::lock_guard lock(mutex_);
    removed_ = last;
  }
  EraseSoon();
}

void Eraser::Run() {
  YieldToOtherThreads();
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_.load() || due_; });
    if (stopping_) return;
    due_ = false;
    lock.unlock();
    // Damage is told; a full disk may have room again.
    const bool done = database_.damage().Noted(Step()).ok();
    lock.lock();
    if (done) continue;
    due_ = true;
    wake_.wait_for(lock, kRetryAfter, [this] { return stopping_.load(); });
  }
}

Status Eraser::Step() {
  Status status = EraseMessages();
  // One may meet damage; that does not hold the others up.
  status.Update(forgetter_.EraseJournal(stopping_));
  status.Update(MakeRoom());
  return status;
}

Status Eraser::MakeRoom() {
  JournalNumber trimmed;
  Position removed;
  {
    std::lock_guard lock(mutex_);
    trimmed = trimmed_;
    removed = removed_;
  }
  Status status;
  if (trimmed.value != 0) status.Update(WriteAnew(Family::kJournal, keys::Journal(trimmed)));
  if (removed.value != 0) status.Update(WriteAnew(Family::kLog, keys::Log(removed)));
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (trimmed_ == trimmed) trimmed_ = {};
  if (removed_ == removed) removed_ = {};
  return OkStatus();
}

Status Eraser::WriteAnew(Family family, const std::string& last) {
  if (Status status = database_.Flush(); !status.ok()) return status;
  return database_.Merge(family, {keys::U64(0), last}, stopping_);
}

Status Eraser::EraseMessages() {
  std::vector<Positions> runs;
  rocksdb::WriteBatch done;
  const auto row = database_.NewIterator(Family::kMeta, Database::Range::Beginning(kPrefix));
  for (; row->Valid(); row->Next()) {
    const auto at = keys::ParseU64(row->key().ToStringView().substr(kPrefix.size()));
    done.Delete(database_.handle(Family::kMeta), row->key());
    if (!at) continue;
    if (runs.empty() || runs.back().last.value + 1 != *at) runs.push_back({{*at}, {*at}});
    runs.back().last = {*at};
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read what is to be erased");
  if (done.Count() == 0) return OkStatus();
  // Only what is flushed can be merged with what it replaces.
  if (Status status = database_.Flush(); !status.ok()) return status;
  for (const Positions& run : runs) {
    const Database::Range rows{keys::Log(run.first), keys::Log(run.last)};
    if (Status status = database_.Merge(Family::kLog, rows, stopping_); !status.ok()) return status;
  }
  // Lost in a crash, this is done once more.
  return database_.Write(done, Sync::kNo);
}

}  // namespace ackwire
