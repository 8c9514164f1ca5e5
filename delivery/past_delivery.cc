#include "delivery/past_delivery.h"

#include <algorithm>
#include <utility>

#include "delivery/delivery_story.h"
#include "delivery/message_json.h"
#include "store/proto_time.h"

namespace ackwire {

PastDelivery::PastDelivery(DeliveryFacts asked, Ordering ordering)
    : asked_(std::move(asked)), ordering_(ordering), client_(asked_.now) {}

void PastDelivery::Begin(const JournalReader::Beginning& beginning) {
  client_.Begin(beginning);
  const auto parked = beginning.parked.find(asked_.channel_id);
  parked_before_ = parked != beginning.parked.end() && parked->second.Contains(asked_.seq);
}

void PastDelivery::Add(const JournalEvent& event) {
  client_.Add(event);
  if (asked_.message && WhenOf(event) <= asked_.now) Keep(event);
}

void PastDelivery::Keep(const JournalEvent& event) {
  const store::Event& what = event.event;
  const auto touches = [this](std::uint64_t channel) { return channel == asked_.channel_id.value; };
  const bool begins = what.has_subscribed() && touches(what.subscribed().channel());
  const bool ends = what.has_unsubscribed() && touches(what.unsubscribed().channel());
  if (begins || ends) {
    Unpark();
    acked_.reset();
  }
  if (TellsOfFailure(what, asked_.channel_id, asked_.seq)) {
    failures_.push_back(event);
    if (failures_.size() > kPastFailuresMax) failures_.pop_front();
    if (what.has_parked()) parked_ = event;
    if (what.abandoned().unparked_size() > 0) Unpark();  // dismissed
  }
  if (Acknowledges(what, asked_.channel_id, asked_.seq)) {
    Unpark();
    acked_ = event;
  }
}

void PastDelivery::Unpark() {
  parked_.reset();
  parked_before_ = false;
}

DeliveryFacts PastDelivery::Facts() const {
  DeliveryFacts facts = asked_;
  if (!facts.message) return facts;
  facts.entry = client_.Entry(facts.channel_id);
  facts.state = client_.state();
  facts.failures.assign(failures_.begin(), failures_.end());
  facts.online = client_.session().has_value();
  if (facts.online) facts.live = Live();
  if (!facts.owed() || !facts.entry.IsSettled(facts.seq)) return facts;
  facts.parked = parked_;
  facts.parked_before = parked_before_;
  if (!facts.parked) facts.acked = acked_;
  return facts;
}

LiveDelivery PastDelivery::Live() const {
  const PastClient::Session& session = *client_.session();
  LiveDelivery live;
  live.window_full = session.window > 0 && client_.in_flight().size() >= session.window;
  const auto attempt = client_.in_flight().find({asked_.channel_id, asked_.seq});
  if (attempt != client_.in_flight().end()) {
    live.in_flight = true;
    live.attempt.set_number(attempt->second.number);
    live.attempt.set_session(session.id);
    live.attempt.set_transport(session.transport);
    live.attempt.set_remote_address(session.remote_address);
    SetTime(*live.attempt.mutable_sent_at(), attempt->second.sent_at);
  }
  if (ordering_ == Ordering::kUnordered) return live;
  const LedgerEntry entry = client_.Entry(asked_.channel_id);
  const auto blocks = std::find_if(entry.retries().begin(), entry.retries().end(),
                                   [](const auto& retry) { return retry.second.counted > 0; });
  if (blocks != entry.retries().end() && blocks->first < asked_.seq) {
    live.blocked_by = blocks->first;
  }
  return live;
}

v1::Delivery ExplainThen(const DeliveryFacts& facts, std::optional<Timestamp> log_begins) {
  v1::Delivery delivery = Explain(facts);
  const std::string then =
      log_begins && facts.now < *log_begins
          ? "nothing is on record yet: the log begins at " + FormatTime(*log_begins)
          : delivery.explanation();
  delivery.set_explanation("At " + FormatTime(facts.now) + ": " + then);
  return delivery;
}

}  // namespace ackwire
