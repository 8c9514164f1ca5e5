// ClientLedger is everything one connected client is owed, while it is connected: its
// subscriptions' feeds, what is in flight, and what is not on record yet. Event and time in; what
// to send next, and journal events, out. It knows no socket, no disk and no clock.
//
// Threads:  one owner: the thread of the client's session.
// Durable:  nothing here is, until the events that TakeEvents gave are committed.
// Bounds:   at most `window` deliveries in flight.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/ack_window.h"
#include "delivery/attempt_end.h"
#include "delivery/channel_feed.h"
#include "delivery/forbidden_channels.h"
#include "delivery/ledger_journal.h"
#include "delivery/policies.h"
#include "delivery/replay_lane.h"
#include "store/records.pb.h"
#include "store/rng.h"
#include "store/seq_runs.h"
#include "store/work.h"

namespace ackwire {

class ClientLedger {
 public:
  struct Options {
    std::string client;
    SessionIdentity session;
    std::uint32_t window = 0;
    std::uint32_t disconnects = 0;  // in a row before this session
    bool paused = false;
  };
  // `policies` and `rng` are borrowed. `sent` is the resumed session's, or a new one.
  ClientLedger(Options options, AckWindow sent, const Policies& policies, Rng& rng);

  // The session is open: that goes on record.
  void Open(Timestamp now);
  // The session goes on from an earlier connection, of which the client completed everything up to
  // and including `delivery` (0: nothing). What lies beyond is sent again under new numbers.
  // REQUIRES: all its subscriptions were added, and the numbers of those that ended meanwhile were
  //           forgotten: one may have begun anew, and owes nothing by what the earlier one sent.
  void Resume(std::uint64_t delivery, Timestamp now);
  // The same, but up to `delivery` it has only arrived: nothing is acknowledged. Of what is owed,
  // what was in flight up to there is so again, with its number, its attempt and its deadline.
  void GoOn(std::uint64_t delivery, Timestamp now);
  // The connection has ended. What is in flight fails for the reason; with `write_failed` only what
  // the kernel had not taken, the rest as `disconnected`. With the max-disconnects-th such end in a
  // row, the oldest delivery in flight is parked. Nothing may be sent after it.
  void Close(const Ending& ending, Timestamp now);

  // Who it is from now on. What it may not subscribe to stays owed; in flight, it fails.
  void SetCaller(Caller caller, Timestamp now);

  // A subscription is on disk. One that is here already stays as it is; returns whether it is new.
  bool AddSubscription(const SubscriptionState& subscription);
  // Ends it, also one that is not here: it may have been made a moment ago. Whether there was one,
  // and what its end abandons, is for the writer to say.
  void RemoveSubscription(ChannelId channel, Timestamp now);
  void RenewPolicies();
  void Extend(ChannelId channel, Seq last);  // it has grown

  // It is paused or resumed, or deliveries are dismissed or removed; Dismissed tells how many were
  // parked. Returns what is owed no more of what was.
  SeqRuns Apply(const store::Event& change, Timestamp now);
  void Dismissed(ChannelId channel, std::uint64_t count);

  // The delivery to send next; none when it is paused, the window full or nothing due. Channels
  // take turns: asked again before it is sent, the answer is the same.
  [[nodiscard]] std::optional<DeliveryKey> FindNext(Timestamp now);
  // It goes to the connection.
  struct Delivery {
    std::uint64_t number = 0;
    std::uint32_t attempt = 0;
    ReplayId replay;
  };
  Delivery Send(const DeliveryKey& key, Timestamp published_at, Timestamp now);

  // Deliveries of replays, in a lane of their own, beside what is owed. They are acknowledged and
  // fail like others, but are recalled by nothing, and once they are out of attempts their replay
  // has failed for them.
  void AddReplays(const std::vector<ReplayDelivery>& deliveries, Timestamp now);
  // Gives those of a replay back that are not in flight.
  std::vector<DeliveryKey> WithdrawReplay(ReplayId replay) { return lane_.Withdraw(replay); }
  [[nodiscard]] std::optional<DeliveryKey> FindReplay(Timestamp now);
  Delivery SendReplay(const DeliveryKey& key, Timestamp published_at, Timestamp now);
  // It is not sent, ever. `how` is all but the replay.
  void EndReplay(const DeliveryKey& key, LedgerJournal::Outcome how);
  // The kernel has taken their last byte: from now on they may time out.
  void Written(const std::vector<std::uint64_t>& deliveries, Timestamp now);
  // It is not sent, ever: its ttl has passed, …
  void Abandon(const DeliveryKey& key, v1::Reason reason, Timestamp now);
  // Parked: it cannot be sent to this client.
  void Reject(const DeliveryKey& key, v1::Reason reason, const std::string& detail, Timestamp now);
  // ChannelFeed::Hold. Returns whether it is the first of its channel.
  bool Hold(const DeliveryKey& key);

  // The client's answers. `kNotFound` for a number that this session was never sent,
  // `kPermissionDenied` for what the token does not allow any more; the others are processed.
  [[nodiscard]] Status AckUpTo(std::uint64_t delivery, Timestamp now);
  [[nodiscard]] Status Ack(const std::vector<std::uint64_t>& deliveries, Timestamp now);
  [[nodiscard]] Status Nack(const Refusal& refusal, Timestamp now);
  [[nodiscard]] Status Working(const std::vector<std::uint64_t>& deliveries, Timestamp now);

