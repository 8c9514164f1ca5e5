#include "store/family_facts.h"

#include <rocksdb/iterator.h>

#include "store/channel_rows.h"
#include "store/keys.h"

namespace ackwire {

FamilyFacts::FamilyFacts(const Database& database, Family family, const std::string& from)
    : family_(family), rows_(database.NewIterator(family, {from, {}})) {
  Read();
}

FamilyFacts::~FamilyFacts() = default;

void FamilyFacts::Next() {
  if (row_ && seq_ < row_->last) {
    ++seq_.value;
    ReadSeq();
  } else {
    rows_->Next();
    Read();
  }
}

void FamilyFacts::Read() {
  valid_ = rows_->Valid();
  if (!valid_) return;
  row_ = family_ == Family::kIndex
             ? IndexRow::Parse(rows_->key().ToStringView(), rows_->value().ToStringView())
             : std::nullopt;
  if (row_) {
    seq_ = row_->first;
    ReadSeq();
  } else {
    key_ = rows_->key().ToString();
    value_ = family_ == Family::kChannels ? WithoutUnheard(rows_->value().ToStringView())
                                          : rows_->value().ToString();
  }
}

void FamilyFacts::ReadSeq() {
  key_ = keys::Index(row_->channel, seq_);
  value_ = keys::U64(row_->PositionOf(seq_).value);
}

rocksdb::Status FamilyFacts::status() const { return rows_->status(); }

}  // namespace ackwire
