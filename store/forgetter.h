// Forgetter erases what is on record of clients that were forgotten: first, where the tail goes to
// disk, their rows of the derived families; then, on the eraser's thread, what stands of them in
// the journal, and what RocksDB still keeps of both. Their names may be bounds of tables in
// RocksDB's list of files, which it writes anew at each start.
//
// Durable: what is to be forgotten is on disk with its ClientForgotten, and gone on with after a
//          start.
// Threads: DropRows by the background thread, behind each move of the tail; EraseJournal by the
//          eraser's.
// Lifetime: borrows the database.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "store/forgotten_client.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// Within so long the bytes of a client that was forgotten are gone from the data directory: as long
// as it takes to read a journal of a hundred million records.
inline constexpr Duration kForgetWithin{600'000};

class Forgetter {
 public:
  explicit Forgetter(Database& database) : database_(database) {}
  Forgetter(const Forgetter&) = delete;
  Forgetter& operator=(const Forgetter&) = delete;

  // The rows of family `meta` that say who is to be forgotten, as the client's name under the event
  // that told so: written with it. The second replaces the first once the derived rows are gone.
  [[nodiscard]] static std::string KeyOf(EventId at);
  // Whether it is the key of either.
  [[nodiscard]] static bool IsKey(std::string_view key);

  // All whom either kind of row names.
  [[nodiscard]] static StatusOr<std::vector<ForgottenClient>> Read(const Database& database);

  // Such rows were committed.
  void ForgetSoon() { due_ = true; }

  // Does nothing of what is not folded to disk yet. Returns whether the journal's part can be done.
  [[nodiscard]] StatusOr<bool> DropRows();

  // Blocks about as long as it takes to read the journal, and to read and write the tables that are
  // concerned. Given up, and OK, once `stopping`.
  [[nodiscard]] Status EraseJournal(std::atomic<bool>& stopping);

 private:
  [[nodiscard]] Status DropRowsOf(const ForgottenClient& forgotten);
  [[nodiscard]] Status Rewrite(const ForgottenClient& forgotten, std::atomic<bool>& stopping);
  [[nodiscard]] Status Merge(const ForgottenClient& forgotten, std::atomic<bool>& stopping);

  Database& database_;
  std::atomic<bool> due_ = true;  // an earlier life may have left something
};

// Whether this row of a derived family is the client's, of before it was forgotten.
[[nodiscard]] bool IsRowOf(const ForgottenClient& forgotten, Family family, std::string_view key,
                           std::string_view value);

}  // namespace ackwire
