#include "tests/faults/tested_store.h"

#include <rocksdb/db.h>

#include <utility>

#include "store/derived_writer.h"

namespace ackwire {

Status TestedStore::Open(const std::string& boot_id) {
  auto store = Store::Open({.directory = "/data",
                            .clock = clock_,
                            .seed = rng_.Next(),
                            .durability = options_.durability,
                            .min_free_bytes = options_.min_free_bytes,
                            .boot_id = boot_id,
                            .env = &env_});
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  told_position_ = store_->derived().last_position();
  told_number_ = store_->derived().last_number();
  failure_ = OkStatus();
  flushed_ = OkStatus();
  return OkStatus();
}

StartFindings TestedStore::Check() {
  StartFindings found = CheckStart(*store_, asked_);
  ledger_ = NaiveLedger(found.log);
  return found;
}

Status TestedStore::Begin() {
  handed_.BeginLife();
  rows_ = std::make_unique<OutboxRows>(store_->database(), store_->log());
  relay_ = std::make_unique<Relay>(*rows_, clock_);
  if (Status status = relay_->Load({&handed_}); !status.ok()) return status;
  store_->StartByHand({.committed = [this](const SharedGroup& group) { Committed(group); },
                       .failed = [this](const Status& why) { Failed(why); }});
  return OkStatus();
}

void TestedStore::End() { store_->StopByHand(); }

void TestedStore::Close() {
  relay_.reset();
  rows_.reset();
  store_.reset();
}

void TestedStore::Abandon() {
  (void)relay_.release();
  (void)rows_.release();
  (void)store_.release();
  env_.ForgetCompactions();
}

void TestedStore::Committed(const SharedGroup& group) {
  ledger_.Apply(*group);
  told_position_ = group->last;
  if (group->number.value != 0) told_number_ = group->number;
  relay_->Committed(group);
}

void TestedStore::Failed(const Status& why) {
  failure_ = why;
  answered_before_failure_ = asked_.answered();
}

std::uint64_t TestedStore::answered_after_failure() const {
  return failure_.ok() ? 0 : asked_.answered() - answered_before_failure_;
}

bool TestedStore::told_all() const {
  return store_->derived().Read([this](const DerivedView& view) {
    return view.last_position == told_position_ && view.last_number == told_number_;
  });
}

void TestedStore::Commit() {
  asked_.BeginGroup();
  for (Work& work : workload_.Next(ledger_)) {
    asked_.Ask(work);
    store_->Submit(std::move(work));
  }
  (void)store_->WriterStep();
}

void TestedStore::MoveTail(Tail as) {
  store_->BackgroundStep(as == Tail::kRuns ? 0 : kBatchEntriesMax);
}

Status TestedStore::FlushSomeFamily() {
  const auto family = static_cast<Family>(rng_.Next() % kFamilies);
  // RocksDB flushes within a write, and takes no write behind a flush that failed.
  if (!flushed_.ok()) return flushed_;
  rocksdb::DB& rocks = store_->database().rocks();
  flushed_ = FromRocks(rocks.Flush(rocksdb::FlushOptions(), store_->database().handle(family)),
                       std::string("flush family ") + NameOf(family));
  return flushed_;
}

Status TestedStore::StepRelay(const Relay::StepOptions& options) { return relay_->Step(options); }

}  // namespace ackwire
