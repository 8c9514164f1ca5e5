#include "tools/ackwired/replay_measure.h"

#include <algorithm>
#include <utility>

#include "store/proto_time.h"
#include "store/stub.h"

namespace ackwire {
namespace {

std::deque<ReplayMeasure::Share> SharesOf(const std::vector<SeqRuns*>& open) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> changes;  // of the number of clients, by seq
  for (const SeqRuns* seqs : open) {
    for (const SeqRun& run : seqs->runs()) {
      changes.emplace_back(run.first.value, 1);
      changes.emplace_back(run.last.value + 1, -1);
    }
  }
  std::sort(changes.begin(), changes.end());
  std::deque<ReplayMeasure::Share> shares;
  std::int64_t clients = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    clients += changes[i].second;
    const bool last_of_seq = i + 1 == changes.size() || changes[i + 1].first != changes[i].first;
    if (!last_of_seq || clients == 0) continue;
    shares.push_back(
        {{{changes[i].first}, {changes[i + 1].first - 1}}, static_cast<std::uint64_t>(clients)});
  }
  return shares;
}

}  // namespace

ReplayMeasure::ReplayMeasure(const Store& store, PlannedReplay& planned, Timestamp now)
    : store_(store), planned_(planned), now_(now) {
  for (auto& [pair, seqs] : planned_.open) channels_[pair.second].push_back(&seqs);
}

StatusOr<bool> ReplayMeasure::Step() {
  // A channel counts as a message, so that many of few messages are no step each.
  for (Left left; left.messages > 0 && left.bytes > 0;) {
    if (channels_.empty()) {
      End();
      return true;
    }
    if (!begun_) {
      shares_ = SharesOf(channels_.begin()->second);
      begun_ = true;
      --left.messages;
    } else if (shares_.empty()) {
      EndChannel();
    } else {
      if (Status status = Read(left); !status.ok()) return status;
    }
  }
  return false;
}

Status ReplayMeasure::Read(Left& left) {
  auto& [seqs, clients] = shares_.front();
  const std::size_t wanted = std::min<std::size_t>(seqs.length(), left.messages);
  const auto messages = store_.log().ReadChannel(
      channels_.begin()->first,
      {.from = seqs.first.value, .messages_max = wanted, .bytes_max = left.bytes});
  if (!messages.ok()) return messages.status();
  left.messages -= messages->size();
  for (const StoredMessage& stored : *messages) {
    Count(stored, clients);
    left.bytes -= std::min(left.bytes, stored.message.payload().size());
  }
  if (!messages->empty()) seqs.first = {messages->back().seq().value + 1};
  if (messages->empty() || seqs.last < seqs.first) shares_.pop_front();
  return OkStatus();
}

void ReplayMeasure::Count(const StoredMessage& stored, std::uint64_t clients) {
  v1::ReplayPlan& plan = planned_.plan;
  if (IsStub(stored)) {
    gone_.Add({stored.seq(), stored.seq()});
    plan.set_no_longer_stored(plan.no_longer_stored() + clients);
    return;
  }
  if (stored.message.has_expires_at() && TimeOf(stored.message.expires_at()) <= now_) {
    gone_.Add({stored.seq(), stored.seq()});
    plan.set_expired(plan.expired() + clients);
    return;
  }
  plan.set_messages(plan.messages() + 1);
  plan.set_bytes(plan.bytes() + clients * stored.message.payload().size());
}

void ReplayMeasure::EndChannel() {
  for (SeqRuns* seqs : channels_.begin()->second) {
    for (const SeqRun& run : gone_.runs()) (void)seqs->Remove(run);
  }
  gone_ = {};
  channels_.erase(channels_.begin());
  begun_ = false;
}

void ReplayMeasure::End() {
  std::erase_if(planned_.open, [](const auto& each) { return each.second.empty(); });
  planned_.runs = 0;
  for (const auto& [pair, seqs] : planned_.open) {
    planned_.plan.set_deliveries(planned_.plan.deliveries() + seqs.count());
    planned_.runs += seqs.runs().size();
  }
}

}  // namespace ackwire
