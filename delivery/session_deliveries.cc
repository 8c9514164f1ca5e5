// What an open session sends: what is owed, and what replays deliver again.
#include <algorithm>
#include <utility>

#include "delivery/hub.h"
#include "delivery/replay_name.h"
#include "delivery/session.h"
#include "store/crash_point.h"
#include "store/stub.h"

namespace ackwire {
namespace {

std::string_view CauseOf(v1::Reason gone_for) {
  if (gone_for == v1::REASON_REDACTED) return "redacted";
  return gone_for == v1::REASON_RETENTION ? "retention" : "loss";
}

}  // namespace

void Session::Pump() {
  while (state_ == State::kOpen && !reading_ && outlet_.queued_bytes() < kUnsentBytesMax) {
    // What is owed comes first: a replay takes what room it leaves.
    if (const auto next = ledger_->FindNext(hub_.now())) {
      if (!SendNext(*next)) break;
    } else if (const auto replay = ledger_->FindReplay(hub_.now())) {
      if (!SendReplay(*replay)) break;
    } else {
      break;
    }
  }
  if (!frame_.empty()) FlushFrame();
  FlushGap();
}

bool Session::SendNext(const DeliveryKey& key) {
  const auto message = hub_.cache().Find(key, form());
  if (message == nullptr) {
    ReadAhead(key, Lane::kOwed);
    return false;
  }
  if (message->gone_for) {
    SkipGone(key, *message->gone_for);
    return true;
  }
  const Timestamp now = hub_.now();
  if (message->expires_at && *message->expires_at <= now) {
    ledger_->Abandon(key, v1::REASON_EXPIRED, now);
  } else if (!Fits(*message)) {
    ledger_->Reject(key, v1::REASON_TOO_LARGE,
                    "the message takes " + std::to_string(message->In(form()).size()) +
                        " bytes, the client's frame limit is " + std::to_string(max_frame_bytes_),
                    now);
  } else {
    AddItem(ledger_->Send(key, message->published_at, now), *message);
  }
  return true;
}

bool Session::SendReplay(const DeliveryKey& key) {
  const auto message = hub_.cache().Find(key, form());
  if (message == nullptr) {
    ReadAhead(key, Lane::kReplay);
    return false;
  }
  const Timestamp now = hub_.now();
  LedgerJournal::Outcome skipped{.kind = store::ReplayOutcome::SKIPPED,
                                 .state = v1::DELIVERY_STATE_ABANDONED};
  if (message->gone_for) {
    skipped.reason = AbandonedFor(*message->gone_for);
    ledger_->EndReplay(key, skipped);
  } else if (message->expires_at && *message->expires_at <= now) {
    skipped.reason = v1::REASON_EXPIRED;
    ledger_->EndReplay(key, skipped);
  } else if (!Fits(*message)) {
    ledger_->EndReplay(key, {.kind = store::ReplayOutcome::FAILED, .reason = v1::REASON_TOO_LARGE});
  } else {
    AddItem(ledger_->SendReplay(key, message->published_at, now), *message);
    hub_.deps().metrics.Replayed();
  }
  return true;
}

bool Session::Fits(const EncodedMessage& message) const {
  return message.In(form()).size() + frame::kItemBytesMax <= max_frame_bytes_;
}

void Session::AddItem(const ClientLedger::Delivery& delivery, const EncodedMessage& message) {
  const std::string replay = delivery.replay.value == 0 ? "" : NameOf(delivery.replay);
  const std::string item =
      protocol_.EncodeDelivery({delivery.number, delivery.attempt, replay}, message.In(form()));
  if (!frame_.Fits(item, std::min<std::size_t>(max_frame_bytes_, kDeliveriesBytesMax))) {
    FlushFrame();
  }
  FlushGap();
  frame_.Add(item);
  frame_deliveries_.push_back(delivery.number);
}

void Session::ReadAhead(const DeliveryKey& key, Lane lane) {
  reading_ = true;
  const std::size_t room = ledger_->window() - ledger_->sent().in_flight();
  hub_.Read({key, room}, [self = shared_from_this(), key, lane](const Status& status) {
    self->reading_ = false;
    if (self->state_ != State::kOpen) return;
    if (status.code() == StatusCode::kDataLoss && lane == Lane::kReplay) {
      self->ledger_->EndReplay(key, {.kind = store::ReplayOutcome::FAILED});
    } else if (status.code() == StatusCode::kDataLoss) {
      self->Hold(key, status);
    } else if (!status.ok()) {
      return self->Fail(status);
    }
    self->Changed();
  });
}

void Session::Replay(const std::vector<ReplayDelivery>& deliveries) {
  ledger_->AddReplays(deliveries, hub_.now());
  Changed();
}

std::vector<DeliveryKey> Session::WithdrawReplay(ReplayId replay) {
  return ledger_->WithdrawReplay(replay);
}

void Session::Hold(const DeliveryKey& key, const Status& damage) {
  if (!ledger_->Hold(key)) return;
  const std::string& channel = ledger_->feeds().at(key.channel).name();
  outlet_.Write(
      protocol_.EncodeError(0, Error(StatusCode::kDataLoss,
                                     channel + ": seq " + std::to_string(key.seq.value) +
                                         " cannot be read and is not delivered until the " +
                                         "operator has recovered the log: " + MessageOf(damage))),
      {});
}

void Session::SkipGone(const DeliveryKey& key, v1::Reason why) {
  ledger_->Abandon(key, AbandonedFor(why), hub_.now());
  AddGap(key.channel, {key.seq, key.seq}, why);
}

void Session::AddGap(ChannelId channel, SeqRun seqs, v1::Reason why) {
  const std::string& name = ledger_->feeds().at(channel).name();
  const std::string_view cause = CauseOf(why);
  if (gap_ && gap_->channel == name && gap_->cause == cause &&
      gap_->last.value + 1 == seqs.first.value) {
    gap_->last = seqs.last;
    return;
  }
  if (!frame_.empty()) FlushFrame();  // what was before the gap comes before it
  FlushGap();
  gap_ = frame::Gap{name, seqs.first, seqs.last, cause};
}

void Session::FlushGap() {
  if (gap_) outlet_.Write(protocol_.EncodeGap(*gap_), {});
  gap_.reset();
}

void Session::FlushFrame() {
  CrashPoint(crash::kBeforeSend);
  outlet_.Write(frame_.Take(), std::exchange(frame_deliveries_, {}));
}

}  // namespace ackwire