  // Ends the attempts that were not acknowledged in time.
  void Tick(Timestamp now);
  // When Tick or FindNext may have something to do.
  [[nodiscard]] std::optional<Timestamp> NextEvent() const;

  // What happened since the last call, oldest first.
  [[nodiscard]] std::vector<store::Event> TakeEvents(Timestamp now) { return journal_.Take(now); }
  // How long after their publishing the deliveries were acknowledged since the last call.
  [[nodiscard]] std::vector<Duration> TakeAckAges() { return std::exchange(ack_ages_, {}); }
  [[nodiscard]] bool HasEvents() const { return !journal_.empty(); }

  // The numbers, for a session that resumes this one. REQUIRES: Close was called.
  [[nodiscard]] AckWindow TakeAckWindow() { return std::move(sent_); }

  [[nodiscard]] const std::string& client() const { return options_.client; }
  [[nodiscard]] const SessionIdentity& session() const { return options_.session; }
  [[nodiscard]] std::uint32_t window() const { return options_.window; }
  [[nodiscard]] bool paused() const { return options_.paused; }
  [[nodiscard]] bool IsFull(ChannelId channel) const;  // nothing more of it may be in flight
  [[nodiscard]] bool IsForbidden(ChannelId channel) const { return forbidden_.Contains(channel); }
  [[nodiscard]] const AckWindow& sent() const { return sent_; }
  [[nodiscard]] const ReplayLane& lane() const { return lane_; }
  [[nodiscard]] std::uint64_t acked_total() const { return acked_total_; }
  [[nodiscard]] const std::map<ChannelId, ChannelFeed>& feeds() const { return feeds_; }
  [[nodiscard]] const ChannelFeed* FindFeed(const std::string& channel) const;  // null: none
  // Owed and not settled, over all subscriptions.
  [[nodiscard]] std::uint64_t undelivered() const;

 private:
  using Numbers = std::vector<std::uint64_t>;  // of deliveries in flight
  void Settle(std::uint64_t number, Timestamp now);
  // The attempt under way of the delivery that was sent under `number`, if it is another one.
  [[nodiscard]] std::optional<AckWindow::Sent> Overtaken(std::uint64_t number) const;
  void SettleReplay(const AckWindow::Sent& sent);
  void GiveUp(const AckWindow::Sent& sent, Timestamp now);
  void CountAcked();
  // A nack of a delivery whose attempts have ended before.
  void NackEnded(std::uint64_t number, const Refusal& refusal, Timestamp now);
  void FailReplays(const Numbers& failed, v1::Reason reason, const Refusal& refusal, Timestamp now);
  // Ends attempts that do not count. Those of replays are taken out of `all`, and returned.
  Numbers FailUncounted(Numbers& all, v1::Reason reason, const std::string& detail, Timestamp now);
  void FailClosed(Numbers failed, v1::Reason reason, const std::string& detail, Timestamp now);
  // Ends counted attempts of what is owed, in one event; then retries or parks, and recalls others.
  void FailCounted(const Numbers& failed, v1::Reason reason, const Refusal& refusal, Timestamp now);
  // All of `keys`, but of each ordered channel only the lowest: what is behind it is covered.
  [[nodiscard]] std::vector<DeliveryKey> Heads(const std::vector<DeliveryKey>& keys) const;
  void ParkExhausted(const std::vector<DeliveryKey>& failed, v1::Reason reason,
                     const Refusal& refusal, Timestamp now);
  // Of an ordered channel: takes back what is in flight beyond `failed`.
  void Recall(const DeliveryKey& failed, AckWindow::State state, Timestamp now);
  // The client has dropped a delivery, and in an ordered channel all that it held behind it.
  void Drop(const DeliveryKey& key, Timestamp now);
  // The event may be added to until the next one.
  store::Parked& Park(const DeliveryKey& key, v1::Reason reason, const std::string& detail,
                      Timestamp now);
  [[nodiscard]] SeqRuns OwedAndNotInFlight(ChannelId channel, const SeqRuns& seqs) const;
  void AddUnsubscribed(ChannelId channel, Timestamp now);
  // Ends the attempt, and adds it to the event.
  void Fail(std::uint64_t number, const HowFailed& how, store::Failed& record);
  // Of these, those of replays; the others stay.
  [[nodiscard]] Numbers TakeReplays(Numbers& numbers) const;
  [[nodiscard]] ChannelFeed& feed(ChannelId channel) { return feeds_.at(channel); }
  [[nodiscard]] RetrySchedule ScheduleOf(ChannelId channel);
  void StartDeadlines(const Numbers& numbers, Timestamp now);
  void WakeWaiting(Timestamp now);
  void DropForbidden();
  void EndForbiddenReplay(const DeliveryKey& key);
  void TellForbidden(ChannelId channel, Timestamp now);
  [[nodiscard]] Status CheckAllowed(std::uint64_t number) const;
  [[nodiscard]] Status Unknown(std::uint64_t number) const;

  Options options_;
  const Policies& policies_;
  Rng& rng_;
  AckWindow sent_;
  std::map<ChannelId, ChannelFeed> feeds_;
  std::map<std::string, ChannelId> by_name_;
  ChannelId last_turn_;                                // the channel that was served last
  std::set<ChannelId> ready_;                          // may have something to send
  std::set<std::pair<Timestamp, ChannelId>> waiting_;  // have something to send then
  ForbiddenChannels forbidden_;
  std::uint64_t acked_total_ = 0;
  LedgerJournal journal_;
  ReplayLane lane_;
  std::vector<Duration> ack_ages_;
};

}  // namespace ackwire
