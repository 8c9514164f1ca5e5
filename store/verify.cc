#include "store/verify.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "store/base.h"
#include "store/database.h"
#include "store/family_facts.h"
#include "store/forgetter.h"
#include "store/forgotten_rows.h"
#include "store/keys.h"
#include "store/log_walk.h"
#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/refold.h"
#include "store/row_sums.h"
#include "store/scratch_database.h"
#include "store/startup_check.h"
#include "store/stub.h"
#include "store/watermark.h"

namespace ackwire {
namespace {

constexpr std::array kDerivedFamilies = {Family::kIndex,    Family::kIds,     Family::kChannels,
                                         Family::kLedger,   Family::kMembers, Family::kParked,
                                         Family::kFailures, Family::kHistory, Family::kReplays};

class Verifier {
 public:
  Verifier(const DataDirectory& directory, const Database& stored, const VerifyOptions& options)
      : directory_(directory), stored_(stored), options_(options) {}

  StatusOr<VerifyReport> Run() {
    if (Status status = CheckFiles(); !status.ok()) return status;
    if (Status status = CheckWatermark(); !status.ok()) return status;
    auto scratch = ScratchDatabase::Make(options_.scratch);
    if (!scratch.ok()) return scratch.status();
    Refold refold((*scratch)->database());
    if (Status status = WalkAndFold((*scratch)->database(), refold); !status.ok()) return status;
    if (report_.read_to_end) {
      if (Status status = CheckOutbox(); !status.ok()) return status;
    }
    if (report_.derived_compared) {
      const Status status = CompareDerived((*scratch)->database(), refold.derived());
      if (!status.ok()) return status;
    }
    return report_;
  }

 private:
  void Differ(Difference difference) {
    ++report_.differences;
    options_.differs(difference);
  }

  void Progress(const std::string& stage, std::uint64_t done, std::uint64_t total) const {
    if (options_.progress) options_.progress(stage, done, total);
  }

  Status CheckFiles() {
    std::vector<rocksdb::LiveFileMetaData> files;
    stored_.rocks().GetLiveFilesMetaData(&files);
    rocksdb::Options options;
    options.env = &directory_.env();
    std::uint64_t done = 0;
    for (const rocksdb::LiveFileMetaData& file : files) {
      rocksdb::SstFileReader reader(options);
      rocksdb::Status status = reader.Open(file.db_path + file.name);
      if (status.ok()) status = reader.VerifyChecksum();
      if (!status.ok()) {
        Differ({"file", file.db_path + file.name + " of family " + file.column_family_name,
                status.ToString(), "blocks whose checksums are right"});
      }
      Progress("files", ++done, files.size());
    }
    return OkStatus();
  }

  Status CheckWatermark() {
    const auto mark = Watermark::Read(directory_);
    if (!mark.ok()) {
      Differ({"watermark", "", MessageOf(mark.status()), "a mark"});
      return OkStatus();
    }
    if (!mark->has_value()) {
      Differ({"watermark", "", {}, "a mark that says how far the log was on disk"});
      return OkStatus();
    }
    const store::Watermark& said = **mark;
    if (const Status list = CheckListOfFiles(directory_, said); !list.ok()) {
      Differ({"file", "RocksDB's list of its files", MessageOf(list), "as long as it was"});
    }
    const StatusOr<std::string> hash = HashOfRows(stored_, said);
    if (!hash.ok()) return OkStatus();  // the walk describes what cannot be read
    if (*hash != said.hash()) {
      Differ({"watermark", "hash", "another",
              "that of the rows at position " + Text(said.position()) + " and journal record " +
                  Text(said.journal_number())});
    }
    mark_ = said;
    return OkStatus();
  }

