// What holds for deliveries: of clients, of channels, of sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery/drain_plan.h"
#include "outbox/retry_schedule.h"
#include "store/types.h"

namespace ackwire {

class JsonSchema;

enum class Ordering { kOrdered, kUnordered };

// The values of the server's flags.
struct DeliveryPolicy {
  Duration ack_wait{30'000};
  RetryPolicy retry;
  std::uint32_t max_disconnects = 10;
  std::uint32_t window = 256;  // deliveries in flight for one client, unless it asks for another
  Ordering ordering = Ordering::kOrdered;
};

inline constexpr std::uint32_t kWindowMax = 4096;

// What a nack recalled is sent again this much later: a client that refuses a whole batch one by
// one says all of it first. Otherwise each nack would have the rest sent once more, the square of
// the window in all.
inline constexpr Duration kPauseAfterNack{20};

// How long what is published stays in the log: until the first of these is passed.
struct Keeping {
  std::optional<Duration> age;
  std::optional<std::uint64_t> messages;
  std::optional<std::uint64_t> bytes;           // of payloads
  Duration parked_age = std::chrono::days(90);  // with parked deliveries, so long whatever the rest
  std::optional<Duration> subscription;         // of clients that are not connected
  [[nodiscard]] bool limited() const { return age || messages || bytes; }
};

// What holds for a channel. Set once, then shared.
struct ChannelPolicy {
  Ordering ordering = Ordering::kOrdered;
  Duration ack_wait{30'000};
  RetryPolicy retry;
  std::optional<std::uint32_t> window;       // its share of the client's window; none: all of it
  std::optional<Duration> ttl;               // of messages without one of their own
  std::vector<std::string> content_types;    // what may be published; empty: any
  std::vector<std::uint32_t> types;          // likewise
  std::shared_ptr<const JsonSchema> schema;  // of payloads of application/json; null: any
  bool is_public = false;                    // its history may be cached by anyone
  Keeping keeping;
};

struct SessionPolicy {
  Duration ping_interval{30'000};
  Duration ping_timeout{45'000};
  Duration write_stall{30'000};
  std::uint64_t queued_bytes = 8ULL << 20U;  // to a client that asks and does not take the answers
  Duration connect_timeout{5'000};           // for the first frame
  Duration resume_within{120'000};           // how long a session that ended can be resumed
  DrainTimes drain;
  // What one may say in a second; none: as much as it can. By default none: a client that
  // acknowledges as fast as it is sent is a good one.
  std::optional<std::uint32_t> frame_rate;  // pings among them
  std::optional<std::uint64_t> byte_rate;
};

}  // namespace ackwire
