#include "store/forgotten_rows.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "store/forgetter.h"

namespace ackwire {

ForgottenRows::ForgottenRows(std::vector<ForgottenClient> clients, JournalNumber folded)
    : clients_(std::move(clients)) {
  clients_.erase(std::remove_if(clients_.begin(), clients_.end(),
                                [folded](const ForgottenClient& forgotten) {
                                  return forgotten.at.number() > folded;
                                }),
                 clients_.end());
}

SharedGroup ForgottenRows::Erased(const SharedGroup& group) {
  if (clients_.empty() || group->number.value == 0) return group;
  store::JournalRecord record = group->record;
  bool changed = false;
  for (const ForgottenClient& forgotten : clients_) {
    changed = EraseClient(forgotten, group->number, record) || changed;
  }
  if (!changed) return group;
  for (std::string& key : ListedNoMore(group->number, group->record, record)) {
    listed_no_more_.insert(std::move(key));
  }
  auto erased = std::make_shared<CommittedGroup>(*group);
  erased->record = std::move(record);
  return erased;
}

bool ForgottenRows::Has(Family family, const std::string& key, const std::string& value) const {
  if (family == Family::kFailures && listed_no_more_.contains(key)) return true;
  return std::any_of(clients_.begin(), clients_.end(), [&](const ForgottenClient& forgotten) {
    return IsRowOf(forgotten, family, key, value);
  });
}

}  // namespace ackwire
