#include "store/failure_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr JournalNumber kBehindAll{std::numeric_limits<std::uint64_t>::max()};
constexpr std::size_t kNumbersAtOnce = 256;
// Of more channels that share a prefix than this, their lists are not read side by side.
constexpr std::size_t kListsMax = 64;

bool IsPrefix(const std::string& channel) { return channel.ends_with('*'); }

}  // namespace

bool ChannelFits(const std::string& name, const std::string& wanted) {
  if (!IsPrefix(wanted)) return name == wanted;
  return name.compare(0, wanted.size() - 1, wanted, 0, wanted.size() - 1) == 0;
}

StatusOr<FailureReader::Page> FailureReader::List(const FailureQuery& query,
                                                  const Part& part) const {
  const StatusOr<Records> records =
      part.within ? StatusOr<Records>(*part.within) : RecordsOf(query);
  if (!records.ok()) return records.status();
  const std::vector<std::string> lists = ListsFor(query);
  Filling filling{.query = query, .part = part};
  Page& page = filling.page;
  const bool forward = part.direction == Direction::kForward;
  JournalNumber at = forward ? records->first : records->last;
  if (part.from.value != 0) {
    const JournalNumber asked = part.from.number();
    at = forward ? std::max(at, asked) : std::min(at, asked);
  }
  while (records->first <= at && at <= records->last) {
    const auto numbers = Numbers(lists, at, part.direction);
    if (!numbers.ok()) return numbers.status();
    for (const JournalNumber number : *numbers) {
      if (number < records->first || number > records->last) return std::move(page);
      const FailureId begin = FailureId::Of(number, forward ? 0 : FailureId::kPlacesMax - 1);
      const bool full = filling.records++ == kRecordsLookedAtMax;
      const Status status = full ? OkStatus() : AddFrom(number, filling);
      if (full || (!status.ok() && !page.failures.empty())) page.next = begin;
      if (page.next.value != 0) return std::move(page);
      if (!status.ok()) return status;
    }
    if (numbers->size() < kNumbersAtOnce) break;
    at = {forward ? numbers->back().value + 1 : numbers->back().value - 1};
  }
  return std::move(page);
}

Status FailureReader::AddFrom(JournalNumber number, Filling& filling) const {
  const Part& part = filling.part;
  Page& page = filling.page;
  const bool forward = part.direction == Direction::kForward;
  const auto record = Record(number);
  if (!record.ok()) {
    const FailureId behind = forward ? FailureId::Of({number.value + 1}, 0)
                                     : FailureId{FailureId::Of(number, 0).value - 1};
    return Error(record.status().code(), MessageOf(record.status()) +
                                             "; what lies behind it begins with id " +
                                             std::to_string(behind.value));
  }
  if (!record->has_value()) return OkStatus();
  std::vector<Failure> failures = FailuresOf(number, **record);
  if (!forward) std::reverse(failures.begin(), failures.end());
  for (Failure& failure : failures) {
    const bool before = forward ? failure.id < part.from : failure.id > part.from;
    if (part.from.value != 0 && before) continue;
    const bool enough = filling.failures++ == kFailuresLookedAtMax;
    if (!enough && !Matches(failure, filling.query)) continue;
    if (enough || page.failures.size() == part.limit) {
      page.next = failure.id;
      return OkStatus();
    }
    page.failures.push_back(std::move(failure));
  }
  return OkStatus();
}

StatusOr<FailureReader::Records> FailureReader::RecordsOf(const FailureQuery& query) const {
  Records records{{1}, {kBehindAll.value - 1}};
  if (query.since) {
    const auto first = FirstSince(*query.since - kRecordedWithin);
    if (!first.ok()) return first.status();
    records.first = *first;
  }
  if (query.until) {
    const auto behind = FirstSince(*query.until + kRecordedWithin);
    if (!behind.ok()) return behind.status();
    records.last = {behind->value - 1};
  }
  return records;
}

std::vector<std::string> FailureReader::ListsFor(const FailureQuery& query) const {
  std::vector<std::string> lists;
  const bool one_channel = !query.channel.empty() && !IsPrefix(query.channel);
  const ChannelId channel = one_channel ? derived_.IdOf(query.channel) : ChannelId{};
  if (one_channel && channel.value == 0) return lists;  // nothing can have failed in it
  if (one_channel && query.seq.value != 0) {
    for (const SeqBlock& block : BlocksAround(query.seq, derived_.LastOf(channel))) {
      lists.push_back(keys::FailuresOfBlock(channel, block));
    }
  } else if (!query.client.empty()) {
    lists.push_back(keys::FailuresOfClient(query.client));
  } else if (one_channel) {
    lists.push_back(keys::FailuresOfChannel(channel));
  } else if (!query.reasons.empty()) {
    for (const int reason : query.reasons) lists.push_back(keys::FailuresOfReason(reason));
  } else if (!query.channel.empty()) {
    lists = ListsOfPrefix(query.channel);
    if (lists.size() > kListsMax) lists = {keys::FailuresOfAll()};
  } else {
    lists.push_back(keys::FailuresOfAll());
  }
  return lists;
}

