// Refold folds a history from its beginning, or from where its database has got to, with the very
// classes that a running server folds with.
//
// Threads:  one.
// Lifetime: borrows the database.
// Bounds:   moves the tail to disk each `step` entries, so memory does not grow with the log.
#pragma once

#include "store/committed_group.h"
#include "store/database.h"
#include "store/derived.h"
#include "store/derived_writer.h"
#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kRefoldStep = 200'000;

class Refold {
 public:
  explicit Refold(Database& database, std::size_t step = kRefoldStep)
      : step_(step), derived_(database), writer_(database, derived_) {}

  // Goes on from what the database holds.
  //   as Derived::Load
  [[nodiscard]] Status Load() { return derived_.Load(); }

  // The group that follows the one before.
  [[nodiscard]] Status Apply(const SharedGroup& group) {
    derived_.Apply(group);
    const std::size_t entries =
        derived_.Read([](const DerivedView& view) { return view.active.size(); });
    return entries < step_ ? OkStatus() : writer_.Step();
  }
  // Nothing follows: the rest goes to disk, and the checkpoint.
  [[nodiscard]] Status Finish() { return writer_.Step(); }

  [[nodiscard]] const Derived& derived() const { return derived_; }

 private:
  const std::size_t step_;
  Derived derived_;
  DerivedWriter writer_;
};

}  // namespace ackwire
