#include "store/salvage_table.h"

#include <rocksdb/env.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

#include <algorithm>
#include <memory>

namespace ackwire {
namespace {

// A key as a number: its first 16 bytes, or 8 where that is all there is of any. Numbers are in the
// order of the keys, and keys of log, journal and index are wholly such a number.
__extension__ typedef unsigned __int128 KeyNumber;
constexpr std::size_t kWideBytes = 16;

// So many keys behind a damaged block are asked for one by one: where numbers are dense, as in log
// and journal, that finds the very next one that can be read, however many blocks are damaged.
constexpr int kOneByOne = 100'000;

class TableReader {
 public:
  TableReader(rocksdb::SstFileReader& reader, SalvagedTable& out, const RowSink& sink)
      : out_(out), sink_(sink) {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    iterator_.reset(reader.NewIterator(options));
  }

  void Run(std::size_t key_bytes) {
    bytes_ = key_bytes;
    iterator_->SeekToFirst();
    KeyNumber last = 0;
    for (;;) {
      for (; iterator_->Valid(); iterator_->Next()) {
        last = NumberOf(iterator_->key().ToStringView());
        ++out_.rows;
        sink_(out_.family, iterator_->key().ToStringView(), iterator_->value().ToStringView());
      }
      if (iterator_->status().ok()) return;
      if (++out_.damages == 1) out_.first_damage = iterator_->status().ToString();
      if (!SeekBehindDamage(last)) return;
    }
  }

 private:
  // To the first readable key after `bad`. False when there is none.
  bool SeekBehindDamage(KeyNumber bad) {
    KeyNumber step = 1;
    for (int asked = 0;; ++asked) {
      if (Highest() - bad < step) return false;
      const KeyNumber next = bad + step;
      if (Readable(next)) {
        SeekToFirstReadable(bad, next);
        return iterator_->Valid();
      }
      bad = next;
      if (asked >= kOneByOne) step *= 2;
    }
  }

  // Between a number in a damaged block and one that is not.
  void SeekToFirstReadable(KeyNumber bad, KeyNumber good) {
    while (good - bad > 1) {
      const KeyNumber middle = bad + (good - bad) / 2;
      (Readable(middle) ? good : bad) = middle;
    }
    (void)Readable(good);
  }

  // Also true behind the last key.
  bool Readable(KeyNumber number) {
    iterator_->Seek(KeyOf(number));
    return iterator_->status().ok();
  }

  [[nodiscard]] KeyNumber Highest() const { return ~KeyNumber{0} >> (8 * (kWideBytes - bytes_)); }

  [[nodiscard]] KeyNumber NumberOf(std::string_view key) const {
    KeyNumber number = 0;
    for (std::size_t i = 0; i < bytes_; ++i) {
      number = (number << 8U) | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
    }
    return number;
  }

  [[nodiscard]] std::string KeyOf(KeyNumber number) const {
    std::string key(bytes_, '\0');
    for (std::size_t i = bytes_; i-- > 0; number >>= 8U) key[i] = static_cast<char>(number & 255U);
    return key;
  }

  SalvagedTable& out_;
  const RowSink& sink_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::size_t bytes_ = kWideBytes;
};

}  // namespace

SalvagedTable SalvageTable(rocksdb::Env& env, const std::string& path, const RowSink& sink) {
  SalvagedTable out;
  rocksdb::Options options;
  options.env = &env;
  rocksdb::SstFileReader reader(options);
  const rocksdb::Status status = reader.Open(path);
  if (!status.ok()) {
    out.damages = 1;
    out.first_damage = status.ToString();
    return out;
  }
  out.family = reader.GetTableProperties()->column_family_name;
  const bool narrow = out.family == "log" || out.family == "journal";
  TableReader(reader, out, sink).Run(narrow ? sizeof(std::uint64_t) : kWideBytes);
  return out;
}

}  // namespace ackwire
