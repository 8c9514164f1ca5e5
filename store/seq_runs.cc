#include "store/seq_runs.h"

#include <algorithm>

namespace ackwire {

std::size_t SeqRuns::FirstEndingAtOrAfter(Seq seq) const {
  const auto found =
      std::lower_bound(runs_.begin(), runs_.end(), seq,
                       [](const SeqRun& run, Seq value) { return run.last < value; });
  return static_cast<std::size_t>(found - runs_.begin());
}

void SeqRuns::Add(SeqRun run) {
  // Rows on disk may say anything.
  if (run.last < run.first) return;
  // A run that ends right before this one is adjacent and joins it, hence the - 1.
  std::size_t begin = FirstEndingAtOrAfter(Seq{run.first.value == 0 ? 0 : run.first.value - 1});
  std::size_t end = begin;
  const auto joins = [&run](const SeqRun& next) {
    return next.first <= run.last || next.first.value - 1 == run.last.value;
  };
  while (end < runs_.size() && joins(runs_[end])) {
    run.first = std::min(run.first, runs_[end].first);
    run.last = std::max(run.last, runs_[end].last);
    count_ -= runs_[end].length();
    ++end;
  }
  count_ += run.length();
  const auto at = [this](std::size_t i) { return runs_.begin() + static_cast<std::ptrdiff_t>(i); };
  if (begin == end) {
    runs_.insert(at(begin), run);
    return;
  }
  runs_[begin] = run;
  runs_.erase(at(begin + 1), at(end));
}

std::uint64_t SeqRuns::Remove(SeqRun run) {
  if (run.last < run.first) return 0;
  const std::uint64_t before = count_;
  const std::size_t begin = FirstEndingAtOrAfter(run.first);
  std::size_t end = begin;
  std::vector<SeqRun> left;  // what stands out on either side
  for (; end < runs_.size() && runs_[end].first <= run.last; ++end) {
    const SeqRun each = runs_[end];
    count_ -= each.length();
    if (each.first < run.first) left.push_back({each.first, Seq{run.first.value - 1}});
    if (each.last > run.last) left.push_back({Seq{run.last.value + 1}, each.last});
  }
  for (const SeqRun& each : left) count_ += each.length();
  const auto at = [this](std::size_t i) { return runs_.begin() + static_cast<std::ptrdiff_t>(i); };
  const auto kept = std::min(left.size(), end - begin);
  std::copy_n(left.begin(), kept, at(begin));
  if (left.size() > kept) {
    runs_.insert(at(begin + kept), left.begin() + static_cast<std::ptrdiff_t>(kept), left.end());
  } else {
    runs_.erase(at(begin + kept), at(end));
  }
  return before - count_;
}

Seq SeqRuns::TakeRunFrom(Seq first) {
  const std::size_t at = FirstEndingAtOrAfter(first);
  if (at == runs_.size() || runs_[at].first != first) return Seq{first.value - 1};
  const SeqRun run = runs_[at];
  count_ -= run.length();
  runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at));
  return run.last;
}

void SeqRuns::DropUpTo(Seq last) {
  const std::size_t keep = FirstEndingAtOrAfter(Seq{last.value + 1});
  for (std::size_t i = 0; i < keep; ++i) count_ -= runs_[i].length();
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(keep));
  if (!runs_.empty() && runs_.front().first <= last) {
    count_ -= last.value - runs_.front().first.value + 1;
    runs_.front().first = Seq{last.value + 1};
  }
}

bool SeqRuns::Contains(Seq seq) const {
  const std::size_t at = FirstEndingAtOrAfter(seq);
  return at < runs_.size() && runs_[at].first <= seq;
}

Seq SeqRuns::FirstMissing(Seq from) const {
  const std::size_t at = FirstEndingAtOrAfter(from);
  if (at == runs_.size() || from < runs_[at].first) return from;
  return Seq{runs_[at].last.value + 1};
}

SeqRuns Common(const SeqRuns& a, const SeqRuns& b) {
  SeqRuns common;
  auto left = a.runs().begin();
  auto right = b.runs().begin();
  while (left != a.runs().end() && right != b.runs().end()) {
    const SeqRun both{std::max(left->first, right->first), std::min(left->last, right->last)};
    if (both.first <= both.last) common.Add(both);
    if (left->last < right->last) {
      ++left;
    } else {
      ++right;
    }
  }
  return common;
}

}  // namespace ackwire
