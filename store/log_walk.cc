#include "store/log_walk.h"

#include <rocksdb/iterator.h>

#include <algorithm>
#include <utility>

#include "store/keys.h"
#include "store/record.h"
#include "store/stub.h"

namespace ackwire {
namespace {

constexpr std::size_t kWalkMessages = 1000;
constexpr std::uint64_t kToTheEnd = ~0ULL;

}  // namespace

LogWalk::LogWalk(const Database& database, Options options)
    : database_(database),
      options_(std::move(options)),
      log_(database.NewIterator(Family::kLog, {})),
      number_at_relay_(options_.relay.number) {}

Status LogWalk::Run() {
  if (options_.base.number.value != 0) {
    if (Status status = WalkToBase(); !status.ok()) return status;
  }
  // What lies before is left of a trimming.
  const auto row =
      database_.NewIterator(Family::kJournal, {keys::Journal({end_.number.value + 1}), {}});
  for (; row->Valid(); row->Next()) {
    const auto number = keys::ParseJournal(row->key().ToStringView());
    const std::uint64_t expected = end_.number.value + 1;
    if (!number) {
      Differ(Family::kJournal, "a key that is none", "a row", {});
      continue;
    }
    if (number->value != expected) {
      Differ(Family::kJournal, "record " + RangeText(expected, number->value - 1), {}, "a record");
    }
    end_.number = *number;
    Status status = WalkRecord(*number, row->value().ToStringView());
    if (!status.ok()) return status;
    if (!log_->status().ok()) break;  // every record behind it would seem to be too far
  }
  if (!row->status().ok()) {
    cut_off_ = true;
    Differ(Family::kJournal, "all after record " + Text(end_.number.value),
           "cannot be read: " + row->status().ToString(), "records");
  }
  Status status = WalkLog(kToTheEnd);
  if (status.ok()) status = FoldMessages();
  if (!cut_off_ && log_->status().ok()) CheckRemoved();
  if (!log_->status().ok()) {
    cut_off_ = true;
    Differ(Family::kLog, "all after position " + Text(end_.position.value),
           "cannot be read: " + log_->status().ToString(), "messages");
  }
  return status;
}

Status LogWalk::WalkToBase() {
  const std::uint64_t position = options_.base.position.value;
  if (Status status = WalkLog(position); !status.ok()) return status;
  if (end_.position.value < position && log_->status().ok()) {
    Differ(Family::kJournal, "the base", "made after position " + Text(position),
           "a log that goes so far; it ends at " + Text(end_.position.value));
  }
  if (Status status = FoldMessages(); !status.ok()) return status;
  end_.number = options_.base.number;
  // All before it was handed over.
  number_at_relay_ = std::max(number_at_relay_, end_.number);
  return intact_ ? options_.at_base() : OkStatus();
}

Status LogWalk::WalkRecord(JournalNumber number, std::string_view value) {
  const std::string key = "record " + Text(number.value);
  auto group = std::make_shared<CommittedGroup>();
  if (Status parsed = record::OpenInto(value, "damaged", group->record); !parsed.ok()) {
    Differ(Family::kJournal, key, MessageOf(parsed), "a record");
    return OkStatus();
  }
  ++records_;
  for (const store::Event& event : group->record.events()) {
    if (!event.has_removed()) continue;
    Channel& channel = channels_[{event.removed().channel()}];
    const SeqRuns removed = SeqRunsOf(event.removed().runs());
    for (const SeqRun& run : removed.runs()) channel.removed.Add(run);
  }
  Advance();
  const std::uint64_t position = group->record.position();
  if (options_.relay.number.value == 0 && position < options_.relay.last.value) {
    number_at_relay_ = number;
  }
  if (Status status = WalkLog(position); !status.ok()) return status;
  if (end_.position.value < position && log_->status().ok()) {
    Differ(Family::kJournal, key, "written after position " + Text(position),
           "a log that goes so far; it ends at " + Text(end_.position.value));
  }
  if (Status status = FoldMessages(); !status.ok()) return status;
  if (!intact_ || number > options_.fold_until.number) return OkStatus();
  group->last = end_.position;
  group->number = number;
  return options_.fold(group);
}

Status LogWalk::WalkLog(std::uint64_t up_to) {
  for (; log_->Valid() && end_.position.value < up_to; log_->Next()) {
    const auto position = keys::ParseLog(log_->key().ToStringView());
    const std::uint64_t expected = end_.position.value + 1;
    if (!position) {
      Differ(Family::kLog, "a key that is none", "a row", {});
      continue;
    }
    if (position->value != expected) {
      Differ(Family::kLog, "position " + RangeText(expected, position->value - 1), {}, "a message");
    }
    end_.position = *position;
    Advance();
    StatusOr<StoredMessage> stored = ParseLogRow(*position, log_->value().ToStringView());
    if (!stored.ok()) {
      Differ(Family::kLog, "position " + Text(position->value), MessageOf(stored.status()),
             "a message");
      continue;
    }
    if (!IsStub(*stored)) ++messages_;
    // Of one that is lost, as a recovery has recorded, and nobody knows what it was, only the place
    // counts.
    const bool is_place_only = stored->channel.value == 0;
    if (!is_place_only) CheckMessage(*stored);
    if (!intact_ || *position > options_.fold_until.position) continue;
    group_->last = *position;
    if (is_place_only) continue;
    group_->messages.push_back(*std::move(stored));
    if (group_->messages.size() < kWalkMessages) continue;
    if (Status status = FoldMessages(); !status.ok()) return status;
  }
  return OkStatus();
}

void LogWalk::CheckMessage(const StoredMessage& stored) {
  const v1::Message& message = stored.message;
  Channel& channel = channels_[stored.channel];
  if (channel.name.empty()) channel.name = message.channel();
  const std::string key = "position " + Text(message.position());
  if (message.channel() != channel.name || message.channel().empty()) {
    Differ(Family::kLog, key, "channel " + message.channel(), "channel " + channel.name);
  }
  const Seq expected{channel.last.value + 1};
  if (stored.seq() != expected) {
    Differ(Family::kLog, key, "seq " + Text(message.seq()) + " of channel " + channel.name,
           "seq " + Text(expected.value));
  }
  channel.last = std::max(channel.last, stored.seq());
  if (!IsStub(stored)) return;
  channel.stubs.Add({stored.seq(), stored.seq()});
  if (GoneFor(message) == v1::REASON_UNSPECIFIED) return;  // a recovery found it lost
  // What says that it was removed may be in the base.
  if (stored.position() <= options_.base.position) return;
  channel.removed_stubs.Add({stored.seq(), stored.seq()});
}

void LogWalk::CheckRemoved() {
  for (const auto& [id, channel] : channels_) {
    const auto differ = [&, name = channel.name](const SeqRuns& seqs, const std::string& stored,
                                                 const std::string& expected) {
      for (const SeqRun& run : seqs.runs()) {
        Differ(Family::kLog,
               "seq " + RangeText(run.first.value, run.last.value) + " of channel " + name, stored,
               expected);
      }
    };
    SeqRuns kept = channel.removed;
    for (const SeqRun& run : channel.stubs.runs()) (void)kept.Remove(run);
    SeqRuns unasked = channel.removed_stubs;
    for (const SeqRun& run : channel.removed.runs()) (void)unasked.Remove(run);
    differ(unasked, "a stub", "a message: nothing says that it was removed");
    differ(kept, "a message", "a stub: the journal says that it was removed");
  }
}

Status LogWalk::FoldMessages() {
  if (group_->last.value == 0) return OkStatus();  // nothing since the last
  const SharedGroup group = std::exchange(group_, std::make_shared<CommittedGroup>());
  return intact_ ? options_.fold(group) : OkStatus();
}

void LogWalk::Differ(Family family, const std::string& key, std::optional<std::string> stored,
                     std::optional<std::string> expected) {
  intact_ = false;
  options_.differs({ackwire::NameOf(family), key, std::move(stored), std::move(expected)});
}

void LogWalk::Advance() {
  if (options_.progress) options_.progress(end_.position.value + end_.number.value);
}

}  // namespace ackwire
