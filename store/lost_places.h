// LostPlaces decides which channel and seq each lost position of a log held. What survived says
// much: seqs are dense in their channel, so a message that is missing lies between its neighbours.
// Where the index survived too, it says the rest.
//
// Threads: one. No I/O.
// Bounds:  memory for each channel, and for each lost position.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// What a position held. Channel 0: nobody knows.
struct Place {
  Position position;  // zero: behind the end of the log that is left, or not known
  ChannelId channel;
  Seq seq;
  friend bool operator==(const Place&, const Place&) = default;
};

class LostPlaces {
 public:
  // A message that survived, in order of position.
  //   kDataLoss  it contradicts one before it
  [[nodiscard]] Status Survived(const Place& place);

  // What else is known of a channel.
  struct Hints {
    // The position that the index has for a seq.
    std::function<std::optional<Position>(ChannelId, Seq)> position_of;
    // The highest seq of each channel that anything names, written before what is lost was.
    absl::btree_map<ChannelId, Seq> last;
  };
  // What each lost position held, in order of position: one for each lost position up to the last
  // that survived, and then what is known to have been behind it.
  //   kDataLoss  there are more seqs missing than positions
  [[nodiscard]] StatusOr<std::vector<Place>> Decide(const Hints& hints) const;

  [[nodiscard]] Position last() const { return last_; }

 private:
  struct Channel {
    Seq last;
    Position at;
  };
  // Seqs that are missing between two places of their channel, or behind the last.
  struct Gap {
    ChannelId channel;
    Seq first;
    Seq last;
    Position after;
    Position before;
    bool at_end = false;  // it may have been written behind the end of what is left
  };
  class Assignment;

  absl::btree_map<ChannelId, Channel> channels_;
  std::vector<Gap> gaps_;
  std::vector<Position> lost_;
  Position last_;
};

}  // namespace ackwire