  // The log is read once; what is found whole is folded on the way.
  Status WalkAndFold(Database& scratch, Refold& refold) {
    const auto value = stored_.Get(Family::kMeta, meta::kDerived);
    if (!value.ok()) return value.status();
    if (value->has_value()) {
      Status status = record::OpenInto(**value, "damaged", checkpoint_);
      if (!status.ok()) {
        Differ({"meta", "checkpoint of the derived families", MessageOf(status), "a checkpoint"});
      }
    }
    const StatusOr<OutboxPoint> relay = LoadRelayCheckpoint(stored_);
    if (!relay.ok()) Differ({"meta", "the relay's checkpoint", "damaged", "a checkpoint"});
    relay_ = relay.ok() ? *relay : OutboxPoint{};
    const FoldPoint until{{checkpoint_.position()}, {checkpoint_.journal_number()}};
    StatusOr<std::vector<ForgottenClient>> forgotten = Forgetter::Read(stored_);
    if (!forgotten.ok()) return forgotten.status();
    forgotten_ = ForgottenRows(*std::move(forgotten), until.number);
    ReadBase(until);
    const std::uint64_t total = mark_.position() + mark_.journal_number();
    LogWalk walk(
        stored_,
        {.fold_until = until,
         .base = base_,
         .at_base = [&] { return InstallBase(scratch, refold); },
         .relay = relay_,
         .differs = [this](const Difference& found) { Differ(found); },
         .fold = [&](const SharedGroup& group) { return refold.Apply(forgotten_.Erased(group)); },
         .progress = [&](std::uint64_t rows) { Progress("log", rows, std::max(rows, total)); }});
    if (Status status = walk.Run(); !status.ok()) return status;
    end_ = walk.end();
    number_at_relay_ = walk.number_at_relay();
    report_.messages = walk.messages();
    report_.journal_records = walk.records();
    report_.read_to_end = !walk.cut_off();
    if (report_.read_to_end) CheckEnds();
    const bool reached = end_.position >= until.position && end_.number >= until.number;
    report_.derived_compared = walk.intact() && reached && base_is_whole_;
    return refold.Finish();
  }

  // Without one all is folded from the first record on, which then must be there.
  void ReadBase(const FoldPoint& until) {
    const StatusOr<FoldPoint> base = BasePoint(stored_);
    if (!base.ok()) {
      Differ({"base_meta", "the base's checkpoint", MessageOf(base.status()), "a checkpoint"});
      return;
    }
    base_ = *base;
    if (base_.position <= until.position && base_.number <= until.number) return;
    Differ(
        {"base_meta", "the base's checkpoint",
         "position " + Text(base_.position.value) + ", journal record " + Text(base_.number.value),
         "no further than that of the derived families"});
    base_ = {};
  }

  // The base takes the place of what is folded from the log alone, with which it must agree.
  Status InstallBase(Database& scratch, Refold& refold) {
    if (Status status = refold.Finish(); !status.ok()) return status;
    const std::vector<ChannelInfo> of_log = refold.derived().Read([](const DerivedView& view) {
      return view.channels.List({.limit = view.channels.size()});
    });
    if (Status status = TakeBase(scratch, refold); !status.ok()) {
      if (status.code() != StatusCode::kDataLoss) return status;
      Differ({"base", "", MessageOf(status), "rows that are whole and of one moment"});
      base_is_whole_ = false;
      return OkStatus();
    }
    for (const ChannelInfo& channel : of_log) {
      const Seq last = refold.derived().LastOf(refold.derived().IdOf(channel.name));
      if (last == channel.last) continue;
      Differ({"base_channels", "channel " + channel.name, "last seq " + Text(last.value),
              "last seq " + Text(channel.last.value)});
    }
    return OkStatus();
  }

  //   kDataLoss  a row of the base is damaged or missing, or they are of different moments
  Status TakeBase(Database& scratch, Refold& refold) const {
    if (Status status = CopyBase(*stored_.Base(), scratch); !status.ok()) return status;
    if (Status status = CheckRowSums(scratch); !status.ok()) return status;
    for (const ForgottenClient& forgotten : forgotten_.clients()) {
      rocksdb::WriteBatch batch;
      Status status = EraseFromBase(scratch, forgotten, batch);
      if (status.ok()) status = scratch.Write(batch, Sync::kNo);
      if (!status.ok()) return status;
    }
    return refold.Load();
  }

