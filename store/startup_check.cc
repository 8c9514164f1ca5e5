#include "store/startup_check.h"

#include <rocksdb/env.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "store/channel_rows.h"
#include "store/database.h"
#include "store/difference.h"
#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/records.pb.h"
#include "store/replay_rows.h"
#include "store/watermark.h"

namespace ackwire {
namespace {

Status Lost(const std::string& what) { return Error(StatusCode::kDataLoss, what); }

// Both ends of the log.
struct End {
  Position position;
  JournalNumber number;
};

// Looks at one data directory that holds a database.
class Checker {
 public:
  Checker(const DataDirectory& directory, const Database& database, std::string boot_id)
      : directory_(directory), database_(database), boot_id_(std::move(boot_id)) {}

  StatusOr<StartupCheck> Run() {
    if (Status status = ReadEnd(); !status.ok()) return status;
    StatusOr<StartupCheck> found = CompareWithWatermark();
    if (!found.ok()) return found;
    for (const auto check : {&Checker::CheckCheckpoints, &Checker::CheckLog, &Checker::CheckJournal,
                             &Checker::CheckOutbox, &Checker::CheckResident}) {
      if (Status status = (this->*check)(); !status.ok()) return status;
    }
    return found;
  }

 private:
  Status ReadEnd() {
    const StatusOr<Position> position = database_.LastPosition();
    if (!position.ok()) return position.status();
    const StatusOr<JournalNumber> number = database_.LastNumber();
    if (!number.ok()) return number.status();
    end_ = {*position, *number};
    return OkStatus();
  }

  StatusOr<StartupCheck> CompareWithWatermark() {
    const auto mark = Watermark::Read(directory_);
    if (!mark.ok()) return mark.status();
    if (!mark->has_value()) {
      // A server that got no further than making the database has answered nothing yet.
      if (end_.position.value == 0 && end_.number.value == 0) return StartupCheck{};
      return Lost(
          directory_.watermark_path() +
          " is missing: without it nobody can tell whether the log, which ends at position " +
          Text(end_.position.value) + ", lost its tail");
    }
    if (Status status = CheckList(**mark); !status.ok()) return status;
    const StartupCheck found{.power_cut = (*mark)->buffered() && !(*mark)->clean() &&
                                          (*mark)->boot_id() != boot_id_};
    // A power cut takes the end, and nothing else: whatever else is wrong is damage.
    if (found.power_cut && EndsBefore(**mark)) return found;
    Status status = Compare(**mark);
    if (!status.ok()) return status;
    return found;
  }

  // As CheckListOfFiles below; it says as well how far the log goes.
  Status CheckList(const store::Watermark& mark) const {
    Status status = CheckListOfFiles(directory_, mark);
    if (status.code() != StatusCode::kDataLoss) return status;
    return Lost(MessageOf(status) + EndOfLog());
  }

  std::string EndOfLog() const {
    return "; by what is left, the last good position is " + Text(end_.position.value) +
           ", the last good record " + Text(end_.number.value);
  }

  bool EndsBefore(const store::Watermark& mark) const {
    return end_.position.value < mark.position() || end_.number.value < mark.journal_number();
  }

  Status Compare(const store::Watermark& mark) {
    if (end_.position.value < mark.position()) {
      return Lost(
          "log: positions " + RangeText(end_.position.value + 1, mark.position()) +
          " are missing: they were on disk, says the watermark; the last good position is " +
          Text(end_.position.value));
    }
    if (end_.number.value < mark.journal_number()) {
      return Lost("journal: records " + RangeText(end_.number.value + 1, mark.journal_number()) +
                  " are missing: they were on disk, says the watermark; the last good record is " +
                  Text(end_.number.value) + ", the last good position " +
                  Text(end_.position.value));
    }
    const StatusOr<std::string> hash = HashOfRows(database_, mark);
    if (!hash.ok()) return hash.status();
    if (*hash == mark.hash()) return OkStatus();
    return Lost("log position " + Text(mark.position()) + " or journal record " +
                Text(mark.journal_number()) +
                " is not what was on disk there, says the watermark: this is another log");
  }

