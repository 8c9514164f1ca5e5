// Journal events, as their owners make them.
#pragma once

#include <string>
#include <vector>

#include "store/records.pb.h"
#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

inline SeqRun RunOf(std::uint64_t first, std::uint64_t last) { return {Seq{first}, Seq{last}}; }

}  // namespace ackwire

namespace ackwire::events {

inline store::Event Of(const std::string& client, Timestamp at = FromUnixMs(1000)) {
  store::Event event;
  event.set_client(client);
  event.set_at_ms(ToUnixMs(at));
  event.set_session("s-1");
  return event;
}

inline void SetRun(auto& out, SeqRun run) {
  out.set_first(run.first.value);
  out.set_last(run.last.value);
}

inline store::Event SessionOpened(const std::string& client, Timestamp at = FromUnixMs(1000)) {
  store::Event event = Of(client, at);
  event.mutable_session_opened()->set_transport("websocket");
  return event;
}

inline store::Event SessionClosed(const std::string& client, std::uint32_t disconnects,
                                  Timestamp at = FromUnixMs(1000)) {
  store::Event event = Of(client, at);
  event.mutable_session_closed()->set_disconnects(disconnects);
  return event;
}

inline store::Event Subscribed(const std::string& client, ChannelId channel, Seq start) {
  store::Event event = Of(client);
  event.mutable_subscribed()->set_channel(channel.value);
  event.mutable_subscribed()->set_start(start.value);
  return event;
}

inline store::Event Unsubscribed(const std::string& client, ChannelId channel,
                                 const std::vector<Seq>& parked = {}) {
  store::Event event = Of(client);
  event.mutable_unsubscribed()->set_channel(channel.value);
  for (const Seq seq : parked) event.mutable_unsubscribed()->add_parked(seq.value);
  return event;
}

inline store::Event Acked(const std::string& client, ChannelId channel,
                          const std::vector<SeqRun>& runs, const std::vector<Seq>& unparked = {}) {
  store::Event event = Of(client);
  auto& part = *event.mutable_acked()->add_channels();
  part.set_channel(channel.value);
  for (const SeqRun& run : runs) SetRun(*part.add_runs(), run);
  for (const Seq seq : unparked) part.add_unparked(seq.value);
  return event;
}

struct FailedAttempt {
  std::uint32_t attempt = 1;
  bool counted = true;
  Timestamp due = FromUnixMs(5000);
  int reason = 1;
};
inline store::Event Failed(const std::string& client, ChannelId channel, SeqRun run,
                           const FailedAttempt& how = {}) {
  store::Event event = Of(client);
  event.mutable_failed()->set_reason(how.reason);
  auto& part = *event.mutable_failed()->add_channels();
  part.set_channel(channel.value);
  part.set_counted(how.counted);
  part.set_due_at_ms(ToUnixMs(how.due));
  SetRun(*part.add_runs(), run);
  part.mutable_runs(0)->set_attempt(how.attempt);
  return event;
}

inline store::Event Parked(const std::string& client, ChannelId channel, Seq seq) {
  store::Event event = Of(client);
  event.mutable_parked()->set_channel(channel.value);
  event.mutable_parked()->set_seq(seq.value);
  event.mutable_parked()->set_attempts(6);
  return event;
}

inline store::Event Abandoned(const std::string& client, ChannelId channel, SeqRun run) {
  store::Event event = Of(client);
  event.mutable_abandoned()->set_channel(channel.value);
  SetRun(*event.mutable_abandoned()->add_runs(), run);
  return event;
}

inline store::Event Forgotten(const std::string& client) {
  store::Event event = Of(client);
  event.mutable_client_forgotten()->set_note("ticket 812");
  return event;
}

// `replay` is the writer's to set, and a test's that has none.
inline store::Event ReplayStarted(std::uint64_t deliveries, ReplayId replay = {}) {
  store::Event event = Of("");
  event.mutable_replay_started()->set_replay(replay.value);
  event.mutable_replay_started()->set_deliveries(deliveries);
  event.mutable_replay_started()->set_rate_per_second(100);
  event.mutable_replay_started()->set_note("incident 7");
  return event;
}

inline store::Event ReplayPinned(const std::string& client, ChannelId channel,
                                 const std::vector<SeqRun>& runs, ReplayId replay = {}) {
  store::Event event = Of(client);
  event.mutable_replay_pinned()->set_replay(replay.value);
  event.mutable_replay_pinned()->set_channel(channel.value);
  SeqRuns pinned;
  for (const SeqRun& run : runs) pinned.Add(run);
  PackRuns(pinned, *event.mutable_replay_pinned()->mutable_runs());
  return event;
}

inline store::Event ReplayOutcome(ReplayId replay, const std::string& client, ChannelId channel,
                                  SeqRun run, store::ReplayOutcome::Kind kind) {
  store::Event event = Of(client, FromUnixMs(2000));
  auto& outcome = *event.mutable_replay_outcome();
  outcome.set_replay(replay.value);
  outcome.set_channel(channel.value);
  SetRun(*outcome.add_runs(), run);
  outcome.set_kind(kind);
  if (kind == store::ReplayOutcome::SKIPPED) outcome.set_reason(10);
  return event;
}

inline store::Event ReplayControlled(ReplayId replay, int action, std::uint32_t rate = 0) {
  store::Event event = Of("", FromUnixMs(3000));
  event.mutable_replay_controlled()->set_replay(replay.value);
  event.mutable_replay_controlled()->set_action(action);
  event.mutable_replay_controlled()->set_rate_per_second(rate);
  return event;
}

// Acknowledged as a delivery of a replay.
inline store::Event AckedInReplay(ReplayId replay, const std::string& client, ChannelId channel,
                                  SeqRun run) {
  store::Event event = Of(client);
  auto& part = *event.mutable_acked()->add_channels();
  part.set_channel(channel.value);
  part.set_replay(replay.value);
  SetRun(*part.add_replayed(), run);
  part.mutable_replayed(0)->set_attempt(7);
  return event;
}

inline store::Event Dismissed(const std::string& client, ChannelId channel,
                              const std::vector<Seq>& seqs, const std::string& note = "") {
  store::Event event = Of(client);
  event.mutable_abandoned()->set_channel(channel.value);
  event.mutable_abandoned()->set_reason(22);  // v1::REASON_DISMISSED
  event.mutable_abandoned()->set_detail(note);
  for (const Seq seq : seqs) event.mutable_abandoned()->add_unparked(seq.value);
  return event;
}

inline store::Event Paused(const std::string& client, const std::string& note = "") {
  store::Event event = Of(client);
  event.mutable_client_paused()->set_paused(true);
  event.mutable_client_paused()->set_note(note);
  return event;
}

inline store::Event Resumed(const std::string& client) {
  store::Event event = Of(client);
  event.mutable_client_paused()->set_paused(false);
  return event;
}

}  // namespace ackwire::events