  // Nobody says of a log's end that it is one, but for what was written after it.
  void CheckEnds() {
    const auto check = [this](const std::string& who, const FoldPoint& said) {
      if (said.position > end_.position) {
        Differ({"log",
                "position " + RangeText(end_.position.value + 1, said.position.value),
                {},
                "messages, for " + who + " says so"});
      }
      if (said.number > end_.number) {
        Differ({"journal",
                "record " + RangeText(end_.number.value + 1, said.number.value),
                {},
                "records, for " + who + " says so"});
      }
    };
    check("the watermark", {{mark_.position()}, {mark_.journal_number()}});
    check("the checkpoint of the derived families",
          {{checkpoint_.position()}, {checkpoint_.journal_number()}});
    check("the relay's checkpoint", {relay_.last, relay_.number});
  }

  Status CheckOutbox() {
    FoldPoint last{relay_.last, number_at_relay_};
    const auto row = stored_.NewIterator(Family::kOutbox, {});
    for (; row->Valid(); row->Next()) {
      const auto point = ParseOutboxKey(row->key().ToStringView());
      store::OutboxRow parsed;
      const Status status = record::OpenInto(row->value().ToStringView(), "damaged", parsed);
      if (!point || !status.ok()) {
        Differ({"outbox", "the row after position " + Text(last.position.value),
                point ? MessageOf(status) : "under a key that is none", "what a commit contains"});
        if (!point) continue;
      }
      const std::string key =
          "position " + Text(point->last.value) + ", journal record " + Text(point->number.value);
      if (*point <= relay_) {
        Differ({"outbox", key, "a row", {}});
        continue;
      }
      if (status.ok()) CheckOutboxRow(key, *point, parsed, last);
      last.position = point->last;
      if (point->number.value != 0) last.number = point->number;
    }
    if (!row->status().ok()) {
      Differ({"outbox", "all after position " + Text(last.position.value),
              "cannot be read: " + row->status().ToString(), "rows"});
    } else if (last.position < end_.position || last.number < end_.number) {
      Differ({"outbox",
              "after position " + Text(last.position.value) + " and journal record " +
                  Text(last.number.value),
              {},
              "rows up to position " + Text(end_.position.value) + " and journal record " +
                  Text(end_.number.value)});
    }
    return OkStatus();
  }

  void CheckOutboxRow(const std::string& key, OutboxPoint point, const store::OutboxRow& row,
                      const FoldPoint& last) {
    const bool brings_messages = row.first_position() != 0;
    const std::uint64_t first = brings_messages ? row.first_position() : point.last.value + 1;
    const bool whole = row.last_position() == point.last.value &&
                       row.journal_number() == point.number.value && first <= point.last.value + 1;
    if (!whole || point.last > end_.position || point.number > end_.number) {
      Differ({"outbox", key, row.ShortDebugString(),
              "a commit of this log, which ends at position " + Text(end_.position.value) +
                  " and journal record " + Text(end_.number.value)});
      return;
    }
    if (first > last.position.value + 1) {
      Differ({"outbox",
              "position " + RangeText(last.position.value + 1, first - 1),
              {},
              "a row that brings it"});
    }
    if (first <= last.position.value) {
      Differ({"outbox", key, "brings position " + Text(first),
              "position " + Text(last.position.value + 1) + ", the next"});
    }
    if (point.number.value > last.number.value + 1) {
      Differ({"outbox",
              "journal record " + RangeText(last.number.value + 1, point.number.value - 1),
              {},
              "a row that brings it"});
    }
  }