  // What is derived or handed over cannot be ahead of the log.
  Status CheckCheckpoints() {
    const auto derived = database_.Get(Family::kMeta, meta::kDerived);
    if (!derived.ok()) return derived.status();
    store::DerivedCheckpoint checkpoint;
    if (derived->has_value()) {
      Status status =
          record::OpenInto(**derived, "meta: checkpoint of the derived families", checkpoint);
      if (!status.ok()) return status;
    }
    derived_ = {{checkpoint.position()}, {checkpoint.journal_number()}};
    const StatusOr<OutboxPoint> relay = LoadRelayCheckpoint(database_);
    if (!relay.ok()) return relay.status();
    relay_ = *relay;
    const Position position = std::max(derived_.position, relay_.last);
    const JournalNumber number = std::max(derived_.number, relay_.number);
    if (position > end_.position) {
      return Lost("log: positions " + RangeText(end_.position.value + 1, position.value) +
                  " are missing: a checkpoint was made after them; the last good position is " +
                  Text(end_.position.value));
    }
    if (number > end_.number) {
      return Lost("journal: records " + RangeText(end_.number.value + 1, number.value) +
                  " are missing: a checkpoint was made after them; the last good record is " +
                  Text(end_.number.value));
    }
    if (database_.epoch().empty() && end_.position.value != 0) {
      return Lost("meta: the log's epoch is missing");
    }
    return OkStatus();
  }

  // Calls `look` for each row of a family whose key is a number, beyond `after`, which must be
  // dense and whole.
  template <typename Look>
  Status CheckDense(Family family, const std::string& row_name, std::uint64_t after, Look look) {
    std::uint64_t last = after;
    const auto row = database_.NewIterator(family, {keys::U64(after + 1), {}});
    for (; row->Valid(); row->Next()) {
      const std::uint64_t found = keys::ParseU64(row->key().ToStringView()).value_or(0);
      const std::string what = row_name + " " + Text(last + 1);
      if (found != last + 1) {
        return Lost(what + " is missing, and so is all up to " + Text(found) +
                    "; the last good one is " + Text(last));
      }
      const StatusOr<std::string_view> body = record::Open(row->value().ToStringView(), what);
      if (!body.ok()) return body.status();
      if (Status status = look(what, *body); !status.ok()) return status;
      last = found;
    }
    return FromRocks(row->status(), row_name + " " + Text(last + 1) +
                                        " cannot be read; the last good one is " + Text(last));
  }

  Status CheckLog() {
    return CheckDense(Family::kLog, "log: position", derived_.position.value,
                      [](const std::string&, std::string_view) { return OkStatus(); });
  }

  Status CheckJournal() {
    return CheckDense(Family::kJournal, "journal: record", derived_.number.value,
                      [this](const std::string& what, std::string_view body) {
                        store::JournalRecord record;
                        if (!record.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
                          return Lost(what + " is not a record");
                        }
                        if (record.position() <= end_.position.value) return OkStatus();
                        return Lost("log: positions " +
                                    RangeText(end_.position.value + 1, record.position()) +
                                    " are missing: " + what +
                                    " was written after them; the last good position is " +
                                    Text(end_.position.value));
                      });
  }

  // Every commit that the relay has yet to hand over is in the outbox.
  Status CheckOutbox() {
    Position last = relay_.last;
    // Of a commit without a record the checkpoint does not tell which the last record was.
    bool known = relay_.number.value != 0 || relay_.last.value == 0;
    JournalNumber number = relay_.number;
    const auto row = database_.NewIterator(Family::kOutbox, {OutboxKeyAfter(relay_), {}});
    for (; row->Valid(); row->Next()) {
      const std::string what = "outbox: the row after position " + Text(last.value);
      const auto point = ParseOutboxKey(row->key().ToStringView());
      store::OutboxRow parsed;
      Status status = record::OpenInto(row->value().ToStringView(), what, parsed);
      if (!status.ok()) return status;
      const std::uint64_t first = parsed.first_position();
      const bool in_order =
          point && (first == 0 ? point->last == last : first == last.value + 1) &&
          (point->number.value == 0 || !known || point->number.value == number.value + 1);
      if (!in_order) return Lost(what + " is missing");
      last = point->last;
      known = known || point->number.value != 0;
      if (point->number.value != 0) number = point->number;
    }
    if (!known) number = end_.number;
    if (!row->status().ok()) return FromRocks(row->status(), "read the outbox");
    if (last == end_.position && number == end_.number) return OkStatus();
    return Lost("outbox: ends at position " + Text(last.value) + " and journal record " +
                Text(number.value) + ", the log at " + Text(end_.position.value) + " and " +
                Text(end_.number.value));
  }

