// WriteWatch knows since when a peer has taken nothing of what is being written to it. The kernel
// takes bytes in steps of a third of its buffer, which a slow peer needs long for; so what counts
// is what the peer has acknowledged of them.
//
// Threads: the connection's.
#pragma once

#include <cstddef>
#include <optional>

#include "store/types.h"

namespace ackwire {

class WriteWatch {
 public:
  void Begin(Timestamp now) { since_ = now; }
  void End() { since_.reset(); }

  // The kernel has taken some. `unacknowledged`: the bytes that it holds for the peer.
  void Took(std::size_t unacknowledged, Timestamp now) {
    unacknowledged_ = unacknowledged;
    if (since_) since_ = now;
  }
  // So many are left of these.
  void Look(std::size_t unacknowledged, Timestamp now) {
    if (unacknowledged < unacknowledged_) Took(unacknowledged, now);
  }

  // None when nothing is being written.
  [[nodiscard]] std::optional<Timestamp> since() const { return since_; }

 private:
  std::optional<Timestamp> since_;
  std::size_t unacknowledged_ = 0;
};

}  // namespace ackwire
