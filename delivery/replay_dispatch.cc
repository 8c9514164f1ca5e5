#include "delivery/replay_dispatch.h"

#include <algorithm>

namespace ackwire {
namespace {

// At once to one client, before it is another's turn.
constexpr std::uint64_t kBatchMax = 16;
constexpr int kClientsLookedAtMax = 1000;
// Of its rate, what may go out together after a pause.
constexpr double kBurstSeconds = 0.1;

}  // namespace

void ReplayDispatch::Offline(const std::string& client) {
  candidates_.erase(client);
  const auto found = handed_.find(client);
  if (found == handed_.end()) return;
  for (const auto& [channel, seqs] : found->second) handed_total_ -= seqs.count();
  handed_.erase(found);
}

std::vector<ReplayDispatch::Batch> ReplayDispatch::Next(const ReplayTable::Open& open,
                                                        Timestamp now) {
  const double rate = rate_;
  const double seconds = std::chrono::duration<double>(now - filled_at_).count();
  filled_at_ = now;
  tokens_ =
      std::clamp(tokens_ + std::max(seconds, 0.0) * rate, 0.0, std::max(rate * kBurstSeconds, 1.0));
  std::vector<Batch> batches;
  for (int looked_at = 0; tokens_ >= 1 && !candidates_.empty() && looked_at < kClientsLookedAtMax;
       ++looked_at) {
    auto turn = candidates_.upper_bound(last_turn_);
    if (turn == candidates_.end()) turn = candidates_.begin();
    last_turn_ = *turn;
    const std::uint64_t room =
        kReplayLaneMax - std::min<std::uint64_t>(kReplayLaneMax, HandedTo(*turn));
    // One whose lane is full is a candidate again when something of it is returned.
    if (room == 0) {
      candidates_.erase(turn);
      continue;
    }
    const auto tokens = static_cast<std::uint64_t>(tokens_);
    Batch batch{*turn, Take(open, *turn, std::min({tokens, room, kBatchMax}))};
    if (batch.keys.empty()) {
      candidates_.erase(turn);
      continue;
    }
    tokens_ -= static_cast<double>(batch.keys.size());
    handed_to_.insert(batch.client);
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::uint64_t ReplayDispatch::HandedTo(const std::string& client) const {
  const auto found = handed_.find(client);
  if (found == handed_.end()) return 0;
  std::uint64_t count = 0;
  for (const auto& [channel, seqs] : found->second) count += seqs.count();
  return count;
}

std::vector<DeliveryKey> ReplayDispatch::Take(const ReplayTable::Open& open,
                                              const std::string& client, std::uint64_t most) {
  std::vector<DeliveryKey> keys;
  for (auto at = open.lower_bound({client, ChannelId{}});
       at != open.end() && at->first.first == client && keys.size() < most; ++at) {
    SeqRuns& handed = handed_[client][at->first.second];
    for (const SeqRun& run : at->second.runs()) {
      Seq seq = handed.FirstMissing(run.first);
      for (; seq <= run.last && keys.size() < most; seq = handed.FirstMissing({seq.value + 1})) {
        handed.Add({seq, seq});
        ++handed_total_;
        keys.push_back({at->first.second, seq});
      }
      if (keys.size() >= most) break;
    }
  }
  return keys;
}

void ReplayDispatch::Return(const std::string& client, ChannelId channel, SeqRun seqs) {
  const auto found = handed_.find(client);
  if (found == handed_.end()) return;
  const auto part = found->second.find(channel);
  if (part == found->second.end()) return;
  const std::uint64_t returned = part->second.Remove(seqs);
  if (returned == 0) return;
  handed_total_ -= returned;
  if (part->second.empty()) found->second.erase(part);
  if (found->second.empty()) handed_.erase(found);
  candidates_.insert(client);
}

}  // namespace ackwire
