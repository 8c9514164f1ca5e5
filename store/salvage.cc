#include "store/salvage.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "store/base.h"
#include "store/forgetter.h"
#include "store/index_row.h"
#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/records.pb.h"
#include "store/recovery.h"
#include "store/row_sums.h"
#include "store/salvage_table.h"
#include "store/stub.h"

namespace ackwire {
namespace {

constexpr int kSalvageRows = 1000;

// Above every number that a database so young uses itself.
constexpr std::uint64_t kFirstWalNumber = 1'000'000'000;

constexpr std::array kKept = {Family::kMeta,    Family::kLog,      Family::kJournal,
                              Family::kIndex,   Family::kChannels, Family::kLedger,
                              Family::kMembers, Family::kParked};

template <typename Row>
std::optional<Row> Parsed(std::string_view value) {
  Row row;
  if (!record::OpenInto(value, "", row).ok()) return std::nullopt;
  return row;
}

// Of two values of one key, both of which may be damaged.
template <typename Row, typename Age>
bool IsNewer(std::string_view value, std::string_view than, Age age) {
  const std::optional<Row> row = Parsed<Row>(value);
  const std::optional<Row> other = Parsed<Row>(than);
  return row && (!other || age(*row) > age(*other));
}

bool IsNewer(Family family, const std::string& key, std::string_view value, std::string_view than) {
  switch (family) {
    case Family::kIndex:
      return value.size() > than.size();  // the same positions, and those before them
    case Family::kLedger: {
      const auto parsed = keys::ParseLedger(key);
      const auto as_of = [](const auto& row) { return row.as_of(); };
      return parsed && parsed->channel.value == 0 ? IsNewer<store::ClientRow>(value, than, as_of)
                                                  : IsNewer<store::LedgerRow>(value, than, as_of);
    }
    case Family::kChannels:
      return IsNewer<store::ChannelRow>(value, than,
                                        [](const auto& row) { return row.last_seq(); });
    case Family::kMeta:
      if (key == meta::kRelay) return value > than;  // big-endian numbers
      return IsNewer<store::DerivedCheckpoint>(value, than,
                                               [](const auto& row) { return row.position(); });
    default:
      return false;
  }
}

// Of the log see MessageIn.
bool IsWhole(Family family, const std::string& key, std::string_view value) {
  switch (family) {
    case Family::kJournal:
      return keys::ParseJournal(key) && Parsed<store::JournalRecord>(value);
    case Family::kIndex:
      return IndexRow::Parse(key, value).has_value();
    case Family::kMeta:
      return key == meta::kRelay ||
             (key == meta::kDerived && Parsed<store::DerivedCheckpoint>(value)) ||
             Forgetter::IsKey(key);
    default:
      return true;
  }
}

// None when the row is not whole.
std::optional<StoredMessage> MessageIn(const std::string& key, std::string_view value) {
  const auto position = keys::ParseLog(key);
  if (!position) return std::nullopt;
  StatusOr<StoredMessage> stored = ParseLogRow(*position, value);
  if (!stored.ok()) return std::nullopt;
  return *std::move(stored);
}

// Puts rows that are found into the database, unless it has newer ones.
class RowKeeper {
 public:
  // `rows` has what the write-ahead logs held.
  explicit RowKeeper(Database& rows) : rows_(rows) {
    const auto row = rows_.NewIterator(Family::kLog, {}, Database::Reading::kWalk);
    for (; row->Valid(); row->Next()) {
      const auto stored = MessageIn(row->key().ToString(), row->value().ToStringView());
      if (stored) (void)IsReplaced(*stored);
    }
    status_.Update(FromRocks(row->status(), "read the salvaged log"));
  }

  // False when the row is not whole.
  bool Keep(Family family, const std::string& key, std::string_view value) {
    if (family == Family::kLog) {
      const auto stored = MessageIn(key, value);
      if (!stored) return false;
      if (IsReplaced(*stored)) return true;
    } else if (!IsWhole(family, key, value)) {
      return family == Family::kMeta;
    }
    const bool written_once = family == Family::kLog || family == Family::kJournal;
    if (!written_once) {
      Flush();  // so that the row before is seen
      const auto kept = rows_.Get(family, key);
      status_.Update(kept.status());
      if (!kept.ok()) return true;
      if (kept->has_value() && !IsNewer(family, key, value, **kept)) return true;
    }
    batch_.Put(rows_.handle(family), key, rocksdb::Slice(value.data(), value.size()));
    if (batch_.Count() >= kSalvageRows) Flush();
    return true;
  }

  [[nodiscard]] Status Finish() {
    Flush();
    return status_;
  }

 private:
  // What was removed stays so: its stub may be found before its content.
  bool IsReplaced(const StoredMessage& stored) {
    const std::uint64_t position = stored.position().value;
    if (IsStub(stored) && GoneFor(stored.message) != v1::REASON_UNSPECIFIED) {
      removed_.insert(position);
      return false;
    }
    return removed_.contains(position);
  }

  void Flush() {
    if (batch_.Count() == 0) return;
    status_.Update(rows_.Write(batch_, Sync::kNo));
    batch_.Clear();
  }

