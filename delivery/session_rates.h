// What a session may take. SessionRates knows how much it may say in a second, and how often it may
// be wrong.
//
// Threads: its session's.
#pragma once

#include <cstdint>
#include <optional>

#include "delivery/limit.h"
#include "delivery/policy.h"
#include "delivery/token_bucket.h"
#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kUnsentBytesMax = 256 * 1024;
inline constexpr std::size_t kFramesBeforeConnectMax = 2;
inline constexpr std::size_t kBytesBeforeConnectMax = 64 * 1024;
inline constexpr char kTooMuchBeforeConnect[] = "more than 64 KiB before connect succeeded";
inline constexpr std::uint32_t kFrameBytesDefault = 1'048'576;
inline constexpr std::size_t kDeliveriesBytesMax = 64 * 1024;  // of a frame with several items

class SessionRates {
 public:
  SessionRates(const SessionPolicy& policy, Timestamp now);

  // A frame has come, or a ping, whose bytes do not count.
  //   kResourceExhausted  with how long to wait (RetryAfter); `limit` says which it was
  struct Verdict {
    Status status;
    Limit limit = Limit::kSessionFrameRate;
  };
  [[nodiscard]] Verdict TakeFrame(std::size_t bytes, Timestamp now);

  // It is to be told of an error that is its own. False: that is once too often, and it is to be
  // closed. kErrorsAtOnce may well come of one mistake, such as a batch that is acknowledged in
  // another session than the one it came in.
  static constexpr std::uint64_t kErrorsAtOnce = 200;
  static constexpr std::uint64_t kErrorsPerSecond = 10;
  [[nodiscard]] bool TakeError(Timestamp now);

 private:
  const SessionPolicy& policy_;
  std::optional<TokenBucket> frames_;
  std::optional<TokenBucket> bytes_;
  TokenBucket errors_;
};

}  // namespace ackwire
