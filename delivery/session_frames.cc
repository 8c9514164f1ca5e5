// What an open session does: the client's frames and time.
#include <utility>

#include "delivery/client_answer.h"
#include "delivery/client_homes.h"
#include "delivery/hub.h"
#include "delivery/replay_name.h"
#include "delivery/session.h"
#include "store/crash_point.h"
#include "store/proto_time.h"

namespace ackwire {
namespace {

// Changes of one channel's subscription that wait for the one before them.
constexpr std::size_t kTurnsWaitingMax = 1024;

Status TooManyWaiting(const std::string& channel) {
  return Error(StatusCode::kResourceExhausted,
               "channel: more than " + std::to_string(kTurnsWaitingMax) +
                   " changes of the subscription to " + channel + " wait; try again");
}

// So often it is looked whether a peer that is being written to takes anything.
constexpr int kLooksPerStall = 8;

// A longer frame that asks for an answer is no frame of a good client.
constexpr std::size_t kParsedForIdMax = 4096;

// 0: it asks for no answer.
std::uint32_t IdOf(const frame::ClientFrame& frame) {
  return std::visit(
      [](const auto& each) -> std::uint32_t {
        if constexpr (requires { each.id; }) return each.id;
        return 0;
      },
      frame);
}

Status NotSubscribed(const std::string& client, const std::string& channel) {
  return Error(StatusCode::kNotFound, client + " is not subscribed to " + channel);
}

}  // namespace

bool Session::WithinRates(std::string_view frame) {
  const SessionRates::Verdict verdict = rates_.TakeFrame(frame.size(), hub_.now());
  if (verdict.status.ok()) return true;
  hub_.deps().metrics.LimitHit(verdict.limit);
  // Whoever waits for an answer to it gets this one; what is long is not even parsed.
  const bool is_short = frame.size() <= kParsedForIdMax;
  Blame(is_short && !frame.empty() ? IdOf(protocol_.Parse(frame)) : 0, verdict.status);
  return false;
}

void Session::Blame(std::uint32_t id, const Status& status, const std::string& code) {
  outlet_.Write(protocol_.EncodeError(id, status, code), {});
  if (rates_.TakeError(hub_.now())) return;
  hub_.deps().metrics.LimitHit(Limit::kSessionErrors);
  Shut(close_code::kTooManyErrors, "too many errors, or over a rate, again and again");
}

void Session::OnFrame(frame::ClientFrame frame) {
  std::visit([this](auto& each) { On(each); }, frame);
  if (state_ != State::kOpen) return;
  if (outlet_.queued_bytes() > hub_.deps().session_policy.queued_bytes) {
    hub_.deps().metrics.LimitHit(Limit::kSessionQueue);
    Shut(close_code::kSlowConsumer, "it asks faster than it takes the answers");
    return outlet_.Abort();
  }
  Changed();
}

void Session::On(frame::Connect&) {
  Blame(0, InvalidArgument("connect: this session is connected"));
}

void Session::On(frame::Pong&) {}

void Session::On(frame::Malformed& frame) { Shut(close_code::kBadFrame, frame.why); }

void Session::On(frame::Refused& frame) { Blame(frame.id, frame.why); }

bool Session::TakeTurn(const std::string& channel, std::function<void()> act) {
  const auto [turn, free] = turns_.try_emplace(channel);
  if (free) {
    act();
    return true;
  }
  if (turn->second.size() >= kTurnsWaitingMax) return false;
  turn->second.push_back(std::move(act));
  return true;
}

void Session::EndTurn(const std::string& channel) {
  const auto turn = turns_.find(channel);
  if (turn == turns_.end()) return;  // the session has ended
  if (turn->second.empty()) {
    turns_.erase(turn);
    return;
  }
  const std::function<void()> next = std::move(turn->second.front());
  turn->second.pop_front();
  next();
}

void Session::On(frame::Subscribe& frame) {
  if (Status status = caller_.MaySubscribe(frame.channel); !status.ok()) {
    return Blame(frame.id, status);
  }
  const bool taken = TakeTurn(frame.channel, [self = shared_from_this(), frame] {
    if (self->state_ == State::kOpen) self->Subscribe(frame);
  });
  if (!taken) Blame(frame.id, TooManyWaiting(frame.channel));
}

void Session::Subscribe(const frame::Subscribe& frame) {
  SubscribeWork work;
  work.requests.push_back({client(), frame.channel, frame.start});
  work.done = hub_.Posting<StatusOr<std::vector<SubscriptionState>>>(
      [self = shared_from_this(), id = frame.id,
       channel = frame.channel](const StatusOr<std::vector<SubscriptionState>>& outcome) {
        if (self->state_ == State::kOpen) self->OnOwnSubscription(id, channel, outcome);
      });
  hub_.deps().store.Submit(std::move(work));
}

void Session::OnOwnSubscription(std::uint32_t id, const std::string& channel,
                                const StatusOr<std::vector<SubscriptionState>>& outcome) {
  if (outcome.ok()) {
    AddSubscription(outcome->front());
    const ChannelFeed& feed = *ledger_->FindFeed(channel);
    outlet_.Write(protocol_.EncodeSubscribed(id, {channel, feed.entry().floor(), feed.last()}), {});
  } else if (IsOverLimit(outcome.status())) {
    hub_.deps().metrics.LimitHit(Limit::kSubscriptions);
    Blame(id, outcome.status());
  } else {
    outlet_.Write(protocol_.EncodeError(id, outcome.status()), {});
  }
  EndTurn(channel);
  if (state_ == State::kOpen) Changed();
}

bool Session::IsNews(ChannelId channel, EventId id) const {
  const auto ended = ended_.find(channel);
  return id.number() > loaded_up_to_ && (ended == ended_.end() || id > ended->second);
}

void Session::OnSubscribed(const SubscriptionState& subscription, EventId id) {
  if (state_ == State::kClaiming) {
    early_subscriptions_.emplace_back(subscription, id);
  } else if (state_ == State::kOpen && !turns_.contains(subscription.channel_name) &&
             IsNews(subscription.channel, id) &&
             ledger_->FindFeed(subscription.channel_name) == nullptr) {
    AddSubscription(subscription);
    outlet_.Write(protocol_.EncodeSubscribed(0, {subscription.channel_name,
                                                 subscription.entry.floor(), subscription.last}),
                  {});
    Changed();
  }
}

void Session::On(frame::Unsubscribe& frame) {
  Unsubscribe(frame.channel, [self = shared_from_this(), id = frame.id,
                              channel = frame.channel](const StatusOr<std::uint64_t>& abandoned) {
    if (self->state_ != State::kOpen) return;
    self->outlet_.Write(abandoned.ok() ? self->protocol_.EncodeUnsubscribed(id, channel, *abandoned)
                                       : self->protocol_.EncodeError(id, abandoned.status()),
                        {});
  });
}

bool Session::UnsubscribeFromElsewhere(const std::string& channel, const Unsubscribed& done) {
  if (state_ == State::kEnded) return false;
  if (state_ != State::kOpen) {
    early_unsubscriptions_.emplace_back(channel, done);
    return true;
  }
  Unsubscribe(channel, [self = shared_from_this(), channel,
                        done](const StatusOr<std::uint64_t>& abandoned) {
    if (abandoned.ok() && self->state_ == State::kOpen) {
      self->outlet_.Write(self->protocol_.EncodeUnsubscribed(0, channel, *abandoned), {});
    }
    done(abandoned);
  });
  return true;
}

void Session::Unsubscribe(const std::string& channel, const Unsubscribed& done) {
  const bool taken = TakeTurn(channel, [self = shared_from_this(), channel, done] {
    if (self->state_ == State::kOpen) return self->EndSubscription(channel, done);
    self->hub_.deps().homes.Unsubscribe(self->client(), channel, done);
  });
  if (!taken) done(TooManyWaiting(channel));
}

void Session::EndSubscription(const std::string& channel, const Unsubscribed& done) {
  const ChannelId id = hub_.deps().store.derived().IdOf(channel);
  if (id.value == 0) {
    done(NotSubscribed(client(), channel));
    return EndTurn(channel);
  }
  // There may be one that was made elsewhere, and the relay's news of it are still to come: whether
  // there is, is the writer's to say.
  ledger_->RemoveSubscription(id, hub_.now());
  hub_.Unlisten(*this, id);
  hub_.SubmitEvents(TakeEvents(), [self = shared_from_this(), channel, id,
                                   done](const StatusOr<Recorded>& recorded) {
    self->OnSubscriptionEnded(channel, id, recorded, done);
  });
}

void Session::OnSubscriptionEnded(const std::string& channel, ChannelId id,
                                  const StatusOr<Recorded>& recorded, const Unsubscribed& done) {
  if (!recorded.ok()) {
    done(recorded.status());
  } else if (recorded->ended.value == 0) {
    done(NotSubscribed(client(), channel));
  } else {
    ended_[id] = recorded->ended;
    hub_.deps().metrics.DeliveriesFailed(v1::REASON_UNSUBSCRIBED, recorded->abandoned);
    done(recorded->abandoned);
  }
  EndTurn(channel);
}

void Session::On(frame::Ack& frame) {
  const Status status = ActOn(*ledger_, frame, hub_.now());
  if (!status.ok()) return OnDeliveryRefused(frame.id, status);
  if (frame.id != 0) confirms_.push_back(frame.id);
}

void Session::On(frame::Nack& frame) {
  const Status status = ActOn(*ledger_, frame, hub_.now());
  if (!status.ok()) OnDeliveryRefused(0, status);
}

void Session::On(frame::Working& frame) {
  const Status status = ActOn(*ledger_, frame, hub_.now());
  if (!status.ok()) OnDeliveryRefused(0, status);
}

void Session::OnDeliveryRefused(std::uint32_t id, const Status& status) {
  Blame(id, status, status.code() == StatusCode::kNotFound ? "unknown_delivery" : "");
}

void Session::OnWritten(const std::vector<std::uint64_t>& deliveries) {
  if (state_ != State::kOpen) return;
  CrashPoint(crash::kAfterSend);
  ledger_->Written(deliveries, hub_.now());
  // Each was sent in this session, so none is unknown.
  if (connect_.acks_when_written) (void)ledger_->Ack(deliveries, hub_.now());
  Changed();
}

void Session::OnTime() {
  const Timestamp now = hub_.now();
  if (state_ == State::kConnecting || state_ == State::kClaiming) {
    const bool silent = state_ == State::kConnecting;
    if (silent) hub_.deps().metrics.LimitHit(Limit::kConnectTimeout);
    return Shut(
        close_code::kConnectTimeout,
        silent ? "no connect frame in time" : "the client could not be had in time; connect again");
  }
  if (state_ != State::kOpen) return;
  if (Status expired = caller_.CheckExpiry(now); !expired.ok()) return Refuse(expired);
  outlet_.LookAtPeer();
  const auto writing_since = outlet_.writing_since();
  if (writing_since && now - *writing_since >= hub_.deps().session_policy.write_stall) {
    hub_.deps().metrics.LimitHit(Limit::kWriteStall);
    Shut(close_code::kSlowConsumer, "the socket took no bytes");
    return outlet_.Abort();
  }
  switch (heartbeat_.OnTime(now)) {
    case Heartbeat::Action::kGiveUp:
      return Shut(close_code::kPingTimeout, "nothing heard");
    case Heartbeat::Action::kPing:
      outlet_.Write(protocol_.EncodePing(), {});
      break;
    case Heartbeat::Action::kNone:
      break;
  }
  ledger_->Tick(now);
  Changed();
}

void Session::Changed() {
  Pump();
  if (state_ != State::kOpen) return;
  if (ledger_->HasEvents() || !confirms_.empty()) hub_.MarkDirty(*this);
  Timestamp wake = heartbeat_.NextEvent();
  if (const auto next = ledger_->NextEvent()) wake = std::min(wake, *next);
  if (const auto expiry = caller_.expires_at()) wake = std::min(wake, *expiry);
  if (const auto since = outlet_.writing_since()) {
    const Duration stall = hub_.deps().session_policy.write_stall;
    wake = std::min(wake, *since + stall);
    if (outlet_.is_looked_at()) wake = std::min(wake, hub_.now() + stall / kLooksPerStall);
  }
  hub_.WakeAt(*this, wake);
}

std::vector<store::Event> Session::TakeEvents() {
  for (const Duration age : ledger_->TakeAckAges()) hub_.deps().metrics.AckedAfter(age, 1);
  return ledger_->TakeEvents(hub_.now());
}

void Session::SendDraining(const frame::Draining& draining) {
  outlet_.Write(protocol_.EncodeDraining(draining), {});
}

void Session::Confirm(const std::vector<std::uint32_t>& ids) {
  if (state_ != State::kOpen) return;
  for (const std::uint32_t id : ids) outlet_.Write(protocol_.EncodeConfirmed(id), {});
}

void Session::RenewPolicies() {
  if (state_ != State::kOpen) return;  // they are read anew when it opens
  ledger_->RenewPolicies();
  Changed();
}

void Session::Record(std::function<void()> done) {
  hub_.SubmitEvents(TakeEvents(), [done = std::move(done)](const auto&) { done(); });
}

LiveDelivery Session::Live(ChannelId channel, Seq seq) const {
  LiveDelivery live;
  live.forbidden = ledger_->IsForbidden(channel);
  live.window_full = ledger_->IsFull(channel);
  const bool by_share = live.window_full && ledger_->sent().in_flight() < ledger_->window();
  if (const auto number = ledger_->sent().InFlight({channel, seq})) {
    const AckWindow::Sent& sent = *ledger_->sent().Find(*number);
    live.in_flight = true;
    live.attempt.set_number(sent.attempt);
    if (sent.replay.value != 0) live.attempt.set_replay(NameOf(sent.replay));
    live.attempt.set_session(identity_.id);
    live.attempt.set_transport(identity_.transport);
    live.attempt.set_remote_address(identity_.remote_address);
    SetTime(*live.attempt.mutable_sent_at(), sent.sent_at);
  }
  live.replay_due = ledger_->lane().DueOf({channel, seq});
  const auto feed = ledger_->feeds().find(channel);
  if (feed != ledger_->feeds().end()) {
    if (by_share) live.share_full = feed->second.policy().window.value_or(0);
    live.window_full = live.window_full || feed->second.IsFull();
    const auto blocked_by = feed->second.blocked_by();
    if (blocked_by && *blocked_by < seq) {
      live.blocked_by = blocked_by;
      live.blocked_by_damage = feed->second.IsHeld(*blocked_by);
    }
  }
  return live;
}

v1::Session Session::Describe() const {
  v1::Session out;
  out.set_id(identity_.id);
  out.set_transport(identity_.transport);
  out.set_protocol(identity_.protocol);
  out.set_remote_address(identity_.remote_address);
  SetTime(*out.mutable_connected_at(), connected_at_);
  out.set_in_flight(static_cast<std::uint32_t>(ledger_->sent().in_flight()));
  out.set_sent(ledger_->sent().last_number());
  out.set_acked(ledger_->acked_total());
  return out;
}

}  // namespace ackwire
