// FamilyFacts goes through what the rows of a derived family say, in order of key, so that two
// databases can be compared: a row at a time, and of `index`, whose rows are cut differently each
// time that the log is folded, a seq at a time, as a row of that seq alone. Channels are without
// what no later fold need find again.
//
// Threads:  one; blocks on disk.
// Lifetime: borrows the database.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/database.h"
#include "store/index_row.h"

namespace ackwire {

class FamilyFacts {
 public:
  // From the key `from` on.
  FamilyFacts(const Database& database, Family family, const std::string& from);
  ~FamilyFacts();

  [[nodiscard]] bool Valid() const { return valid_; }
  // Until Next.
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  void Next();

  // Why it ended, if not for the end of the family.
  [[nodiscard]] rocksdb::Status status() const;

 private:
  void Read();
  void ReadSeq();

  const Family family_;
  const std::unique_ptr<rocksdb::Iterator> rows_;
  std::optional<IndexRow> row_;  // of `rows_`; none when it is read as it stands
  Seq seq_;                      // in `row_`
  bool valid_ = false;
  std::string key_;
  std::string value_;
};

}  // namespace ackwire
