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
  // `unacknowledged`, here and below: the bytes that the kernel holds for the peer.
  void Begin(std::size_t unacknowledged, Timestamp now) {
    unacknowledged_ = unacknowledged;
    since_ = now;
  }
  void End() { since_.reset(); }

  // The kernel has taken some.
  void Took(std::size_t unacknowledged, Timestamp now) {
    if (since_) Begin(unacknowledged, now);
  }
  // To be asked often: what was acknowledged since it was asked last counts as of now.
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
