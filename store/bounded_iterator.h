// BoundedIterator goes over a family's rows up to a key, and notes the damage that it meets.
//
// Threads:  one.
// Lifetime: borrows database, family and `damage`.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>

#include <memory>
#include <string>
#include <utility>

#include "store/damage_watch.h"
#include "store/database.h"

namespace ackwire {

// It owns its upper bound, which RocksDB only borrows.
class BoundedIterator final : public rocksdb::Iterator {
 public:
  BoundedIterator(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle, std::string to,
                  rocksdb::ReadOptions options, DamageWatch& damage)
      : to_(std::move(to)), bound_(to_), family_(handle->GetName()), damage_(damage) {
    if (!to_.empty()) options.iterate_upper_bound = &bound_;
    inner_.reset(db.NewIterator(options, handle));
  }
  bool Valid() const override { return inner_->Valid(); }
  void SeekToFirst() override { inner_->SeekToFirst(); }
  void SeekToLast() override { inner_->SeekToLast(); }
  void Seek(const rocksdb::Slice& target) override { inner_->Seek(target); }
  void SeekForPrev(const rocksdb::Slice& target) override { inner_->SeekForPrev(target); }
  void Next() override { inner_->Next(); }
  void Prev() override { inner_->Prev(); }
  rocksdb::Slice key() const override { return inner_->key(); }
  rocksdb::Slice value() const override { return inner_->value(); }
  rocksdb::Status status() const override {
    const rocksdb::Status status = inner_->status();
    if (!status.ok()) (void)damage_.Noted(FromRocks(status, "read rows of " + family_));
    return status;
  }

 private:
  const std::string to_;
  const rocksdb::Slice bound_;
  const std::string family_;
  DamageWatch& damage_;
  std::unique_ptr<rocksdb::Iterator> inner_;
};

}  // namespace ackwire
