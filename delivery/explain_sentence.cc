#include "delivery/explain_sentence.h"

#include <fmt/format.h>

#include <algorithm>

#include "delivery/message_json.h"
#include "delivery/metrics.h"
#include "delivery/replay_name.h"
#include "store/proto_time.h"
#include "store/stub.h"

namespace ackwire {
namespace {

std::string Time(const google::protobuf::Timestamp& time) { return FormatTime(TimeOf(time)); }

std::string Seconds(Duration duration) {
  const bool whole = duration.count() % 1000 == 0;
  return whole ? fmt::format("{} s", duration.count() / 1000)
               : fmt::format("{} ms", duration.count());
}

std::string MessageName(const DeliveryFacts& facts) {
  return fmt::format("seq {} of {}", facts.seq.value, facts.channel);
}

std::string FailedHow(v1::Reason reason) {
  switch (reason) {
    case v1::REASON_ACK_TIMEOUT:
      return "was not acknowledged in time";
    case v1::REASON_NACK:
      return "was refused by the client";
    case v1::REASON_REJECTED:
      return "was rejected by the client for good";
    case v1::REASON_DISCONNECTED:
      return "ended with its connection";
    case v1::REASON_SLOW_CONSUMER:
      return "ended with its connection, which did not keep up";
    case v1::REASON_WRITE_FAILED:
      return "could not be written to the connection";
    case v1::REASON_RECALLED:
      return "was recalled because an earlier message failed";
    case v1::REASON_TOO_LARGE:
      return "was larger than the client's frames may be";
    case v1::REASON_FORBIDDEN:
      return "was not allowed by the session's token";
    default:
      return "failed";
  }
}

// The client's own words are quoted; the server's are not.
std::string Detail(v1::Reason reason, const std::string& detail) {
  if (detail.empty()) return "";
  const bool words_of_client = reason == v1::REASON_NACK || reason == v1::REASON_REJECTED;
  return words_of_client ? fmt::format(" (\"{}\")", detail) : fmt::format(" ({})", detail);
}

std::string SentWhen(const v1::Attempt& attempt) {
  return fmt::format("sent {} in session {}", Time(attempt.sent_at()), attempt.session());
}

// `attempt 2 of 6, sent … in session …`. The server may send more often than it counts: what was
// recalled or cut off does not bring a delivery nearer to being parked. A replay counts by itself.
std::string AttemptName(const v1::Attempt& attempt, const DeliveryFacts& facts,
                        const DeliveryStory& story) {
  if (!attempt.replay().empty()) {
    return fmt::format("attempt {}, of replay {}, {}", attempt.number(), attempt.replay(),
                       SentWhen(attempt));
  }
  const std::string of =
      story.failed == story.counted
          ? fmt::format("of {}", facts.attempts_max)
          : fmt::format("({} of {} failures that count)", story.counted, facts.attempts_max);
  return fmt::format("attempt {} {}, {}", attempt.number(), of, SentWhen(attempt));
}

std::string FailedHow(const v1::Attempt& attempt) {
  return FailedHow(attempt.reason()) + Detail(attempt.reason(), attempt.detail());
}

bool HasFailed(const v1::Attempt& attempt) { return attempt.reason() != v1::REASON_UNSPECIFIED; }
bool IsOfReplay(const v1::Attempt& attempt) { return !attempt.replay().empty(); }

// Null when there is none.
template <typename Fits>
const v1::Attempt* LastAttempt(const DeliveryStory& story, const Fits& fits) {
  const auto found = std::find_if(story.attempts.rbegin(), story.attempts.rend(), fits);
  return found == story.attempts.rend() ? nullptr : &*found;
}

// What became of the last attempt that failed, as the beginning of a clause. What replays do comes
// behind what had become of the delivery.
std::string LastFailure(const DeliveryFacts& facts, const DeliveryStory& story,
                        const std::string& if_none = "it was not sent yet") {
  const v1::Attempt* last = LastAttempt(
      story, [](const auto& attempt) { return HasFailed(attempt) && !IsOfReplay(attempt); });
  if (last == nullptr) return if_none;
  return AttemptName(*last, facts, story) + ", " + FailedHow(*last);
}

// The same behind a later attempt; empty when none failed.
std::string BeforeThat(const v1::Attempt& later, const DeliveryStory& story) {
  const v1::Attempt* last = LastAttempt(story, [&](const auto& attempt) {
    return HasFailed(attempt) && TimeOf(attempt.sent_at()) < TimeOf(later.sent_at());
  });
  if (last == nullptr) return "";
  return fmt::format("; before that, attempt {}, {}, {}", last->number(), SentWhen(*last),
                     FailedHow(*last));
}

std::string NotOwed(const DeliveryFacts& facts, v1::Reason reason) {
  const std::string begin = fmt::format("{} is not owed {}: ", facts.client, MessageName(facts));
  if (reason == v1::REASON_NO_SUBSCRIPTION) {
    return begin + fmt::format("it has no subscription to {}", facts.channel);
  }
  if (reason == v1::REASON_BEFORE_SUBSCRIPTION) {
    return begin + fmt::format("its subscription, made {}, begins at seq {}",
                               FormatTime(facts.entry.created_at()), facts.entry.start().value);
  }
  if (facts.channel_id.value == 0) return fmt::format("there is no channel {}", facts.channel);
  if (!facts.message_id.empty()) {
    return fmt::format("{} has no message with the id {}", facts.channel, facts.message_id);
  }
  if (facts.channel_last.value == 0) {
    return fmt::format("there is no {}: nothing was published there yet", MessageName(facts));
  }
  return fmt::format("there is no {}: its last is seq {}", MessageName(facts),
                     facts.channel_last.value);
}

std::string Quoted(const std::string& words) {
  return words.empty() ? "" : fmt::format(" (\"{}\")", words);
}

std::string PausedWhen(const DeliveryFacts& facts) {
  return fmt::format("the client was paused at {}{}", FormatTime(facts.state.paused_at),
                     Quoted(facts.state.pause_note));
}

// Behind what would happen if it were not.
std::string ButPaused(const DeliveryFacts& facts) {
  if (!facts.state.paused) return "";
  return fmt::format("; {}, and is sent nothing before `ackctl resume {}`", PausedWhen(facts),
                     facts.client);
}

// When what comes first is tried again; empty when it is to be sent any moment.
std::string BlockerDue(const DeliveryFacts& facts, const v1::Delivery& decided) {
  const auto blocker = facts.entry.retries().find(Seq{decided.blocked_by_seq()});
  if (blocker == facts.entry.retries().end() || blocker->second.due <= facts.now) return "";
  return ", at " + FormatTime(blocker->second.due);
}

std::string Pending(const DeliveryFacts& facts, const v1::Delivery& decided) {
  switch (decided.reason()) {
    case v1::REASON_CLIENT_PAUSED:
      return fmt::format("{}, and is {}sent it after `ackctl resume {}`{}", PausedWhen(facts),
                         facts.online ? "" : "offline: it is ", facts.client,
                         facts.online ? "" : ", when it connects");
    case v1::REASON_CLIENT_OFFLINE:
      return "the client is offline, and is sent it when it connects";
    case v1::REASON_WAITING_FOR_EARLIER:
      if (facts.live && facts.live->blocked_by_damage) {
        return fmt::format("it comes after seq {}, which is damaged on disk and cannot be read{}",
                           decided.blocked_by_seq(), ButPaused(facts));
      }
      return fmt::format("it comes after seq {}, which failed and is tried again first{}{}",
                         decided.blocked_by_seq(), BlockerDue(facts, decided), ButPaused(facts));
    case v1::REASON_FORBIDDEN:
      return fmt::format(
          "the token of the client's session does not allow {}, and it is sent when the session "
          "has "
          "one that does{}",
          facts.channel, ButPaused(facts));
    case v1::REASON_WINDOW_FULL:
      if (facts.live && facts.live->share_full > 0) {
        return fmt::format(
            "its channel's share of the client's window, {}, is full, and it is sent when others "
            "of "
            "the channel are acknowledged",
            facts.live->share_full);
      }
      return "the client's window is full, and it is sent when others are acknowledged";
    default:
      break;
  }
  return facts.online ? "it is next to be sent" : "it is sent when the client connects";
}

std::string Backoff(const DeliveryFacts& facts, const v1::Delivery& decided) {
  const std::string at = Time(decided.next_attempt_at());
  if (facts.online) return "the next attempt is at " + at + ButPaused(facts);
  return "the client is offline, and is sent it when it connects, from " + at + " on" +
         ButPaused(facts);
}

// When a replay that is to deliver it goes on.
std::string ReplayNext(const DeliveryFacts& facts) {
  const auto due = facts.live ? facts.live->replay_due : std::nullopt;
  const std::string when = due && *due > facts.now ? "at " + FormatTime(*due)
                           : facts.replay->paused  ? "once the replay is resumed"
                           : facts.online          ? "as soon as it is its turn"
                                                   : "when the client connects";
  return when + ButPaused(facts);
}

// What replays do or have done with it since, behind what had become of the delivery.
std::string Replayed(const DeliveryFacts& facts, const DeliveryStory& story) {
  const auto since = [&](const v1::Attempt& attempt) {
    return IsOfReplay(attempt) &&
           (!story.acked || TimeOf(attempt.sent_at()) > TimeOf(story.acked->sent_at()));
  };
  const v1::Attempt* last = LastAttempt(story, since);
  const std::string open = facts.replay ? NameOf(facts.replay->id) : "";
  std::string text;
  if (last != nullptr) {
    const bool goes_on = last->replay() == open || !HasFailed(*last);
    text = fmt::format("; replay {} {} it again: attempt {}, {}", last->replay(),
                       goes_on ? "delivers" : "delivered", last->number(), SentWhen(*last));
    if (!HasFailed(*last)) return text;
    text += ", " + FailedHow(*last);
    if (goes_on) return text + ", and the next is " + ReplayNext(facts);
  }
  if (open.empty()) return text;
  return fmt::format("{}; replay {} delivers it again {}", text, open, ReplayNext(facts));
}

std::string Dismissed(const JournalEvent& event) {
  return fmt::format("an operator dismissed it at {}{}", FormatTime(WhenOf(event)),
                     Quoted(event.event.abandoned().detail()));
}

std::string Acked(const DeliveryFacts& facts, const DeliveryStory& story,
                  const v1::Delivery& decided) {
  const std::string what = MessageName(facts);
  if (!decided.has_settled_at()) {
    return fmt::format("{} has settled {}; when is no longer on record", facts.client, what);
  }
  std::string sentence =
      fmt::format("{} acknowledged {} at {}", facts.client, what, Time(decided.settled_at()));
  if (story.acked && story.late) {
    sentence +=
        ", late: " + AttemptName(*story.acked, facts, story) + ", " + FailedHow(*story.acked);
  } else if (story.acked) {
    sentence += ": " + AttemptName(*story.acked, facts, story) + BeforeThat(*story.acked, story);
  }
  const bool dismissed = story.abandoned != nullptr &&
                         story.abandoned->event.abandoned().reason() == v1::REASON_DISMISSED;
  if (dismissed) sentence += "; meanwhile " + Dismissed(*story.abandoned);
  return sentence + Replayed(facts, story);
}

std::string ParkedWhy(const DeliveryFacts& facts, const DeliveryStory& story, v1::Reason reason) {
  const store::Parked& parked = facts.parked->event.parked();
  switch (reason) {
    case v1::REASON_MAX_ATTEMPTS: {
      // What its connection ended does not count: then the server says how often that was.
      const v1::Attempt* last =
          LastAttempt(story, [](const auto& attempt) { return !IsOfReplay(attempt); });
      const bool by_connection = last != nullptr && last->reason() != v1::REASON_NACK &&
                                 last->reason() != v1::REASON_ACK_TIMEOUT;
      return by_connection && !parked.detail().empty() ? "after " + parked.detail()
                                                       : "out of attempts";
    }
    case v1::REASON_REJECTED:
      return "rejected for good" + (parked.late() ? Quoted(parked.detail()) : "");
    case v1::REASON_TOO_LARGE:
      return "too large for the client" + (parked.detail().empty() ? "" : ": " + parked.detail());
    case v1::REASON_DISCONNECTED:
      return "too many lost connections in a row";
    default:
      return LabelOf(reason);
  }
}

// Empty while a replay has it.
std::string WaitsFor(const DeliveryFacts& facts, const std::string& replayed) {
  const bool in_flight = facts.live && facts.live->in_flight;
  if (in_flight || facts.replay) return "";
  const std::string it = replayed.empty() ? "" : "it ";
  if (facts.message->has_expires_at() && TimeOf(facts.message->expires_at()) <= facts.now) {
    return fmt::format(", and {}waits to be dismissed: it expired at {}, no replay delivers it", it,
                       Time(facts.message->expires_at()));
  }
  return fmt::format(", and {}waits to be replayed or dismissed", it);
}

std::string Parked(const DeliveryFacts& facts, const DeliveryStory& story,
                   const v1::Delivery& decided) {
  if (!facts.parked) return "it was parked; when and why is no longer on record";
  const std::string replayed = Replayed(facts, story);
  return fmt::format("it was parked at {}, {}{}{}", Time(decided.settled_at()),
                     ParkedWhy(facts, story, decided.reason()), replayed,
                     WaitsFor(facts, replayed));
}

std::string AbandonedHow(const DeliveryFacts& facts, const DeliveryStory& story,
                         const v1::Delivery& decided) {
  if (IsStub(*facts.message) && GoneFor(*facts.message) == v1::REASON_UNSPECIFIED) {
    return "the log lost it, which an operator accepted; it will not be delivered";
  }
  // What is gone is put on record when the client's turn comes.
  const std::string at = decided.has_settled_at() ? Time(decided.settled_at()) : "";
  const std::string when = at.empty() ? "" : " at " + at;
  switch (decided.reason()) {
    case v1::REASON_EXPIRED:
      return "it expired at " + at + " and is not delivered any more";
    case v1::REASON_UNSUBSCRIBED:
      return "the subscription ended at " + at + ", and it is not owed any more";
    case v1::REASON_RETENTION:
      return "retention removed it" + when + ", and it will not be delivered";
    case v1::REASON_REDACTED:
      return "an operator redacted it" + when +
             (story.abandoned == nullptr ? ""
                                         : Quoted(story.abandoned->event.abandoned().detail())) +
             ", and it will not be delivered";
    case v1::REASON_SUBSCRIPTION_EXPIRED:
      return "the subscription expired at " + at +
             ", for the client had stayed away too long, and it is not owed any more";
    case v1::REASON_DISMISSED:
      return "it was parked, and " + Dismissed(*story.abandoned);
    default:
      return fmt::format("it was abandoned at {} ({})", at, LabelOf(decided.reason()));
  }
}

std::string Abandoned(const DeliveryFacts& facts, const DeliveryStory& story,
                      const v1::Delivery& decided) {
  return AbandonedHow(facts, story, decided) + Replayed(facts, story);
}

std::string InFlight(const DeliveryFacts& facts, const DeliveryStory& story) {
  return AttemptName(story.attempts.back(), facts, story) +
         ", waits for the acknowledgement and fails after " + Seconds(facts.ack_wait) +
         " without one" + BeforeThat(story.attempts.back(), story);
}

}  // namespace

std::string ExplanationOf(const DeliveryFacts& facts, const DeliveryStory& story,
                          const v1::Delivery& decided) {
  // What was parked had been sent.
  const bool attempts_are_gone = facts.parked_before || decided.reason() == v1::REASON_DISMISSED;
  const std::string never =
      attempts_are_gone ? "its attempts are no longer on record" : "it was never sent";
  const std::string lacks =
      fmt::format("{} has not acknowledged {}: ", facts.client, MessageName(facts));
  switch (decided.state()) {
    case v1::DELIVERY_STATE_NOT_OWED:
      return NotOwed(facts, decided.reason());
    case v1::DELIVERY_STATE_ACKED:
      return Acked(facts, story, decided);
    case v1::DELIVERY_STATE_IN_FLIGHT:
      return lacks + InFlight(facts, story);
    case v1::DELIVERY_STATE_BACKOFF:
      return lacks + LastFailure(facts, story) + "; " + Backoff(facts, decided);
    case v1::DELIVERY_STATE_PARKED:
      return lacks + LastFailure(facts, story, never) + "; " + Parked(facts, story, decided);
    case v1::DELIVERY_STATE_ABANDONED:
      return lacks + LastFailure(facts, story, never) + "; " + Abandoned(facts, story, decided);
    default:
      return lacks + LastFailure(facts, story) + "; " + Pending(facts, decided);
  }
}

}  // namespace ackwire
