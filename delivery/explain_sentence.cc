#include "delivery/explain_sentence.h"

#include <fmt/format.h>

#include "delivery/message_json.h"
#include "delivery/metrics.h"
#include "store/proto_time.h"

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
// recalled or cut off does not bring a delivery nearer to being parked.
std::string AttemptName(const v1::Attempt& attempt, const DeliveryFacts& facts,
                        const DeliveryStory& story) {
  const std::string of =
      story.failed == story.counted
          ? fmt::format("of {}", facts.attempts_max)
          : fmt::format("({} of {} failures that count)", story.counted, facts.attempts_max);
  return fmt::format("attempt {} {}, {}", attempt.number(), of, SentWhen(attempt));
}

std::string FailedHow(const v1::Attempt& attempt) {
  return FailedHow(attempt.reason()) + Detail(attempt.reason(), attempt.detail());
}

// What became of the last attempt that failed, as the beginning of a clause.
std::string LastFailure(const DeliveryFacts& facts, const DeliveryStory& story) {
  if (story.failed == 0) return "it was not sent yet";
  const v1::Attempt& last = story.attempts[story.failed - 1];
  return AttemptName(last, facts, story) + ", " + FailedHow(last);
}

// The same behind a later attempt; empty when none failed.
std::string BeforeThat(const DeliveryStory& story) {
  if (story.failed == 0) return "";
  const v1::Attempt& last = story.attempts[story.failed - 1];
  return fmt::format("; before that, attempt {}, {}, {}", last.number(), SentWhen(last),
                     FailedHow(last));
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
      return fmt::format("it comes after seq {}, which failed and is tried again first{}",
                         decided.blocked_by_seq(), ButPaused(facts));
    case v1::REASON_WINDOW_FULL:
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

// What a replay has in flight, behind what had become of the delivery.
std::string Again(const v1::Attempt& attempt) {
  return fmt::format("; replay {} delivers it again: attempt {}, {}", attempt.replay(),
                     attempt.number(), SentWhen(attempt));
}

std::string Acked(const DeliveryFacts& facts, const DeliveryStory& story,
                  const v1::Delivery& decided) {
  const std::string what = MessageName(facts);
  if (!decided.has_settled_at()) {
    return fmt::format("{} has settled {}; when is no longer on record", facts.client, what);
  }
  std::string sentence =
      fmt::format("{} acknowledged {} at {}", facts.client, what, Time(decided.settled_at()));
  // A replay may be delivering it once more.
  const bool again = facts.live && facts.live->in_flight;
  const std::size_t ended = story.attempts.size() - (again ? 1 : 0);
  const bool late = story.failed > 0 && ended == story.failed;
  if (late) {
    sentence += ", late: " + LastFailure(facts, story);
  } else if (ended > 0) {
    sentence += ": " + AttemptName(story.attempts[ended - 1], facts, story) + BeforeThat(story);
  }
  return again ? sentence + Again(story.attempts.back()) : sentence;
}

std::string Parked(const DeliveryFacts& facts, const DeliveryStory& story,
                   const v1::Delivery& decided) {
  const auto why = [&]() -> std::string {
    switch (decided.reason()) {
      case v1::REASON_MAX_ATTEMPTS:
        return "out of attempts";
      case v1::REASON_REJECTED:
        return "rejected for good";
      case v1::REASON_DISCONNECTED:
        return "too many lost connections in a row";
      default:
        return LabelOf(decided.reason());
    }
  }();
  const std::string parked =
      fmt::format("it was parked at {}, {}", Time(decided.settled_at()), why);
  if (!facts.live || !facts.live->in_flight) {
    return parked + ", and waits to be replayed or dismissed";
  }
  return parked + Again(story.attempts.back());
}

std::string Abandoned(const DeliveryFacts& facts, const DeliveryStory& story,
                      const v1::Delivery& decided) {
  if (facts.message->kind() == v1::KIND_UNSPECIFIED) {
    return "the log lost it, which an operator accepted; it will not be delivered";
  }
  const std::string at = Time(decided.settled_at());
  switch (decided.reason()) {
    case v1::REASON_EXPIRED:
      return "it expired at " + at;
    case v1::REASON_UNSUBSCRIBED:
      return "the subscription ended at " + at;
    case v1::REASON_RETENTION:
      return "it was removed by retention at " + at;
    case v1::REASON_DISMISSED:
      return fmt::format("it was parked, and an operator dismissed it at {}{}", at,
                         Quoted(story.abandoned->event.abandoned().detail()));
    default:
      return fmt::format("it was abandoned at {} ({})", at, LabelOf(decided.reason()));
  }
}

std::string InFlight(const DeliveryFacts& facts, const DeliveryStory& story) {
  return AttemptName(story.attempts.back(), facts, story) +
         ", waits for the acknowledgement and fails after " + Seconds(facts.ack_wait) +
         " without one" + BeforeThat(story);
}

}  // namespace

std::string ExplanationOf(const DeliveryFacts& facts, const DeliveryStory& story,
                          const v1::Delivery& decided) {
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
      return lacks + LastFailure(facts, story) + "; " + Parked(facts, story, decided);
    case v1::DELIVERY_STATE_ABANDONED:
      return lacks + LastFailure(facts, story) + "; " + Abandoned(facts, story, decided);
    default:
      return lacks + LastFailure(facts, story) + "; " + Pending(facts, decided);
  }
}

}  // namespace ackwire
