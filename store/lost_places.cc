#include "store/lost_places.h"

#include <algorithm>
#include <queue>
#include <set>
#include <string>
#include <utility>

namespace ackwire {
namespace {

constexpr Position kBehindTheEnd{~0ULL};

}  // namespace

Status LostPlaces::Survived(const Place& place) {
  for (Position position{last_.value + 1}; position < place.position; ++position.value) {
    lost_.push_back(position);
  }
  last_ = place.position;
  if (place.channel.value == 0) return OkStatus();  // lost before: an earlier recovery said so
  Channel& channel = channels_[place.channel];
  if (place.seq <= channel.last) {
    return Error(StatusCode::kDataLoss,
                 "log: position " + std::to_string(place.position.value) + " holds seq " +
                     std::to_string(place.seq.value) + " of channel number " +
                     std::to_string(place.channel.value) + ", which position " +
                     std::to_string(channel.at.value) + " is at or beyond already");
  }
  const Seq next{channel.last.value + 1};
  if (place.seq > next) {
    gaps_.push_back({place.channel, next, {place.seq.value - 1}, channel.at, place.position});
  }
  channel = {place.seq, place.position};
  return OkStatus();
}

// Gives each gap's seqs positions: the index's where it has them, and else each free position to
// the waiting seq that must come soonest. If that does not work out, nothing does.
class LostPlaces::Assignment {
 public:
  Assignment(const std::vector<Position>& lost, Position last, const Hints& hints)
      : hints_(hints), last_(last), free_(lost.begin(), lost.end()) {}

  void Add(const Gap& gap) {
    Gap rest = gap;
    for (Seq seq = gap.first; seq <= gap.last; ++seq.value) {
      const auto position = hints_.position_of(gap.channel, seq);
      if (!position || *position <= rest.after || *position >= gap.before) continue;
      const bool behind = *position > last_;
      if (behind ? !gap.at_end : free_.erase(*position) == 0) continue;
      found_.push_back({*position, gap.channel, seq});
      if (rest.first < seq) {
        open_.push_back({gap.channel, rest.first, {seq.value - 1}, rest.after, *position, behind});
      }
      rest.first = {seq.value + 1};
      rest.after = *position;
    }
    if (rest.first <= rest.last) open_.push_back(rest);
  }

  StatusOr<std::vector<Place>> Finish() {
    std::sort(open_.begin(), open_.end(),
              [](const Gap& a, const Gap& b) { return a.after < b.after; });
    for (const Position position : free_) {
      if (Status status = Take(position); !status.ok()) return status;
    }
    if (Status status = LeaveRest(); !status.ok()) return status;
    std::stable_sort(found_.begin(), found_.end(), [](const Place& a, const Place& b) {
      return a.position.value - 1 < b.position.value - 1;  // zero, which is not known, comes last
    });
    return std::move(found_);
  }

 private:
  struct Later {
    bool operator()(const Gap* a, const Gap* b) const { return a->before > b->before; }
  };

  Status Take(Position position) {
    for (; released_ < open_.size() && open_[released_].after < position; ++released_) {
      waiting_.push(&open_[released_]);
    }
    if (waiting_.empty()) {
      found_.push_back({position, {}, {}});
      return OkStatus();
    }
    Gap* gap = waiting_.top();
    if (gap->before <= position) return Missing(*gap);
    found_.push_back({position, gap->channel, gap->first});
    if (gap->first == gap->last) waiting_.pop();
    ++gap->first.value;
    return OkStatus();
  }

  // What got no position: behind the end, or there is none for it.
  Status LeaveRest() {
    for (const Gap& gap : open_) {
      if (gap.first > gap.last) continue;
      if (!gap.at_end) return Missing(gap);
      for (Seq seq = gap.first; seq <= gap.last; ++seq.value) {
        found_.push_back({{}, gap.channel, seq});
      }
    }
    return OkStatus();
  }

  static Status Missing(const Gap& gap) {
    return Error(StatusCode::kDataLoss,
                 "log: seq " + std::to_string(gap.first.value) + " of channel number " +
                     std::to_string(gap.channel.value) +
                     " is missing, and so is no position that could have held it");
  }

  const Hints& hints_;
  const Position last_;
  std::set<Position> free_;
  std::vector<Gap> open_;
  std::size_t released_ = 0;
  std::priority_queue<Gap*, std::vector<Gap*>, Later> waiting_;
  std::vector<Place> found_;
};

StatusOr<std::vector<Place>> LostPlaces::Decide(const Hints& hints) const {
  Assignment assignment(lost_, last_, hints);
  for (const Gap& gap : gaps_) assignment.Add(gap);
  for (const auto& [id, last] : hints.last) {
    const auto found = channels_.find(id);
    const Channel left = found == channels_.end() ? Channel{} : found->second;
    if (last <= left.last) continue;
    assignment.Add({id, {left.last.value + 1}, last, left.at, kBehindTheEnd, true});
  }
  return assignment.Finish();
}

}  // namespace ackwire
