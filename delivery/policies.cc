#include "delivery/policies.h"

#include <algorithm>
#include <utility>

namespace ackwire {

ChannelPolicy PolicyOf(const DeliveryPolicy& flags) {
  return {.ordering = flags.ordering, .ack_wait = flags.ack_wait, .retry = flags.retry};
}

Policies::Policies(const DeliveryPolicy& flags, const std::vector<ChannelPattern>& patterns)
    : flags_(flags),
      otherwise_(std::make_shared<const ChannelPolicy>(PolicyOf(flags))),
      table_(TableOf(patterns)) {}

std::shared_ptr<const ChannelPolicy> Policies::For(std::string_view channel) const {
  const std::shared_ptr<const Table> patterns = table();
  for (const Pattern& each : *patterns) {
    const std::string_view part = each.is_prefix ? channel.substr(0, each.name.size()) : channel;
    if (part == each.name) return each.policy;
  }
  return otherwise_;
}

bool Policies::keeps_not_all() const {
  const std::shared_ptr<const Table> patterns = table();
  return std::any_of(patterns->begin(), patterns->end(), [](const Pattern& each) {
    const Keeping& keeping = each.policy->keeping;
    return keeping.limited() || keeping.subscription.has_value();
  });
}

std::shared_ptr<const Policies::Table> Policies::table() const {
  const std::scoped_lock lock(mutex_);
  return table_;
}

void Policies::Replace(const std::vector<ChannelPattern>& patterns) {
  std::shared_ptr<const Table> table = TableOf(patterns);
  const std::scoped_lock lock(mutex_);
  table_.swap(table);
}

std::shared_ptr<const Policies::Table> Policies::TableOf(
    const std::vector<ChannelPattern>& patterns) {
  auto table = std::make_shared<Table>();
  for (const ChannelPattern& each : patterns) {
    const bool is_prefix = !each.match.empty() && each.match.back() == '*';
    table->push_back({each.match.substr(0, each.match.size() - (is_prefix ? 1 : 0)), is_prefix,
                      std::make_shared<const ChannelPolicy>(each.policy)});
  }
  return table;
}

}  // namespace ackwire
