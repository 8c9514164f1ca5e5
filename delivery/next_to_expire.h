// NextToExpire remembers who of a channel's subscribers may be unseen for too long next. Whoever
// begins or comes back later is seen later: so nobody has to be looked at before, and of a channel
// with very many subscribers, of which one is gone for too long every few seconds, not all of them
// each time.
//
// Threads: one owner.
// Bounds:  at most kNextToExpireMax names, and none unless the channel has more than
//          kManySubscribers.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "store/types.h"

namespace ackwire {

inline constexpr std::size_t kNextToExpireMax = 256;
inline constexpr std::size_t kManySubscribers = 4096;

class NextToExpire {
 public:
  // Whether somebody whose name it does not have may not have been seen since: then it is time for
  // Begin, Saw for each subscriber, and End.
  [[nodiscard]] bool NeedsLook(Timestamp unseen_since) const { return others_ <= unseen_since; }
  // Takes the name of one that may not have been seen since; Saw gives it back.
  [[nodiscard]] std::optional<std::string> Take(Timestamp unseen_since);

  // Whoever subscribes from now on is seen at `now` or later.
  void Begin(Timestamp now);
  // A subscriber was seen last at this time, or later.
  void Saw(const std::string& client, Timestamp at);
  void End();

 private:
  std::multimap<Timestamp, std::string> next_;  // none is later than others_
  Timestamp others_{};                          // whoever is not in next_ was seen then or later
  std::size_t seen_ = 0;                        // since Begin
};

}  // namespace ackwire
