// SeqRuns is a set of seqs kept as sorted, disjoint, non-adjacent runs.
//
// Threads: one owner.
// Bounds:  none of its own; whoever fills it caps size().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/types.h"

namespace ackwire {

// From first to last, both included.
struct SeqRun {
  Seq first;
  Seq last;
  [[nodiscard]] std::uint64_t length() const { return last.value - first.value + 1; }
  friend bool operator==(const SeqRun&, const SeqRun&) = default;
};

class SeqRuns {
 public:
  // Adds the run; what was in the set already stays in it. A run that ends before it begins, as a
  // row on disk may have it, is none, here and below.
  void Add(SeqRun run);

  // Takes out what the set has of the run; returns how many seqs that was.
  std::uint64_t Remove(SeqRun run);

  // Takes out the run that begins at `first`, if there is one, and returns its last seq;
  // else returns `first` - 1.
  Seq TakeRunFrom(Seq first);

  // Removes everything up to and including `last`.
  void DropUpTo(Seq last);

  [[nodiscard]] bool Contains(Seq seq) const;

  // The lowest seq at or above `from` that is not in the set.
  [[nodiscard]] Seq FirstMissing(Seq from) const;

  [[nodiscard]] const std::vector<SeqRun>& runs() const { return runs_; }
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  // Number of seqs in all runs.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  [[nodiscard]] std::size_t FirstEndingAtOrAfter(Seq seq) const;

  std::vector<SeqRun> runs_;
  std::uint64_t count_ = 0;
};

// What both sets have.
[[nodiscard]] SeqRuns Common(const SeqRuns& a, const SeqRuns& b);
// The runs of a protobuf message.
template <typename Runs>
[[nodiscard]] SeqRuns SeqRunsOf(const Runs& runs) {
  SeqRuns out;
  for (const auto& run : runs) out.Add({Seq{run.first()}, Seq{run.last()}});
  return out;
}
template <typename Runs>
void AddRuns(const SeqRuns& runs, Runs& out) {
  for (const SeqRun& run : runs.runs()) {
    auto* added = out.Add();
    added->set_first(run.first.value);
    added->set_last(run.last.value);
  }
}

// Two numbers a run: how many seqs lie between it and the one before, and its length - 1. So runs
// take few bytes in a protobuf message. Unpack takes what is no such list as far as it goes.
template <typename Numbers>
void PackRuns(const SeqRuns& runs, Numbers& out) {
  std::uint64_t next = 0;
  for (const SeqRun& run : runs.runs()) {
    out.Add(run.first.value - next);
    out.Add(run.length() - 1);
    next = run.last.value + 1;
  }
}
template <typename Numbers>
[[nodiscard]] SeqRuns UnpackRuns(const Numbers& numbers) {
  SeqRuns runs;
  std::uint64_t next = 0;
  for (int i = 0; i + 1 < numbers.size(); i += 2) {
    const Seq first{next + numbers[i]};
    const Seq last{first.value + numbers[i + 1]};
    runs.Add({first, last});
    next = last.value + 1;
  }
  return runs;
}

}  // namespace ackwire
