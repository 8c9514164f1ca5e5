// Journal events, as their owners make them.
#pragma once

#include <string>
#include <vector>

#include "store/records.pb.h"
#include "store/seq_runs.h"
#include "store/types.h"

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

}  // namespace ackwire::events