  Database& rows_;
  absl::flat_hash_set<std::uint64_t> removed_;  // positions of messages
  rocksdb::WriteBatch batch_;
  Status status_;
};

StatusOr<std::unique_ptr<Database>> OpenRows(const std::filesystem::path& scratch,
                                             WalDamage wal_damage) {
  auto directory = DataDirectory::Open(scratch);
  if (!directory.ok()) return directory.status();
  Rng rng(1);  // its epoch is nobody's
  return Database::Open(*std::move(directory), {.rng = rng, .wal_damage = wal_damage});
}

// Files of RocksDB, oldest first: their names are numbers of six digits or more.
std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& directory,
                                           const std::string& extension) {
  std::vector<std::filesystem::path> files;
  std::error_code ec;
  for (const auto& file : std::filesystem::directory_iterator(directory, ec)) {
    if (file.path().extension() == extension) files.push_back(file.path());
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    const std::string left = a.filename().string();
    const std::string right = b.filename().string();
    return std::pair(left.size(), left) < std::pair(right.size(), right);
  });
  return files;
}

std::string WalName(std::size_t index) { return std::to_string(kFirstWalNumber + index) + ".log"; }

// Write-ahead logs are read by RocksDB alone: a young database with the same families gets them as
// if they were its own, and is told to skip what is damaged.
StatusOr<std::unique_ptr<Database>> OpenWithWriteAheadLogs(
    const std::filesystem::path& scratch, const std::vector<std::filesystem::path>& logs,
    std::vector<DamagedFile>& damaged) {
  // It is made and closed, and forgets what it has written itself, its epoch: the logs that it gets
  // have writes of the same numbers.
  if (const auto young = OpenRows(scratch, WalDamage::kStop); !young.ok()) return young.status();
  for (const std::filesystem::path& own : FilesOf(scratch / "db", ".log")) {
    std::error_code ec;
    std::filesystem::remove(own, ec);
    if (ec) return Error(StatusCode::kUnavailable, "remove " + own.string() + ": " + ec.message());
  }
  for (std::size_t i = 0; i < logs.size(); ++i) {
    std::error_code ec;
    std::filesystem::copy_file(logs[i], scratch / "db" / WalName(i), ec);
    if (ec) {
      return Error(StatusCode::kUnavailable, "copy " + logs[i].string() + ": " + ec.message());
    }
  }
  StatusOr<std::unique_ptr<Database>> whole = OpenRows(scratch, WalDamage::kRefuse);
  if (whole.status().code() != StatusCode::kDataLoss) return whole;
  // RocksDB does not say in which of them.
  std::string names;
  for (const std::filesystem::path& log : logs) {
    names += (names.empty() ? "" : ", ") + log.filename().string();
  }
  damaged.push_back({names, "the write-ahead log has a damaged record"});
  return OpenRows(scratch, WalDamage::kSkip);
}

std::optional<Family> KeptFamily(const std::string& name) {
  for (const Family family : kKept) {
    if (name == (family == Family::kMeta ? "default" : NameOf(family))) return family;
  }
  return std::nullopt;
}

Status CopyBaseOf(const StatusOr<std::unique_ptr<Database>>& database, Database& rows) {
  if (!database.ok()) return database.status();
  Status status = CopyBase(*(*database)->Base(), *rows.Base());
  return status.ok() ? CheckRowSums(*rows.Base()) : status;
}

// The names of the tables that the database counts among its own: a kill leaves some that it never
// had. None where it cannot be opened.
std::optional<std::set<std::string>> TablesOf(const StatusOr<std::unique_ptr<Database>>& database) {
  if (!database.ok()) return std::nullopt;
  std::vector<rocksdb::LiveFileMetaData> files;
  (*database)->rocks().GetLiveFilesMetaData(&files);
  std::set<std::string> names;
  for (const auto& file : files) names.insert(std::filesystem::path(file.name).filename());
  return names;
}

}  // namespace

StatusOr<Salvaged> Salvage(const DataDirectory& damaged, const std::filesystem::path& scratch) {
  const std::filesystem::path source = damaged.database_path();
  Salvaged out;
  auto rows = OpenWithWriteAheadLogs(scratch, FilesOf(source, ".log"), out.files);
  if (!rows.ok()) return rows.status();
  out.rows = *std::move(rows);
  const StatusOr<std::unique_ptr<Database>> database = Database::OpenReadOnly(damaged);
  const std::optional<std::set<std::string>> listed = TablesOf(database);
  RowKeeper keeper(*out.rows);
  for (const std::filesystem::path& file : FilesOf(source, ".sst")) {
    std::uint64_t not_whole = 0;
    const auto keep = [&](const std::string& name, std::string_view key, std::string_view value) {
      const std::optional<Family> family = KeptFamily(name);
      if (family && !keeper.Keep(*family, std::string(key), value)) ++not_whole;
    };
    const SalvagedTable table = SalvageTable(damaged.env(), file, keep);
    if (listed && !listed->contains(file.filename())) continue;
    if (table.damages > 0) {
      out.files.push_back({file.filename().string(), table.first_damage});
    } else if (not_whole > 0) {
      out.files.push_back(
          {file.filename().string(), std::to_string(not_whole) + " rows are not whole"});
    }
  }
  if (Status status = keeper.Finish(); !status.ok()) return status;
  const Status base = CopyBaseOf(database, *out.rows);
  out.base_is_whole = base.ok();
  if (!base.ok()) out.files.push_back({"the journal's base", MessageOf(base)});
  return out;
}

}  // namespace ackwire
