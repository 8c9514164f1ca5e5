#include "delivery/gather_past.h"

#include <algorithm>
#include <utility>

#include "delivery/message_json.h"
#include "store/proto_time.h"

namespace ackwire {
namespace {

// Of the first from `seq` on, up to `last`, that says when it was published: lost ones do not. None
// when none does.
StatusOr<std::optional<Timestamp>> PublishedFrom(const Store& store, ChannelId channel,
                                                 SeqRun seqs) {
  for (Seq seq = seqs.first; seq <= seqs.last; ++seq.value) {
    const StatusOr<StoredMessage> stored = store.log().ReadSeq(channel, seq);
    if (!stored.ok()) return stored.status();
    if (stored->message.has_published_at()) {
      return std::optional<Timestamp>(TimeOf(stored->message.published_at()));
    }
  }
  return std::optional<Timestamp>();
}

}  // namespace

StatusOr<Seq> LastThen(const Store& store, ChannelId channel, Timestamp at) {
  // Messages are in order of time as long as no start was given a clock that had been set back.
  const Seq last = store.derived().LastOf(channel);
  Seq low{1};
  Seq behind{last.value + 1};
  // Most questions are about a time at which the channel was not much shorter.
  for (std::uint64_t back = 0; low < behind; back = 2 * back + 1) {
    const std::uint64_t width = behind.value - low.value;
    const Seq middle{back < width / 2 ? behind.value - 1 - back : low.value + width / 2};
    const auto published = PublishedFrom(store, channel, {middle, Seq{behind.value - 1}});
    if (!published.ok()) return published.status();
    if (published->has_value() && **published > at) {
      behind = middle;
    } else {
      low = {middle.value + 1};
    }
  }
  return Seq{low.value - 1};
}

StatusOr<DeliveryFacts> GatherMessageThen(const Store& store, const Policies& policies,
                                          const DeliveryQuestion& question, Timestamp at) {
  StatusOr<DeliveryFacts> facts = GatherMessage(store, policies, question, at);
  if (!facts.ok() || facts->channel_id.value == 0) return facts;
  const StatusOr<Seq> last = LastThen(store, facts->channel_id, at);
  if (!last.ok()) return last.status();
  facts->channel_last = *last;
  if (facts->message && facts->seq > *last) {
    facts->message.reset();
    facts->seq = question.seq;
  }
  return facts;
}

StatusOr<std::optional<Timestamp>> LogBeginsAt(const Store& store) {
  const StatusOr<JournalReader::Kept> journal = store.journal().WhatIsKept();
  if (!journal.ok()) return journal.status();
  const std::optional<Timestamp> begins = journal->begins_at;
  const auto first = store.log().ReadLog({.messages_max = 1});
  if (!first.ok()) return first.status();
  if (first->empty() || !first->front().message.has_published_at()) return begins;
  const Timestamp published = TimeOf(first->front().message.published_at());
  return std::optional<Timestamp>(std::min(begins.value_or(published), published));
}

PastWalk::PastWalk(const Store& store, std::string client, const PastClient& past, Told told)
    : store_(store), past_(past), told_(std::move(told)) {
  part_ = {.client = std::move(client), .to = store.derived().last_number()};
}

Status PastWalk::Begin() {
  const StatusOr<JournalReader::Beginning> beginning = store_.journal().BeginningOf(part_.client);
  if (!beginning.ok()) return beginning.status();
  if (beginning->known_from && past_.at() < *beginning->known_from) {
    return Error(StatusCode::kOutOfRange, "at: what there was at " + FormatTime(past_.at()) +
                                              " is no longer on record: the journal is kept from " +
                                              FormatTime(*beginning->known_from) + " on");
  }
  part_.from = beginning->first;
  told_.begin(*beginning);
  return OkStatus();
}

StatusOr<bool> PastWalk::Step(std::size_t records_max) {
  if (!std::exchange(begun_, true)) {
    if (Status status = Begin(); !status.ok()) return status;
  }
  part_.records_max = records_max;
  const StatusOr<JournalReader::Walked> walked = store_.journal().Walk(part_, told_.add);
  if (!walked.ok()) return walked.status();
  if (walked->next.value == 0) return true;
  part_.from = walked->next;
  return walked->up_to > past_.at() + kRecordedWithin && !past_.MayHaveMore();
}

}  // namespace ackwire
