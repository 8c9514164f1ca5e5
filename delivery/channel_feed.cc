#include "delivery/channel_feed.h"

#include <utility>

namespace ackwire {

ChannelFeed::ChannelFeed(std::string name, LedgerEntry entry, Seq last,
                         std::shared_ptr<const ChannelPolicy> policy)
    : name_(std::move(name)), entry_(std::move(entry)), last_(last) {
  next_ = entry_.FirstUnsettled({entry_.floor().value + 1});
  for (const auto& [seq, retry] : entry_.retries()) {
    if (retry.counted > 0) failing_.insert(seq);
  }
  SetPolicy(std::move(policy));
}

void ChannelFeed::SetPolicy(std::shared_ptr<const ChannelPolicy> policy) {
  policy_ = std::move(policy);
  if (ordering() == Ordering::kOrdered || entry_.retries().empty()) return;
  // Nothing waits for a retry here, so what was tried before stands apart from what is next.
  const Seq tried = entry_.retries().rbegin()->first;
  for (; next_ <= tried; next_ = entry_.FirstUnsettled({next_.value + 1})) again_.insert(next_);
}

void ChannelFeed::Extend(Seq last) {
  if (last > last_) last_ = last;
}

bool ChannelFeed::IsFull() const {
  return entry_.settled().runs().size() >= kSettledRunsMax ||
         again_.size() + held_.size() >= kWaitingMax;
}

bool ChannelFeed::HasFresh() const { return next_ <= last_ && !IsFull(); }

Timestamp ChannelFeed::DueOf(Seq seq) const {
  const auto retry = entry_.retries().find(seq);
  return retry == entry_.retries().end() ? Timestamp{} : retry->second.due;
}

std::optional<ChannelFeed::Next> ChannelFeed::FindNext(Timestamp now) const {
  return ordering() == Ordering::kOrdered ? FindNextOrdered() : FindNextUnordered(now);
}

std::optional<ChannelFeed::Next> ChannelFeed::FindNextOrdered() const {
  std::optional<Seq> lowest;
  if (!again_.empty()) {
    lowest = *again_.begin();
  } else if (HasFresh()) {
    lowest = next_;
  }
  if (!lowest) return std::nullopt;
  const std::optional<Seq> by = blocked_by();
  if (by && *lowest > *by) return std::nullopt;
  return Next{*lowest, DueOf(*lowest)};
}

std::optional<ChannelFeed::Next> ChannelFeed::FindNextUnordered(Timestamp now) const {
  std::optional<Next> earliest;
  for (const Seq seq : again_) {
    const Timestamp due = DueOf(seq);
    if (due <= now) return Next{seq, due};
    if (!earliest || due < earliest->due) earliest = Next{seq, due};
  }
  if (!HasFresh()) return earliest;
  const Next fresh{next_, DueOf(next_)};
  return !earliest || fresh.due < earliest->due ? fresh : *earliest;
}

std::uint32_t ChannelFeed::Send(Seq seq) {
  if (seq == next_) {
    next_ = entry_.FirstUnsettled({seq.value + 1});
  } else {
    again_.erase(seq);
  }
  const auto retry = entry_.retries().find(seq);
  return retry == entry_.retries().end() ? 1 : retry->second.attempts + 1;
}

void ChannelFeed::GoOn(Seq seq) {
  // What is before it and does not go on is sent again.
  for (; next_ <= seq; next_ = entry_.FirstUnsettled({next_.value + 1})) again_.insert(next_);
  again_.erase(seq);
}

void ChannelFeed::Fail(Seq seq, const Retry& retry) {
  entry_.Fail({seq, seq}, retry);
  again_.insert(seq);
  if (retry.counted > 0) failing_.insert(seq);
}

void ChannelFeed::Settle(SeqRun seqs) {
  entry_.Settle(seqs);
  for (std::set<Seq>* each : {&again_, &failing_, &held_}) {
    each->erase(each->lower_bound(seqs.first), each->upper_bound(seqs.last));
  }
  if (seqs.first <= next_ && next_ <= seqs.last) next_ = entry_.FirstUnsettled(next_);
}

void ChannelFeed::Park(Seq seq) {
  entry_.Park(seq);
  again_.erase(seq);
  failing_.erase(seq);
  held_.erase(seq);
  if (next_ == seq) next_ = entry_.FirstUnsettled(seq);
}

void ChannelFeed::Hold(Seq seq) {
  again_.erase(seq);
  held_.insert(seq);
  if (next_ == seq) next_ = entry_.FirstUnsettled({seq.value + 1});
}

std::optional<Seq> ChannelFeed::blocked_by() const {
  if (ordering() == Ordering::kUnordered) return std::nullopt;
  std::optional<Seq> lowest;
  for (const std::set<Seq>* blockers : {&failing_, &held_}) {
    if (blockers->empty()) continue;
    if (!lowest || *blockers->begin() < *lowest) lowest = *blockers->begin();
  }
  return lowest;
}

bool ChannelFeed::blocked() const {
  const std::optional<Seq> by = blocked_by();
  return by && *by < last_;
}

std::uint32_t ChannelFeed::CountedFailures(Seq seq) const {
  const auto retry = entry_.retries().find(seq);
  return retry == entry_.retries().end() ? 0 : retry->second.counted;
}

}  // namespace ackwire