  Status CompareDerived(const Database& expected, const Derived& derived) {
    const ChannelNamer name_of = [&](ChannelId id) {
      return derived.Read([&](const DerivedView& view) {
        const ChannelInfo* info = view.channels.Get(id);
        return info == nullptr ? "number " + Text(id.value) : info->name;
      });
    };
    for (const Family family : kDerivedFamilies) {
      if (Status status = CompareFamily(family, expected, name_of); !status.ok()) return status;
    }
    const auto totals = expected.Get(Family::kMeta, meta::kDerived);
    if (!totals.ok()) return totals.status();
    store::DerivedCheckpoint folded;
    if (totals->has_value()) {
      if (Status status = record::OpenInto(**totals, "scratch", folded); !status.ok()) {
        return status;
      }
    }
    if (folded.SerializeAsString() != checkpoint_.SerializeAsString()) {
      Differ({"meta", "checkpoint of the derived families",
              "{" + checkpoint_.ShortDebugString() + "}", "{" + folded.ShortDebugString() + "}"});
    }
    return OkStatus();
  }

  Status CompareFamily(Family family, const Database& expected, const ChannelNamer& name_of) {
    const bool no_lists = family == Family::kFailures && directory_.version() == 1;
    const std::string from = no_lists ? keys::FailuresEnd() : "";
    FamilyFacts left(stored_, family, from);
    FamilyFacts right(expected, family, from);
    const std::uint64_t rows_before = report_.derived_rows;
    std::uint64_t estimate = 0;
    if (stored_.handle(family) != nullptr) {
      stored_.rocks().GetIntProperty(stored_.handle(family), "rocksdb.estimate-num-keys",
                                     &estimate);
    }
    while (left.Valid() || right.Valid()) {
      const int order = !left.Valid() ? 1 : !right.Valid() ? -1 : left.key().compare(right.key());
      const std::string key(order <= 0 ? left.key() : right.key());
      std::optional<std::string> found;
      std::optional<std::string> wanted;
      if (order <= 0) found = left.value();
      if (order >= 0) wanted = right.value();
      const bool goes =
          found && !wanted &&
          (forgotten_.Has(family, key, *found) || ListedUpTo(base_.number, family, key, *found));
      if (found != wanted && !goes && !IsLeftOver(family, found, wanted)) {
        const auto readable = [&](const std::optional<std::string>& value) {
          return value ? std::optional(ReadableValue(family, key, *value)) : std::nullopt;
        };
        Differ(
            {NameOf(family), ReadableKey(family, key, name_of), readable(found), readable(wanted)});
      }
      if (order <= 0) left.Next();
      if (order >= 0) right.Next();
      if (found) ++report_.derived_rows;
      const std::uint64_t done = report_.derived_rows - rows_before;
      Progress(NameOf(family), done, std::max(done, estimate));
    }
    if (!left.status().ok()) {
      Differ(
          {NameOf(family), "from here on", "cannot be read: " + left.status().ToString(), "rows"});
    }
    return FromRocks(right.status(), "read the scratch database");
  }

  // The row of an id may outlive its message: it was in memory when that was removed.
  bool IsLeftOver(Family family, const std::optional<std::string>& found,
                  const std::optional<std::string>& wanted) const {
    if (family != Family::kIds || !found || wanted) return false;
    const Position position{keys::ParseU64(*found).value_or(0)};
    const auto row = stored_.Get(Family::kLog, keys::Log(position));
    if (!row.ok() || !row->has_value()) return false;
    const StatusOr<StoredMessage> stored = ParseLogRow(position, **row);
    return stored.ok() && IsStub(*stored) && GoneFor(stored->message) != v1::REASON_UNSPECIFIED;
  }

  const DataDirectory& directory_;
  const Database& stored_;
  const VerifyOptions& options_;
  VerifyReport report_;
  store::Watermark mark_;
  store::DerivedCheckpoint checkpoint_;
  OutboxPoint relay_;
  FoldPoint base_;
  bool base_is_whole_ = true;
  JournalNumber number_at_relay_;
  FoldPoint end_;
  ForgottenRows forgotten_{{}, {}};
};

}  // namespace

StatusOr<VerifyReport> Verify(const DataDirectory& directory, const VerifyOptions& options) {
  const StatusOr<std::unique_ptr<Database>> stored = Database::OpenReadOnly(directory);
  if (!stored.ok()) return stored.status();
  return Verifier(directory, **stored, options).Run();
}

}  // namespace ackwire
