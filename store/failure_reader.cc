#include "store/failure_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>
#include <limits>

#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr JournalNumber kBehindAll{std::numeric_limits<std::uint64_t>::max()};
constexpr std::size_t kNumbersAtOnce = 256;

// An event is on record so long after it happened at the latest: its journal waits for a flush and
// the writer.
constexpr Duration kRecordedWithin = std::chrono::minutes(1);

bool IsPrefix(const std::string& channel) { return channel.ends_with('*'); }

}  // namespace

StatusOr<FailureReader::Page> FailureReader::List(const FailureQuery& query,
                                                  const Part& part) const {
  Page page;
  ChannelId channel;
  if (!query.channel.empty() && !IsPrefix(query.channel)) {
    channel = derived_.IdOf(query.channel);
    if (channel.value == 0) return page;
  }
  const StatusOr<Plan> plan = PlanFor(query, channel);
  if (!plan.ok()) return plan.status();
  const bool forward = part.direction == Direction::kForward;
  JournalNumber at = forward ? plan->first : plan->last;
  if (part.from.value != 0) {
    const JournalNumber asked = part.from.number();
    at = forward ? std::max(at, asked) : std::min(at, asked);
  }
  for (std::size_t looked_at = 0; plan->first <= at && at <= plan->last;) {
    const auto numbers = Numbers(*plan, at, part.direction);
    if (!numbers.ok()) return numbers.status();
    for (const JournalNumber number : *numbers) {
      if (number < plan->first || number > plan->last) return page;
      if (looked_at++ == kRecordsLookedAtMax) {
        page.next = FailureId::Of(number, forward ? 0 : FailureId::kPlacesMax - 1);
        return page;
      }
      if (Status status = AddFrom(number, query, part, page); !status.ok()) return status;
      if (page.next.value != 0) return page;
    }
    if (numbers->size() < kNumbersAtOnce) break;
    at = {forward ? numbers->back().value + 1 : numbers->back().value - 1};
  }
  return page;
}

Status FailureReader::AddFrom(JournalNumber number, const FailureQuery& query, const Part& part,
                              Page& page) const {
  const auto record = Record(number);
  if (!record.ok()) return record.status();
  if (!record->has_value()) return OkStatus();
  std::vector<Failure> failures = FailuresOf(number, **record);
  const bool forward = part.direction == Direction::kForward;
  if (!forward) std::reverse(failures.begin(), failures.end());
  for (Failure& failure : failures) {
    const bool before = forward ? failure.id < part.from : failure.id > part.from;
    if (part.from.value != 0 && before) continue;
    const StatusOr<bool> matches = Matches(failure, query);
    if (!matches.ok()) return matches.status();
    if (!*matches) continue;
    if (page.failures.size() == part.limit) {
      page.next = failure.id;
      return OkStatus();
    }
    page.failures.push_back(std::move(failure));
  }
  return OkStatus();
}

StatusOr<FailureReader::Plan> FailureReader::PlanFor(const FailureQuery& query,
                                                     ChannelId channel) const {
  Plan plan;
  if (channel.value != 0 && query.seq.value != 0) {
    auto few = NumbersOf(channel, query.seq);
    if (!few.ok()) return few.status();
    plan.few = *std::move(few);
  } else if (!query.client.empty()) {
    plan.list = keys::FailuresOfClient(query.client);
  } else if (channel.value != 0) {
    plan.list = keys::FailuresOfChannel(channel);
  } else if (query.reasons.size() == 1) {
    plan.list = keys::FailuresOfReason(*query.reasons.begin());
  } else {
    plan.list = keys::FailuresOfAll();
  }
  plan.first = {1};
  plan.last = {kBehindAll.value - 1};
  if (query.since) {
    const auto first = FirstSince(*query.since);
    if (!first.ok()) return first.status();
    plan.first = *first;
  }
  if (query.until) {
    const auto behind = FirstSince(*query.until + kRecordedWithin);
    if (!behind.ok()) return behind.status();
    plan.last = {behind->value - 1};
  }
  return plan;
}

StatusOr<std::vector<JournalNumber>> FailureReader::Numbers(const Plan& plan, JournalNumber from,
                                                            Direction direction) const {
  const bool forward = direction == Direction::kForward;
  std::set<JournalNumber> found;
  if (plan.few) {
    const auto at = forward ? plan.few->lower_bound(from) : plan.few->upper_bound(from);
    found.insert(forward ? at : plan.few->begin(), forward ? plan.few->end() : at);
  } else {
    const Database::Range range =
        forward
            ? Database::Range{keys::Listed(plan.list, from), keys::Listed(plan.list, kBehindAll)}
            : Database::Range{keys::Listed(plan.list, {}),
                              keys::Listed(plan.list, {from.value + 1})};
    for (const auto& [key, value] : derived_.TailRows(Family::kFailures, range)) {
      if (const auto number = keys::ParseListed(plan.list, key)) found.insert(*number);
    }
    const auto row = database_.NewIterator(Family::kFailures, range);
    if (!forward) row->SeekToLast();
    for (std::size_t i = 0; i < kNumbersAtOnce && row->Valid(); ++i) {
      const auto number = keys::ParseListed(plan.list, row->key().ToStringView());
      if (!number) break;
      found.insert(*number);
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

StatusOr<bool> FailureReader::Matches(const Failure& failure, const FailureQuery& query) const {
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
      if (info == nullptr) return false;
      if (!IsPrefix(query.channel)) return info->name == query.channel;
      return info->name.compare(0, query.channel.size() - 1, query.channel, 0,
                                query.channel.size() - 1) == 0;
    });
    if (!fits) return false;
  }
  return query.passes == nullptr ? StatusOr<bool>(true) : query.passes(failure);
}

StatusOr<JournalNumber> FailureReader::FirstSince(Timestamp time) const {
  JournalNumber low{1};
  JournalNumber behind = derived_.Read(
      [](const DerivedView& view) { return JournalNumber{view.last_number.value + 1}; });
  while (low < behind) {
    const JournalNumber middle{low.value + (behind.value - low.value) / 2};
    const auto record = Record(middle);
    if (!record.ok()) return record.status();
    if (!record->has_value() || FromUnixMs((*record)->at_ms()) < time) {
      low = {middle.value + 1};
    } else {
      behind = middle;
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

StatusOr<std::set<JournalNumber>> FailureReader::NumbersOf(ChannelId channel, Seq seq) const {
  std::set<JournalNumber> numbers;
  const auto take = [&](std::string_view key) {
    const auto listed = keys::ParseListedSeqs(key);
    if (listed && listed->seqs.first <= seq) numbers.insert(listed->number);
  };
  const Database::Range range{keys::FailuresOfSeqsEndingAt(channel, seq),
                              keys::FailuresOfSeqsEndingAt(channel, {seq.value + kListedRunMax})};
  for (const auto& [key, value] : derived_.TailRows(Family::kFailures, range)) take(key);
  const auto row = database_.NewIterator(Family::kFailures, range);
  for (; row->Valid(); row->Next()) take(row->key().ToStringView());
  if (!row->status().ok()) return FromRocks(row->status(), "read the lists of failures");
  return numbers;
}

}  // namespace ackwire
