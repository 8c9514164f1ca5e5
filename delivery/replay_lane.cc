#include "delivery/replay_lane.h"

#include <algorithm>

namespace ackwire {

void ReplayLane::Add(const ReplayDelivery& delivery, Timestamp now) {
  const auto [at, added] = items_.try_emplace(delivery.key);
  Item& item = at->second;
  if (std::find(item.replays.begin(), item.replays.end(), delivery.replay) == item.replays.end()) {
    item.replays.push_back(delivery.replay);
  }
  std::erase(item.withdrawn, delivery.replay);
  if (!added) return;
  item.attempts = delivery.attempts;
  item.before = delivery.before;
  item.due = now;
  waiting_.insert({now, delivery.key});
}

void ReplayLane::AddInFlight(const ReplayDelivery& delivery) {
  Add(delivery, {});
  Item& item = items_.at(delivery.key);
  if (!item.due) return;
  waiting_.erase({*item.due, delivery.key});
  ready_.erase(delivery.key);
  item.due.reset();
}

void ReplayLane::Wake(Timestamp now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    ready_.insert(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
}

std::optional<Timestamp> ReplayLane::NextDue() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

std::optional<DeliveryKey> ReplayLane::FindNext() const {
  return ready_.empty() ? std::nullopt : std::optional(*ready_.begin());
}

const ReplayLane::Item& ReplayLane::Send(const DeliveryKey& key) {
  Item& item = items_.at(key);
  ready_.erase(key);
  item.due.reset();
  ++item.attempts;
  return item;
}

void ReplayLane::Retry(const DeliveryKey& key, Timestamp due) {
  Item& item = items_.at(key);
  item.due = due;
  item.withdrawn.clear();
  waiting_.insert({due, key});
}

std::uint32_t ReplayLane::CountFailure(const DeliveryKey& key) { return ++items_.at(key).failures; }

std::optional<ReplayLane::Item> ReplayLane::Take(const DeliveryKey& key) {
  const auto found = items_.find(key);
  if (found == items_.end()) return std::nullopt;
  Item item = std::move(found->second);
  if (item.due) waiting_.erase({*item.due, key});
  ready_.erase(key);
  items_.erase(found);
  return item;
}

std::vector<std::pair<DeliveryKey, ReplayLane::Item>> ReplayLane::Take(ChannelId channel) {
  std::vector<DeliveryKey> keys;
  for (auto at = items_.lower_bound({channel, Seq{}});
       at != items_.end() && at->first.channel == channel; ++at) {
    keys.push_back(at->first);
  }
  std::vector<std::pair<DeliveryKey, Item>> taken;
  for (const DeliveryKey& key : keys) taken.emplace_back(key, *Take(key));
  std::erase_if(remembered_, [&](const auto& each) { return each.first.channel == channel; });
  std::erase_if(remembered_order_, [&](const auto& each) { return each.channel == channel; });
  return taken;
}

void ReplayLane::Remember(const DeliveryKey& key, SettledAs what) {
  if (remembered_.insert_or_assign(key, what).second) remembered_order_.push_back(key);
  if (remembered_order_.size() <= kEndedRememberedMax) return;
  remembered_.erase(remembered_order_.front());
  remembered_order_.pop_front();
}

std::optional<SettledAs> ReplayLane::Remembered(const DeliveryKey& key) const {
  const auto found = remembered_.find(key);
  return found == remembered_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<DeliveryKey> ReplayLane::Withdraw(ReplayId replay) {
  std::vector<DeliveryKey> unsent;
  for (auto& [key, item] : items_) {
    if (std::erase(item.replays, replay) == 0) continue;
    if (item.due) {
      unsent.push_back(key);
    } else {
      item.withdrawn.push_back(replay);
    }
  }
  for (const DeliveryKey& key : unsent) {
    if (!IsWanted(key)) (void)Take(key);
  }
  return unsent;
}

}  // namespace ackwire
