// DamageWatch is told of all damage that reading a database meets: it remembers the first, and
// tells the server of each. Whoever turns bytes from disk into an answer of kDataLoss passes that
// through Noted.
//
// Threads:  any, once Listen was called.
// Bounds:   the listener is told of each place once, and of at most kDamagesToldMax.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kDamagesToldMax = 100;

class DamageWatch {
 public:
  using Listener = std::function<void(const Status&)>;

  // `listener` is called on the thread that met the damage. REQUIRES: nobody reads yet.
  void Listen(Listener listener) { listener_ = std::move(listener); }

  // Gives back what a read came to, and tells of it when that is kDataLoss.
  [[nodiscard]] Status Noted(Status read);
  template <typename T>
  [[nodiscard]] StatusOr<T> Noted(StatusOr<T> read) {
    if (!read.ok()) return Noted(read.status());
    return read;
  }

  // The first damage; OK when none was met.
  [[nodiscard]] Status first() const;

 private:
  Listener listener_;

  mutable std::mutex mutex_;  // guards the next two
  Status first_;
  std::set<std::string> told_;  // what was said of each
};

}  // namespace ackwire
