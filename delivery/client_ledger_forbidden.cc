// What a ClientLedger does with channels that the session's token does not allow.
#include <limits>

#include "delivery/client_ledger.h"

namespace ackwire {

void ClientLedger::SetCaller(Caller caller, Timestamp now) {
  forbidden_.SetCaller(std::move(caller));
  for (const auto& [channel, feed] : feeds_) {
    if (forbidden_.Judge(channel, feed.name())) ready_.insert(channel);
  }
  Numbers failed;
  for (const std::uint64_t number : sent_.AllInFlight()) {
    if (IsForbidden(sent_.Find(number)->key.channel)) failed.push_back(number);
  }
  for (const std::uint64_t number : FailUncounted(failed, v1::REASON_FORBIDDEN, "", now)) {
    EndForbiddenReplay(sent_.Find(number)->key);
  }
  for (const std::uint64_t number : failed) forbidden_.SetTold(sent_.Find(number)->key.channel);
  DropForbidden();
}

// An acknowledgement of what came after it does not cover what may not be acknowledged.
void ClientLedger::DropForbidden() {
  constexpr Seq kLast{std::numeric_limits<std::uint64_t>::max()};
  forbidden_.ForEach([this](ChannelId channel) { sent_.Drop(channel, {Seq{0}, kLast}); });
}

void ClientLedger::EndForbiddenReplay(const DeliveryKey& key) {
  EndReplay(key, {.kind = store::ReplayOutcome::FAILED, .reason = v1::REASON_FORBIDDEN});
}

// As an attempt that was refused before it was sent: whoever lists failures sees that it is so,
// once for all that waits behind it.
void ClientLedger::TellForbidden(ChannelId channel, Timestamp now) {
  const auto found = feeds_.find(channel);
  if (forbidden_.IsTold(channel) || found == feeds_.end()) return;
  const auto next = found->second.FindNext(now);
  if (!next) return;
  if (next->due > now) {
    waiting_.insert({next->due, channel});
    return;
  }
  forbidden_.SetTold(channel);
  const AckWindow::Sent refused{
      .key = {channel, next->seq}, .attempt = found->second.Send(next->seq), .sent_at = now};
  const HowFailed how{AckWindow::State::kLate, v1::REASON_FORBIDDEN, false, now};
  LedgerJournal::AddAttempt(journal_.AddFailed(how.reason, "", now), refused, how);
  found->second.Fail(next->seq, {.attempts = refused.attempt, .due = now, .reason = how.reason});
}

Status ClientLedger::CheckAllowed(std::uint64_t number) const {
  const AckWindow::Sent* sent = sent_.Find(number);
  if (sent == nullptr || !IsForbidden(sent->key.channel)) return OkStatus();
  return forbidden_.Check(feeds_.at(sent->key.channel).name());
}

}  // namespace ackwire
