#include "store/recovery.h"

#include <rocksdb/iterator.h>

#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr std::size_t kFoldMessagesMax = 1000;

// Reads the log onward from a position.
class LogCursor {
 public:
  LogCursor(const Database& database, Position after)
      : last_(after),
        iterator_(database.NewIterator(Family::kLog, {keys::Log({after.value + 1}), {}},
                                       Database::Reading::kWalk)) {}

  // Adds messages up to `up_to` to the group, at most kFoldMessagesMax; false when there are no
  // more.
  StatusOr<bool> Fill(std::uint64_t up_to, CommittedGroup& group) {
    const Position before = last_;
    while (iterator_->Valid() && last_.value < up_to && group.messages.size() < kFoldMessagesMax) {
      const auto position = keys::ParseLog(iterator_->key().ToStringView());
      const Position expected{last_.value + 1};
      if (!position || *position != expected) {
        return Error(StatusCode::kDataLoss, "log: position " + std::to_string(expected.value) +
                                                " is missing; the last good one is " +
                                                std::to_string(last_.value));
      }
      StatusOr<StoredMessage> stored = ParseLogRow(expected, iterator_->value().ToStringView());
      if (!stored.ok()) return stored.status();
      // Of one that nobody knows what it was, there is nothing to fold.
      if (stored->channel.value != 0) group.messages.push_back(*std::move(stored));
      last_ = expected;
      iterator_->Next();
    }
    if (!iterator_->status().ok()) return FromRocks(iterator_->status(), "read the log");
    group.last = last_;
    return last_ != before;
  }

  [[nodiscard]] Position last() const { return last_; }

 private:
  Position last_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

using Apply = std::function<StatusOr<Fold>(const SharedGroup&)>;

StatusOr<Fold> ApplyMessages(LogCursor& log, std::uint64_t up_to, const Apply& apply) {
  for (;;) {
    auto group = std::make_shared<CommittedGroup>();
    const StatusOr<bool> more = log.Fill(up_to, *group);
    if (!more.ok()) return more.status();
    if (!*more) return Fold::kOn;
    const StatusOr<Fold> fold = apply(group);
    if (!fold.ok() || *fold == Fold::kEnough) return fold;
  }
}

}  // namespace

Status FoldFrom(const Database& database, FoldPoint from, const Apply& apply) {
  constexpr std::uint64_t kToTheEnd = ~0ULL;
  LogCursor log(database, from.position);
  JournalNumber last = from.number;
  const auto journal = database.NewIterator(Family::kJournal, {keys::Journal({last.value + 1}), {}},
                                            Database::Reading::kWalk);
  for (; journal->Valid(); journal->Next()) {
    const auto number = keys::ParseJournal(journal->key().ToStringView());
    const JournalNumber expected{last.value + 1};
    if (!number || *number != expected) {
      return Error(StatusCode::kDataLoss, "journal: record " + std::to_string(expected.value) +
                                              " is missing; the last good one is " +
                                              std::to_string(last.value));
    }
    auto group = std::make_shared<CommittedGroup>();
    Status status =
        record::OpenInto(journal->value().ToStringView(),
                         "journal record " + std::to_string(expected.value), group->record);
    if (!status.ok()) return status;
    StatusOr<Fold> fold = ApplyMessages(log, group->record.position(), apply);
    if (!fold.ok() || *fold == Fold::kEnough) return fold.status();
    if (log.last().value < group->record.position()) {
      return Error(StatusCode::kDataLoss,
                   "log: ends at position " + std::to_string(log.last().value) +
                       ", but journal record " + std::to_string(expected.value) +
                       " was written after position " + std::to_string(group->record.position()));
    }
    group->last = log.last();
    group->number = last = expected;
    fold = apply(group);
    if (!fold.ok() || *fold == Fold::kEnough) return fold.status();
  }
  if (!journal->status().ok()) return FromRocks(journal->status(), "read the journal");
  return ApplyMessages(log, kToTheEnd, apply).status();
}

}  // namespace ackwire
