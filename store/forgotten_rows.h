// ForgottenRows are what a data directory still holds of clients that are being forgotten, or holds
// no more, so that it can be compared with what is folded without them.
//
// Threads: one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "store/committed_group.h"
#include "store/database.h"
#include "store/forgotten_client.h"

namespace ackwire {

class ForgottenRows {
 public:
  // Of these, the ones whose forgetting is folded into the derived families up to `folded`: of the
  // others nothing is gone yet.
  ForgottenRows(std::vector<ForgottenClient> clients, JournalNumber folded);

  [[nodiscard]] const std::vector<ForgottenClient>& clients() const { return clients_; }

  // The group as it is once they are erased.
  [[nodiscard]] SharedGroup Erased(const SharedGroup& group);
  // Whether this row of a derived family goes with them. REQUIRES: all groups were erased.
  [[nodiscard]] bool Has(Family family, const std::string& key, const std::string& value) const;

 private:
  std::vector<ForgottenClient> clients_;
  std::set<std::string> listed_no_more_;  // keys of `failures`
};

}  // namespace ackwire
