// StoredIds says where the message ids of a group are stored already. It asks for all of them at
// once: under one lock in the tails, and for the rest with one read of `ids`, whose filters answer
// for ids that are new. One at a time, asking costs more than all else that is done for a message.
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
  // Of a work that publishes with an id; others have none.
  struct Id {
    keys::IdHash hash{};
    Position position;  // where it is stored; zero: nowhere
    Status status;      // of reading that
  };

  StoredIds(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // Forgets what it was asked before. REQUIRES: the works are prepared.
  void LookUp(std::span<const Work> works);

  // Of the work at this place.
  [[nodiscard]] const Id& operator[](std::size_t work) const { return ids_[work]; }

 private:
  struct Unknown {
    std::size_t work = 0;
    ChannelId channel;
  };
  void LookUpInTails(std::span<const Work> works);
  void LookUpStored(std::span<const Unknown> unknown);

  const Database& database_;
  const Derived& derived_;
  std::vector<Id> ids_;
  std::vector<Unknown> unknown_;  // not in the tails, of channels that are there
};

}  // namespace ackwire