std::vector<std::string> FailureReader::ListsOfPrefix(const std::string& prefix) const {
  return derived_.Read([&](const DerivedView& view) {
    std::vector<std::string> lists;
    // Channels are numbered without gaps.
    for (ChannelId id{1}; lists.size() <= kListsMax; ++id.value) {
      const ChannelInfo* info = view.channels.Get(id);
      if (info == nullptr) break;
      if (ChannelFits(info->name, prefix)) lists.push_back(keys::FailuresOfChannel(id));
    }
    return lists;
  });
}

StatusOr<std::vector<JournalNumber>> FailureReader::Numbers(const std::vector<std::string>& lists,
                                                            JournalNumber from,
                                                            Direction direction) const {
  const bool forward = direction == Direction::kForward;
  std::set<JournalNumber> found;
  for (const std::string& list : lists) {
    const Database::Range range =
        forward ? Database::Range{keys::Listed(list, from), keys::Listed(list, kBehindAll)}
                : Database::Range{keys::Listed(list, {}), keys::Listed(list, {from.value + 1})};
    const auto take = [&](std::string_view key) {
      const auto number = keys::ParseListed(list, key);
      if (number) found.insert(*number);
      return number.has_value();
    };
    const auto in_tails = derived_.TailKeys(Family::kFailures, range, kNumbersAtOnce, !forward);
    for (const std::string& key : in_tails) take(key);
    const auto row = database_.NewIterator(Family::kFailures, range);
    if (!forward) row->SeekToLast();
    for (std::size_t i = 0; i < kNumbersAtOnce && row->Valid(); ++i) {
      if (!take(row->key().ToStringView())) break;
      if (forward) {
        row->Next();
      } else {
        row->Prev();
      }
    }
    if (!row->status().ok()) return FromRocks(row->status(), "read the lists of failures");
  }
  std::vector<JournalNumber> numbers(found.begin(), found.end());
  if (!forward) std::reverse(numbers.begin(), numbers.end());
  numbers.resize(std::min(numbers.size(), kNumbersAtOnce));
  return numbers;
}

bool FailureReader::Matches(const Failure& failure, const FailureQuery& query) const {
  if (!query.client.empty() && failure.client != query.client) return false;
  if (!query.reasons.empty() && !query.reasons.contains(failure.reason)) return false;
  if (query.since && failure.at < *query.since) return false;
  if (query.until && failure.at >= *query.until) return false;
  if (query.seq.value != 0 && (query.seq < failure.seqs.first || query.seq > failure.seqs.last)) {
    return false;
  }
  if (!query.channel.empty()) {
    const bool fits = derived_.Read([&](const DerivedView& view) {
      const ChannelInfo* info = view.channels.Get(failure.channel);
      return info != nullptr && ChannelFits(info->name, query.channel);
    });
    if (!fits) return false;
  }
  return true;
}

// Records are in order of time as long as no start was given a clock that had been set back.
StatusOr<JournalNumber> FailureReader::FirstSince(Timestamp time) const {
  JournalNumber low{1};
  JournalNumber behind{derived_.last_number().value + 1};
  while (low < behind) {
    JournalNumber middle{low.value + (behind.value - low.value) / 2};
    const JournalNumber asked = middle;
    // One that is damaged says nothing: the next that does stands for it.
    auto record = Record(middle);
    while (record.status().code() == StatusCode::kDataLoss && middle.value + 1 < behind.value) {
      record = Record({++middle.value});
    }
    if (record.status().code() == StatusCode::kDataLoss) {
      behind = asked;
      continue;
    }
    if (!record.ok()) return record.status();
    if (!record->has_value() || FromUnixMs((*record)->at_ms()) < time) {
      low = {middle.value + 1};
    } else {
      behind = asked;
    }
  }
  return low;
}

StatusOr<std::optional<store::JournalRecord>> FailureReader::Record(JournalNumber number) const {
  const auto value = database_.Get(Family::kJournal, keys::Journal(number));
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::optional<store::JournalRecord>();
  store::JournalRecord record;
  const Status status =
      record::OpenInto(**value, "journal record " + std::to_string(number.value), record);
  if (!status.ok()) return database_.damage().Noted(status);
  return std::optional<store::JournalRecord>(std::move(record));
}

}  // namespace ackwire
