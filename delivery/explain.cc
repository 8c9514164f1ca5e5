#include "delivery/explain.h"

#include "delivery/delivery_story.h"
#include "delivery/explain_sentence.h"
#include "store/proto_time.h"
#include "store/stub.h"

namespace ackwire {
namespace {

void Set(v1::Delivery& delivery, v1::DeliveryState state, v1::Reason reason) {
  delivery.set_state(state);
  delivery.set_reason(reason);
}

void Set(v1::Delivery& delivery, v1::DeliveryState state, v1::Reason reason, Timestamp settled_at) {
  Set(delivery, state, reason);
  SetTime(*delivery.mutable_settled_at(), settled_at);
}

void DecideNotOwed(const DeliveryFacts& facts, const DeliveryStory& story, v1::Delivery& delivery) {
  if (!facts.message) {
    Set(delivery, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_NO_SUCH_MESSAGE);
  } else if (story.abandoned != nullptr && story.abandoned->event.has_unsubscribed()) {
    const int reason = story.abandoned->event.unsubscribed().reason();
    Set(delivery, v1::DELIVERY_STATE_ABANDONED,
        reason == 0 ? v1::REASON_UNSUBSCRIBED : static_cast<v1::Reason>(reason),
        WhenOf(*story.abandoned));
  } else {
    Set(delivery, v1::DELIVERY_STATE_NOT_OWED,
        facts.entry.subscribed() ? v1::REASON_BEFORE_SUBSCRIPTION : v1::REASON_NO_SUBSCRIPTION);
  }
}

void DecideSettled(const DeliveryFacts& facts, const DeliveryStory& story, v1::Delivery& delivery) {
  if (facts.parked) {
    Set(delivery, v1::DELIVERY_STATE_PARKED,
        static_cast<v1::Reason>(facts.parked->event.parked().reason()), WhenOf(*facts.parked));
  } else if (facts.parked_before) {
    Set(delivery, v1::DELIVERY_STATE_PARKED, v1::REASON_UNSPECIFIED);
  } else if (facts.acked) {
    Set(delivery, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED, WhenOf(*facts.acked));
  } else if (story.abandoned != nullptr) {
    Set(delivery, v1::DELIVERY_STATE_ABANDONED,
        static_cast<v1::Reason>(story.abandoned->event.abandoned().reason()),
        WhenOf(*story.abandoned));
  } else {
    Set(delivery, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED);
  }
}

void DecidePending(const DeliveryFacts& facts, v1::Delivery& delivery) {
  if (facts.live && facts.live->forbidden) {
    // What else it may wait for comes after that.
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_FORBIDDEN);
  } else if (facts.live && facts.live->blocked_by) {
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_WAITING_FOR_EARLIER);
    delivery.set_blocked_by_seq(facts.live->blocked_by->value);
  } else if (facts.state.paused) {
    // Before the window: that opens by itself, and nothing would be sent then.
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_PAUSED);
  } else if (!facts.online) {
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_OFFLINE);
  } else if (facts.live && facts.live->window_full) {
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_WINDOW_FULL);
  } else {
    Set(delivery, v1::DELIVERY_STATE_PENDING, v1::REASON_UNSPECIFIED);
  }
}

void DecideUnsettled(const DeliveryFacts& facts, v1::Delivery& delivery) {
  if (facts.live && facts.live->in_flight) {
    Set(delivery, v1::DELIVERY_STATE_IN_FLIGHT, v1::REASON_UNSPECIFIED);
    return;
  }
  // What is lost or has expired is put on record as abandoned when its turn comes; a client that
  // has it may acknowledge it until then.
  if (IsStub(*facts.message)) {
    Set(delivery, v1::DELIVERY_STATE_ABANDONED, AbandonedFor(GoneFor(*facts.message)));
    return;
  }
  if (facts.message->has_expires_at() && TimeOf(facts.message->expires_at()) <= facts.now) {
    Set(delivery, v1::DELIVERY_STATE_ABANDONED, v1::REASON_EXPIRED,
        TimeOf(facts.message->expires_at()));
    return;
  }
  const auto retry = facts.entry.retries().find(facts.seq);
  // What was recalled has not failed: it waits for the message that did.
  const bool backoff = retry != facts.entry.retries().end() && retry->second.due > facts.now &&
                       retry->second.reason != v1::REASON_RECALLED;
  if (!backoff) return DecidePending(facts, delivery);
  Set(delivery, v1::DELIVERY_STATE_BACKOFF, static_cast<v1::Reason>(retry->second.reason));
  SetTime(*delivery.mutable_next_attempt_at(), retry->second.due);
}

}  // namespace

v1::Delivery Explain(const DeliveryFacts& facts) {
  v1::Delivery delivery;
  delivery.set_client(facts.client);
  delivery.set_channel(facts.channel);
  delivery.set_seq(facts.seq.value);
  delivery.set_message_id(facts.message ? facts.message->message_id() : facts.message_id);
  if (facts.message) *delivery.mutable_published_at() = facts.message->published_at();
  delivery.set_attempts_max(facts.attempts_max);
  const DeliveryStory story = StoryOf(facts);
  delivery.mutable_attempts()->Add(story.attempts.begin(), story.attempts.end());
  if (!facts.message || !facts.owed()) {
    DecideNotOwed(facts, story, delivery);
  } else if (facts.entry.IsSettled(facts.seq)) {
    DecideSettled(facts, story, delivery);
  } else {
    DecideUnsettled(facts, delivery);
  }
  delivery.set_explanation(ExplanationOf(facts, story, delivery));
  return delivery;
}

}  // namespace ackwire
