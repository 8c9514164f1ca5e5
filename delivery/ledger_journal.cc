#include "delivery/ledger_journal.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ackwire {
namespace {

// The part of the event for this channel, and for attempts that are due then.
store::FailedChannel& PartOf(store::Failed& record, const AckWindow::Sent& sent,
                             const HowFailed& how) {
  // A session's channels take turns, so it may be any; most likely one of the last.
  for (int i = record.channels_size(); i-- > 0;) {
    auto& part = *record.mutable_channels(i);
    if (part.channel() == sent.key.channel.value && part.counted() == how.counted &&
        part.due_at_ms() == ToUnixMs(how.due) && part.replay() == sent.replay.value) {
      return part;
    }
  }
  auto& part = *record.add_channels();
  part.set_channel(sent.key.channel.value);
  part.set_counted(how.counted);
  part.set_due_at_ms(ToUnixMs(how.due));
  part.set_replay(sent.replay.value);
  return part;
}

}  // namespace

store::Event& LedgerJournal::Add(Timestamp now) {
  WriteAcked(now);  // so that events stand in the order in which things happened
  store::Event& event = events_.emplace_back();
  event.set_client(client_);
  event.set_session(session_.id);
  event.set_at_ms(ToUnixMs(now));
  return event;
}

// What is removed comes one after the other: it is one run.
void LedgerJournal::AddAbandoned(const DeliveryKey& key, v1::Reason reason, Timestamp now) {
  const bool follows = acked_.empty() && !events_.empty() && events_.back().has_abandoned() &&
                       events_.back().at_ms() == ToUnixMs(now);
  if (follows) {
    store::Abandoned& last = *events_.back().mutable_abandoned();
    const bool joins = last.channel() == key.channel.value && last.reason() == reason &&
                       last.unparked().empty() && last.detail().empty() && !last.runs().empty() &&
                       last.runs().rbegin()->last() + 1 == key.seq.value;
    if (joins) return last.mutable_runs()->rbegin()->set_last(key.seq.value);
  }
  store::Abandoned& record = *Add(now).mutable_abandoned();
  record.set_channel(key.channel.value);
  record.set_reason(reason);
  auto* run = record.add_runs();
  run->set_first(key.seq.value);
  run->set_last(key.seq.value);
}

store::Failed& LedgerJournal::AddFailed(v1::Reason reason, const std::string& detail,
                                        Timestamp now) {
  store::Failed& record = *Add(now).mutable_failed();
  record.set_reason(reason);
  record.set_detail(detail);
  record.set_transport(session_.transport);
  record.set_remote_address(session_.remote_address);
  return record;
}

void LedgerJournal::AddAttempt(store::Failed& record, const AckWindow::Sent& sent,
                               const HowFailed& how) {
  AddRun(*PartOf(record, sent, how).mutable_runs(), sent);
}

void LedgerJournal::AddRun(Runs& runs, const AckWindow::Sent& sent) {
  const std::uint64_t seq = sent.key.seq.value;
  if (!runs.empty()) {
    auto& last = *runs.rbegin();
    if (last.last() + 1 == seq && last.attempt() == sent.attempt &&
        last.sent_at_ms() == ToUnixMs(sent.sent_at) && last.went_on() == sent.went_on) {
      last.set_last(seq);
      return;
    }
  }
  auto& run = *runs.Add();
  run.set_first(seq);
  run.set_last(seq);
  run.set_attempt(sent.attempt);
  run.set_sent_at_ms(ToUnixMs(sent.sent_at));
  run.set_went_on(sent.went_on);
}

void LedgerJournal::WriteAcked(Timestamp now) {
  if (acked_.empty()) return;
  std::vector<Acked> acked = std::exchange(acked_, {});
  std::stable_sort(acked.begin(), acked.end(), [](const Acked& a, const Acked& b) {
    return std::tie(a.sent.key.channel, a.replay, a.sent.key.seq) <
           std::tie(b.sent.key.channel, b.replay, b.sent.key.seq);
  });
  auto& record = *Add(now).mutable_acked();
  record.set_after_disconnects(std::exchange(after_disconnects_, false));
  store::AckedChannel* part = nullptr;
  for (const Acked& each : acked) {
    const std::uint64_t channel = each.sent.key.channel.value;
    if (part == nullptr || part->channel() != channel || part->replay() != each.replay.value) {
      part = record.add_channels();
      part->set_channel(channel);
      part->set_replay(each.replay.value);
    }
    if (each.replay.value != 0) {
      AddRun(*part->mutable_replayed(), each.sent);
    } else if (each.was_parked) {
      part->add_unparked(each.sent.key.seq.value);
    } else {
      AddRun(*part->mutable_runs(), each.sent);
    }
    if (each.overtaken) AddRun(*part->mutable_in_flight(), *each.overtaken);
  }
}

void LedgerJournal::WriteOutcomes(Timestamp now) {
  for (const auto& [what, seqs] : std::exchange(outcomes_, {})) {
    const auto& [outcome, channel] = what;
    store::ReplayOutcome& record = *Add(now).mutable_replay_outcome();
    record.set_replay(outcome.replay.value);
    record.set_channel(channel.value);
    record.set_kind(outcome.kind);
    record.set_reason(outcome.reason);
    record.set_state(outcome.state);
    for (const SeqRun& run : seqs.runs()) {
      store::Run& out = *record.add_runs();
      out.set_first(run.first.value);
      out.set_last(run.last.value);
    }
  }
}

std::vector<store::Event> LedgerJournal::Take(Timestamp now) {
  WriteAcked(now);
  WriteOutcomes(now);
  return std::exchange(events_, {});
}

}  // namespace ackwire
