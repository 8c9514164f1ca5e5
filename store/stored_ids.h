// StoredIds says where the message ids of a group are stored already, and which channels they are
// of. It asks for all of them at once: under one lock in the tails, and for the rest with one read
// of `ids`, whose filters answer for ids that are new. One at a time, asking costs more than all
// else that is done for a message.
//
// Threads:  the writer thread only.
// Lifetime: borrows both.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/keys.h"
#include "store/status.h"
#include "store/work.h"

namespace ackwire {

class StoredIds {
 public:
  // Of a work that publishes.
  struct Id {
    const ChannelInfo* channel = nullptr;  // null: there is none yet
    Position position;                     // where the id is stored; zero: nowhere, or it has none
    Status status;                         // of reading that
  };

  StoredIds(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // Forgets what it was asked before. REQUIRES: the works are prepared.
  void LookUp(std::span<const Work> works);

  // Of the work at this place.
  [[nodiscard]] const Id& operator[](std::size_t work) const { return ids_[work]; }

 private:
  void LookUpInTails(std::span<const Work> works);
  void LookUpStored(std::span<const Work> works, std::span<const std::size_t> unknown);

  const Database& database_;
  const Derived& derived_;
  std::vector<Id> ids_;
  std::vector<std::size_t> unknown_;  // works with ids not in the tails, of channels there are
};

}  // namespace ackwire
