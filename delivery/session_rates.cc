#include "delivery/session_rates.h"

#include <string>

#include "delivery/message_json.h"

namespace ackwire {
namespace {

std::optional<TokenBucket> BucketOf(std::optional<std::uint64_t> rate, Timestamp now) {
  if (!rate) return std::nullopt;
  return TokenBucket({.per_second = *rate}, now);
}

Status TooMany(const char* what, std::uint64_t limit, const char* flag, Duration wait) {
  return RetryIn(wait, Error(StatusCode::kResourceExhausted,
                             std::string(what) + ": at most " + std::to_string(limit) +
                                 " a second (" + flag + "); what was over it was not acted upon"));
}

}  // namespace

SessionRates::SessionRates(const SessionPolicy& policy, Timestamp now)
    : policy_(policy),
      frames_(BucketOf(policy.frame_rate, now)),
      bytes_(BucketOf(policy.byte_rate, now)),
      errors_({.per_second = kErrorsPerSecond, .at_once = kErrorsAtOnce}, now) {}

SessionRates::Verdict SessionRates::TakeFrame(std::size_t bytes, Timestamp now) {
  if (frames_) {
    const Duration wait = frames_->Take(1, now);
    if (wait != Duration{}) {
      return {TooMany("frames", *policy_.frame_rate, "--session-frame-rate", wait),
              Limit::kSessionFrameRate};
    }
  }
  if (bytes_) {
    const Duration wait = bytes_->Take(bytes, now);
    if (wait != Duration{}) {
      return {TooMany("bytes", *policy_.byte_rate, "--session-byte-rate", wait),
              Limit::kSessionByteRate};
    }
  }
  return {};
}

bool SessionRates::TakeError(Timestamp now) { return errors_.Take(1, now) == Duration{}; }

}  // namespace ackwire
