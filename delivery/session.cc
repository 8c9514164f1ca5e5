#include "delivery/session.h"

#include <utility>

#include "delivery/client_homes.h"
#include "delivery/hub.h"
#include "delivery/loaded_client.h"
#include "delivery/message_json.h"
#include "store/message_id.h"

namespace ackwire {

Session::Session(Hub& hub, Outlet& outlet, const frame::FrameProtocol& protocol,
                 SessionIdentity identity)
    : hub_(hub),
      outlet_(outlet),
      protocol_(protocol),
      identity_(std::move(identity)),
      heartbeat_({.interval = hub.deps().session_policy.ping_interval,
                  .timeout = hub.deps().session_policy.ping_timeout,
                  .answered = outlet.answers_pings()}),
      rates_(hub.deps().session_policy, hub.now()),
      frame_(protocol.Deliveries()) {
  identity_.protocol = protocol.name();
}

void Session::Start(std::string token) {
  token_ = std::move(token);
  connected_at_ = hub_.now();
  hub_.WakeAt(*this, connected_at_ + hub_.deps().session_policy.connect_timeout);
}

Status Session::TakeCall(std::size_t bytes) {
  heartbeat_.Heard(hub_.now());
  const SessionRates::Verdict verdict = rates_.TakeFrame(bytes, hub_.now());
  if (!verdict.status.ok()) hub_.deps().metrics.LimitHit(verdict.limit);
  return verdict.status;
}

void Session::OnControl() {
  heartbeat_.Heard(hub_.now());
  if (state_ != State::kEnded) (void)WithinRates({});
}

void Session::OnFrame(std::string_view bytes) {
  heartbeat_.Heard(hub_.now());
  if (state_ == State::kEnded || !WithinRates(bytes)) return;
  if (state_ == State::kOpen) {
    OnFrame(protocol_.Parse(bytes));
  } else if (state_ != State::kEnded) {
    OnFrameBeforeOpen(bytes);
  }
}

void Session::OnOtherKind() {
  const char* kind = protocol_.form() == frame::Form::kJson ? "text" : "binary";
  Shut(close_code::kUnsupportedData,
       std::string(protocol_.name()) + " carries " + kind + " frames only");
}

void Session::OnFrameBeforeOpen(std::string_view bytes) {
  bytes_before_open_ += bytes.size();
  if (bytes_before_open_ > kBytesBeforeConnectMax) {
    return Shut(close_code::kBadFrame, kTooMuchBeforeConnect);
  }
  if (state_ == State::kClaiming) {
    early_frames_.emplace_back(bytes);
    if (early_frames_.size() < kFramesBeforeConnectMax) return;
    return Shut(close_code::kBadFrame, "more than two frames before connect succeeded");
  }
  frame::ClientFrame parsed = protocol_.Parse(bytes);
  if (auto* malformed = std::get_if<frame::Malformed>(&parsed)) {
    return Shut(close_code::kBadFrame, malformed->why);
  }
  auto* connect = std::get_if<frame::Connect>(&parsed);
  if (connect == nullptr) {
    auto* refused = std::get_if<frame::Refused>(&parsed);
    if (refused != nullptr && refused->type == "connect") {
      outlet_.Write(protocol_.EncodeError(0, refused->why), {});
      return Shut(close_code::kBadFrame, MessageOf(refused->why));
    }
    return Shut(close_code::kBadFrame, "the first frame must be connect");
  }
  connect_ = std::move(*connect);
  if (Admit()) Claim();
}

void Session::OnConnect(frame::Connect connect, Caller caller) {
  connect_ = std::move(connect);
  caller_ = std::move(caller);
  Claim();
}

void Session::Claim() {
  state_ = State::kClaiming;
  ClientDirectory::Claim claim{.owner = hub_.OwnerOf(*this),
                               .new_session_id = "s-" + MakeRandomHex(hub_.rng())};
  if (connect_.resume) {
    claim.resume_session = connect_.resume->session;
    claim.resume_delivery = connect_.resume->delivery;
    claim.unless_replaced = connect_.resume->arrived;
  }
  hub_.deps().homes.Take(connect_.client, std::move(claim));
}

void Session::OnGranted(Grant grant) {
  if (state_ == State::kEnded) {
    hub_.deps().homes.Release(client(), grant.session_id, std::move(grant.sent));
    return;
  }
  identity_.id = grant.session_id;
  grant_ = std::move(grant);
  hub_.Claimed(*this);
  denied_ = TakeDeniedSubscriptions();
  if (connect_.subscriptions.empty()) {
    Load();
  } else {
    SubscribeThenLoad();
  }
}

void Session::SubscribeThenLoad() {
  SubscribeWork work;
  for (const frame::Subscribe& each : connect_.subscriptions) {
    work.requests.push_back({client(), each.channel, each.start});
  }
  work.done = hub_.Posting<StatusOr<std::vector<SubscriptionState>>>(
      [self = shared_from_this()](const StatusOr<std::vector<SubscriptionState>>& outcome) {
        if (self->state_ != State::kClaiming) return;
        if (outcome.ok()) return self->Load();
        self->outlet_.Write(self->protocol_.EncodeError(0, outcome.status()), {});
        if (IsOverLimit(outcome.status()))
          self->hub_.deps().metrics.LimitHit(Limit::kSubscriptions);
        // Both tell the client to come again, with a long wait where it asked for too much.
        const bool too_much = outcome.status().code() == StatusCode::kResourceExhausted;
        self->Shut(too_much ? close_code::kTooManyErrors : close_code::kInternal,
                   MessageOf(outcome.status()));
      });
  hub_.deps().store.Submit(std::move(work));
}

void Session::Load() {
  auto done = hub_.Posting<StatusOr<LoadedClient>>(
      [self = shared_from_this()](const StatusOr<LoadedClient>& loaded) {
        if (self->state_ == State::kClaiming) self->OnLoaded(loaded);
      });
  hub_.deps().read(
      [&store = hub_.deps().store, client = client(), done] { done(LoadClient(store, client)); });
}

void Session::OnLoaded(const StatusOr<LoadedClient>& loaded) {
  if (!loaded.ok()) return Fail(loaded.status());
  const std::uint32_t window = connect_.window == 0 ? hub_.deps().policies.flags().window
                                                    : std::min(connect_.window, kWindowMax);
  if (connect_.max_frame_bytes != 0) {
    max_frame_bytes_ = std::min(connect_.max_frame_bytes, kFrameBytesDefault);
  }
  ledger_.emplace(ClientLedger::Options{.client = client(),
                                        .session = identity_,
                                        .window = window,
                                        .disconnects = loaded->state.disconnects,
                                        .paused = loaded->state.paused},
                  std::move(grant_->sent), hub_.deps().policies, hub_.rng());
  const Timestamp now = hub_.now();
  ledger_->SetCaller(caller_, now);
  for (const SubscriptionState& each : loaded->subscriptions) AddSubscription(each);
  loaded_up_to_ = loaded->up_to;
  for (const auto& [each, id] : std::exchange(early_subscriptions_, {})) {
    if (IsNews(each.channel, id)) AddSubscription(each);
  }
  ledger_->Open(now);
  if (grant_->resumed && connect_.resume->arrived) {
    ledger_->GoOn(connect_.resume->delivery, now);
  } else if (grant_->resumed) {
    ledger_->Resume(connect_.resume->delivery, now);
  }
  state_ = State::kOpen;
  SendWelcome();
  hub_.Opened(*this);
  for (const Status& each : denied_) outlet_.Write(protocol_.EncodeError(0, each), {});
  if (connect_.receipts) hub_.WatchReceipts(*this);
  heartbeat_.Start(now);
  for (const std::string& early : std::exchange(early_frames_, {})) {
    if (state_ == State::kOpen) OnFrame(protocol_.Parse(early));
  }
  for (const auto& [channel, done] : std::exchange(early_unsubscriptions_, {})) {
    if (!UnsubscribeFromElsewhere(channel, done)) {
      hub_.deps().homes.Unsubscribe(client(), channel, done);
    }
  }
  for (const auto& [change, done] : std::exchange(early_changes_, {})) {
    if (!ChangeFromElsewhere(change, done)) hub_.deps().homes.Change(client(), change, done);
  }
  if (state_ == State::kOpen) Changed();
}

bool Session::ChangeFromElsewhere(const store::Event& change, const ChangeRecorded& done) {
  if (state_ == State::kEnded) return false;
  if (state_ != State::kOpen) {
    early_changes_.emplace_back(change, done);
    return true;
  }
  const bool is_so =
      change.has_client_paused() && change.client_paused().paused() == ledger_->paused();
  const store::Abandoned& abandoned = change.abandoned();
  const ChannelId channel{abandoned.channel()};
  const auto reason = static_cast<v1::Reason>(abandoned.reason());
  if (!is_so) {
    const SeqRuns gone = ledger_->Apply(change, hub_.now());
    for (const SeqRun& run : gone.runs()) {
      AddGap(channel, run, reason);
    }
  }
  // Without an event of its own it is answered once an earlier one of the same kind is on disk.
  hub_.SubmitEvents(TakeEvents(), [self = shared_from_this(), done, channel,
                                   reason](const StatusOr<Recorded>& recorded) {
    if (recorded.ok()) {
      self->ledger_->Dismissed(channel, recorded->dismissed);
      self->hub_.deps().metrics.DeliveriesFailed(reason, recorded->dismissed);
    }
    done(recorded);
  });
  Changed();
  return true;
}

void Session::SendWelcome() {
  frame::Welcome welcome{.session = identity_.id,
                         .epoch = hub_.deps().store.epoch(),
                         .client = client(),
                         .window = ledger_->window(),
                         .ping_interval = hub_.deps().session_policy.ping_interval,
                         .ping_timeout = hub_.deps().session_policy.ping_timeout,
                         .resumed = grant_->resumed,
                         .max_frame_bytes = max_frame_bytes_};
  for (const auto& [id, feed] : ledger_->feeds()) {
    welcome.subscriptions.push_back({feed.name(), feed.entry().floor(), feed.last()});
  }
  outlet_.Write(protocol_.EncodeWelcome(welcome), {});
  for (const frame::Subscription& rest : welcome.subscriptions) {
    outlet_.Write(protocol_.EncodeSubscribed(0, rest), {});
  }
}

void Session::AddSubscription(const SubscriptionState& subscription) {
  if (!ledger_->AddSubscription(subscription)) return;
  hub_.Listen(*this, subscription.channel);
  // The hub may have passed on messages between the reading of the subscription and now.
  ledger_->Extend(subscription.channel, hub_.deps().store.derived().LastOf(subscription.channel));
}

void Session::SendReceipts(ReceiptWatch& watch) {
  frame::ItemsFrame frame = protocol_.Receipts();
  const bool room = state_ == State::kOpen && outlet_.queued_bytes() < kUnsentBytesMax;
  watch.Take(*this, hub_.now(), [&](const frame::Receipt& receipt) {
    if (!caller_.MaySubscribe(receipt.channel).ok()) return true;
    const std::string item = protocol_.EncodeReceipt(receipt);
    const auto bytes_max = std::min<std::size_t>(max_frame_bytes_, kDeliveriesBytesMax);
    if (!room || !frame.Fits(item, bytes_max)) return false;
    frame.Add(item);
    return true;
  });
  if (!frame.empty()) outlet_.Write(frame.Take(), {});
}

void Session::OnReplaced() { Shut(close_code::kSessionReplaced, "the client connected elsewhere"); }

void Session::OnRefused() {
  if (state_ == State::kEnded) return;
  Fail(Error(StatusCode::kUnavailable,
             "the server cannot put on record what clients do, and is about to end"));
}

void Session::Fail(const Status& status) {
  outlet_.Write(protocol_.EncodeError(0, status), {});
  Shut(close_code::kInternal, MessageOf(status));
}

void Session::Shut(std::uint16_t code, const std::string& reason) {
  if (state_ == State::kEnded) return;
  close_code_ = code;
  if (code == close_code::kDisconnected) operators_words_ = reason;
  outlet_.Close(code, reason);
  End(code);
}

void Session::OnWriteFailed() {
  write_failed_ = true;
  End(close_code::kAbnormal);
}

void Session::End(std::uint16_t code) {
  if (state_ == State::kEnded) return;
  const State before = std::exchange(state_, State::kEnded);
  hub_.deps().metrics.SessionClosed(code);
  if (before == State::kOpen) {
    // Only what we close ourselves, and not for what the client did, leaves the count alone.
    const std::set<std::uint16_t> uncounted = {
        close_code::kServiceRestart, close_code::kTokenExpired, close_code::kDisconnected,
        close_code::kSessionReplaced, close_code::kGoingAway};
    const bool by_us = close_code_ == code && uncounted.contains(code);
    ledger_->Close({.close_code = code,
                    .reason = write_failed_                       ? v1::REASON_WRITE_FAILED
                              : code == close_code::kSlowConsumer ? v1::REASON_SLOW_CONSUMER
                                                                  : v1::REASON_DISCONNECTED,
                    .detail = "close code " + std::to_string(code) +
                              (operators_words_.empty() ? "" : ": " + operators_words_),
                    .counts = !by_us},
                   hub_.now());
    hub_.deps().homes.Releasing(client());
    hub_.SubmitEnding(TakeEvents(),
                      [&homes = hub_.deps().homes, client = client(), id = identity_.id,
                       sent = ledger_->TakeAckWindow()](const auto& recorded) {
                        // A damaged row keeps nothing else from the record.
                        const bool damaged = recorded.status().code() == StatusCode::kDataLoss;
                        if (!recorded.ok() && !damaged) return homes.Lose(client);
                        homes.Release(client, id, sent);
                      });
  } else if (grant_) {
    hub_.deps().homes.Release(client(), identity_.id, std::move(grant_->sent));
  }
  // It may be ending between two of these: then they are not left for whoever opened it.
  for (const auto& [channel, done] : std::exchange(early_unsubscriptions_, {})) {
    hub_.deps().homes.Unsubscribe(client(), channel, done);
  }
  for (const auto& [change, done] : std::exchange(early_changes_, {})) {
    hub_.deps().homes.Change(client(), change, done);
  }
  for (const auto& [channel, waiting] : std::exchange(turns_, {})) {
    for (const auto& act : waiting) act();
  }
  hub_.Remove(*this);
}

std::vector<AckWindow::Sent> Session::InFlight() const {
  std::vector<AckWindow::Sent> in_flight;
  for (const std::uint64_t number : ledger_->sent().AllInFlight()) {
    in_flight.push_back(*ledger_->sent().Find(number));
  }
  return in_flight;
}

}  // namespace ackwire
