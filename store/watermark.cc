#include "store/watermark.h"

#include <openssl/sha.h>
#include <rocksdb/env.h>

#include <array>

#include "store/crash_point.h"
#include "store/data_directory.h"
#include "store/forgotten_client.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/stub.h"
#include "store/watermark_slot.h"

namespace ackwire {
namespace {

constexpr std::size_t kHashBytes = 16;

// What the mark's rows are, and how long the list of RocksDB's files is that has them.
Status Describe(const Database& database, store::Watermark& mark) {
  mark.set_place_hash(true);
  mark.set_journal_place_hash(true);
  StatusOr<std::string> hash = HashOfRows(database, mark);
  if (!hash.ok()) return hash.status();
  mark.set_hash(*std::move(hash));
  const StatusOr<Database::FileList> list = database.ListOfFiles();
  if (!list.ok()) return list.status();
  mark.set_manifest_number(list->number);
  mark.set_manifest_bytes(list->bytes);
  return OkStatus();
}

// Where the log is now.
StatusOr<store::Watermark> MarkOf(const Database& database, const std::string& boot_id) {
  const StatusOr<Position> position = database.LastPosition();
  if (!position.ok()) return position.status();
  const StatusOr<JournalNumber> number = database.LastNumber();
  if (!number.ok()) return number.status();
  store::Watermark mark;
  mark.set_position(position->value);
  mark.set_journal_number(number->value);
  if (Status status = Describe(database, mark); !status.ok()) return status;
  mark.set_buffered(database.durability() == Durability::kBuffered);
  mark.set_boot_id(boot_id);
  return mark;
}

// Both slots are whole from the beginning: a first mark that is cut off looks like damage.
Status WriteBoth(const DataDirectory& directory, const store::Watermark& mark) {
  std::string slot = MakeWatermarkSlot(mark);
  slot.resize(kWatermarkSlotBytes, '\0');
  return directory.WriteFile(directory.watermark_path(), slot + slot);
}

}  // namespace

Watermark::Watermark(const Database& database, const Clock& clock)
    : database_(database), clock_(clock) {}

Watermark::~Watermark() { database_.WhenRowsMove(nullptr); }

StatusOr<std::unique_ptr<Watermark>> Watermark::Open(const Database& database, const Clock& clock,
                                                     const std::string& boot_id) {
  const DataDirectory& directory = database.directory();
  const std::string path = directory.watermark_path();
  const StatusOr<std::optional<store::Watermark>> before = Read(directory);
  if (!before.ok()) return before.status();
  StatusOr<store::Watermark> mark = MarkOf(database, boot_id);
  if (!mark.ok()) return mark.status();
  mark->set_generation(before->has_value() ? (*before)->generation() : 0);
  if (!before->has_value()) {
    if (Status status = WriteBoth(directory, *mark); !status.ok()) return status;
  }
  std::unique_ptr<Watermark> watermark(new Watermark(database, clock));
  watermark->mark_ = *std::move(mark);
  const rocksdb::Status opened =
      directory.env().NewRandomRWFile(path, &watermark->file_, rocksdb::EnvOptions());
  if (!opened.ok()) return FromRocks(opened, "open " + path);
  if (Status status = watermark->Write(); !status.ok()) return status;
  database.WhenRowsMove([told = watermark.get()] { return told->RowsMoved(); });
  return watermark;
}

StatusOr<std::optional<store::Watermark>> Watermark::Read(const DataDirectory& directory) {
  const std::string path = directory.watermark_path();
  const rocksdb::Status exists = directory.env().FileExists(path);
  if (exists.IsNotFound()) return std::optional<store::Watermark>();
  std::string content;
  const rocksdb::Status read = rocksdb::ReadFileToString(&directory.env(), path, &content);
  if (!read.ok()) return FromRocks(read, "read " + path);
  std::optional<store::Watermark> newest = NewestWatermark(content);
  if (newest) return newest;
  return Error(StatusCode::kDataLoss, path + ": neither of its two slots can be read");
}

Status Watermark::Committed(Position position, JournalNumber number) {
  std::lock_guard lock(mutex_);
  mark_.set_position(position.value);
  if (number.value != 0) mark_.set_journal_number(number.value);
  behind_ = true;
  return clock_.Now() - written_at_ >= kWatermarkInterval ? Write() : failed_;
}

Status Watermark::CatchUp() {
  std::lock_guard lock(mutex_);
  return behind_ ? Write() : failed_;
}

bool Watermark::behind() const {
  std::lock_guard lock(mutex_);
  return behind_;
}

Status Watermark::End() {
  std::lock_guard lock(mutex_);
  mark_.set_clean(true);
  for (std::uint64_t slot = 0; slot < kWatermarkSlots; ++slot) {
    if (Status status = Write(); !status.ok()) return status;
  }
  return OkStatus();
}

Status Watermark::WriteEnd(const Database& database, const std::string& boot_id) {
  StatusOr<store::Watermark> mark = MarkOf(database, boot_id);
  if (!mark.ok()) return mark.status();
  mark->set_clean(true);
  return WriteBoth(database.directory(), *mark);
}

Status Watermark::RowsMoved() {
  std::lock_guard lock(mutex_);
  return Write();
}

// Once it failed it is not tried again: the next mark would go over the only one that is whole.
Status Watermark::Write() {
  if (failed_.ok()) failed_ = WriteNext();
  return failed_;
}

Status Watermark::WriteNext() {
  if (Status status = Describe(database_, mark_); !status.ok()) return status;
  mark_.set_generation(mark_.generation() + 1);
  CrashPoint(crash::kBeforeWatermark);
  const std::uint64_t offset = mark_.generation() % kWatermarkSlots * kWatermarkSlotBytes;
  rocksdb::Status status = file_->Write(offset, MakeWatermarkSlot(mark_));
  if (status.ok()) status = file_->Sync();
  if (!status.ok()) return FromRocks(status, "write the watermark");
  CrashPoint(crash::kAfterWatermark);
  written_at_ = clock_.Now();
  behind_ = false;
  return OkStatus();
}

StatusOr<std::string> HashOfRows(const Database& database, const store::Watermark& mark) {
  std::string rows;
  const Position position{mark.position()};
  const auto log = database.Get(Family::kLog, keys::Log(position));
  if (!log.ok()) return log.status();
  if (log->has_value() && mark.place_hash()) {
    const StatusOr<StoredMessage> stored = ParseLogRow(position, **log);
    if (!stored.ok()) return stored.status();
    rows += MakeLogRow(MakeStub(*stored, v1::REASON_UNSPECIFIED));
  } else {
    rows += log->value_or("");
  }
  const auto journal = database.Get(Family::kJournal, keys::Journal({mark.journal_number()}));
  if (!journal.ok()) return journal.status();
  if (journal->has_value() && mark.journal_place_hash()) {
    store::JournalRecord record;
    Status status = record::OpenInto(
        **journal, "journal record " + std::to_string(mark.journal_number()), record);
    if (!status.ok()) return status;
    rows += PlaceOf(record).SerializeAsString();
  } else {
    rows += journal->value_or("");
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(rows.data()), rows.size(), digest.data());
  return std::string(reinterpret_cast<const char*>(digest.data()), kHashBytes);
}

}  // namespace ackwire