  // A start reads them all, and would find what is wrong with them too late.
  Status CheckResident() {
    const StatusOr<std::vector<ChannelInfo>> channels = ReadChannels(database_);
    if (!channels.ok()) return channels.status();
    if (Status status = CheckNamed(*channels); !status.ok()) return status;
    return ReadReplays(database_).status();
  }

  const DataDirectory& directory_;
  const Database& database_;
  const std::string boot_id_;
  End end_;
  End derived_;
  OutboxPoint relay_;
};

// Without CURRENT, or without one of the families, there is no database, or no longer. A first
// start that was cut off has made no mark: the database comes before.
Status CheckNothingIsThere(const DataDirectory& directory, const std::string& missing) {
  const auto mark = Watermark::Read(directory);
  if (!mark.ok() && mark.status().code() != StatusCode::kDataLoss) return mark.status();
  if (!mark.ok() || mark->has_value()) {
    return Lost(missing + ", but the watermark says that there was a log" +
                (mark.ok() ? " up to position " + Text((*mark)->position()) : ""));
  }
  std::vector<std::string> files;
  const rocksdb::Status listed = directory.env().GetChildren(directory.database_path(), &files);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return OkStatus();
  if (!listed.ok()) return FromRocks(listed, "list " + directory.database_path());
  const auto table = std::find_if(files.begin(), files.end(),
                                  [](const std::string& file) { return file.ends_with(".sst"); });
  return table == files.end() ? OkStatus() : Lost(missing + ", but there is " + *table);
}

// Of a database that cannot be opened only the watermark tells how far the log went.
Status WithLastMark(const DataDirectory& directory, const Status& refused) {
  if (refused.code() != StatusCode::kDataLoss) return refused;
  const auto mark = Watermark::Read(directory);
  if (!mark.ok() || !mark->has_value()) return refused;
  return Lost(MessageOf(refused) + "; the last good position, says the watermark, is " +
              Text((*mark)->position()) + ", the last good record " +
              Text((*mark)->journal_number()));
}

}  // namespace

StatusOr<StartupCheck> CheckDirectory(const DataDirectory& directory, const std::string& boot_id) {
  const StatusOr<std::unique_ptr<Database>> database = Database::OpenReadOnly(directory);
  if (database.status().code() == StatusCode::kNotFound) {
    Status status = CheckNothingIsThere(directory, MessageOf(database.status()));
    if (!status.ok()) return status;
    return StartupCheck{};
  }
  if (!database.ok()) return WithLastMark(directory, database.status());
  return Checker(directory, **database, boot_id).Run();
}

Status CheckListOfFiles(const DataDirectory& directory, const store::Watermark& mark) {
  const std::string path = directory.database_path() + "/";
  std::string name;
  rocksdb::Env& env = directory.env();
  rocksdb::Status status = rocksdb::ReadFileToString(&env, path + "CURRENT", &name);
  if (!status.ok()) return FromRocks(status, "read " + path + "CURRENT");
  name = name.substr(0, name.find('\n'));
  const std::uint64_t number = Database::FileList::NumberOf(name);
  if (number > mark.manifest_number()) return OkStatus();
  const std::string then = Database::FileList::NameOf(mark.manifest_number());
  if (number < mark.manifest_number()) {
    return Lost(path + "CURRENT names " + name + ", an older list of RocksDB's files than " + then +
                ", which was there, says the watermark");
  }
  std::uint64_t bytes = 0;
  status = env.GetFileSize(path + name, &bytes);
  if (!status.ok()) return FromRocks(status, "read " + path + name);
  if (bytes >= mark.manifest_bytes()) return OkStatus();
  return Lost(path + name + ": bytes " + RangeText(bytes, mark.manifest_bytes() - 1) +
              " are missing: they were on disk, says the watermark, and listed RocksDB's files");
}

}  // namespace ackwire
