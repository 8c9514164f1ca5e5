// What a client says, as frames (proto/README.md), and how they are read: as JSON, or as two bytes
// that say of what type and the protobuf message of that name.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/status.h"
#include "store/types.h"
#include "store/work.h"

namespace ackwire::frame {

struct Subscribe {
  std::uint32_t id = 0;
  std::string channel;
  StartAt start;
};

struct Connect {
  std::string client;
  std::string token;  // empty: the request that opened the connection had it, or nobody needs one
  std::uint32_t window = 0;  // 0: the server's default
  struct Resume {
    std::string session;
    std::uint64_t delivery = 0;  // 0: none was completed
    bool arrived = false;        // up to `delivery` they arrived; what was completed is not said
  };
  std::optional<Resume> resume;
  std::vector<Subscribe> subscriptions;
  std::uint32_t max_frame_bytes = 0;  // 0: the server's default
  bool receipts = false;  // tell the session what becomes of the messages its user publishes
  bool acks_when_written = false;  // a delivery counts as acknowledged once its bytes are written
};

struct Unsubscribe {
  std::uint32_t id = 0;
  std::string channel;
};

struct Ack {
  std::uint64_t up_to = 0;  // 0: `deliveries` are named
  std::vector<std::uint64_t> deliveries;
  std::uint32_t id = 0;  // not 0: answer `confirmed` once it is on disk
};

struct Nack {
  std::vector<std::uint64_t> deliveries;
  std::string reason;
  Duration delay{};
  bool final = false;
};

struct Working {
  std::vector<std::uint64_t> deliveries;
};

struct Refresh {
  std::uint32_t id = 0;
  std::string token;
};

struct Pong {};

// A frame that is none: unparsable, no object, no `type`. It ends the session, 4502.
struct Malformed {
  std::string why;
};

// A frame of an unknown type, or with a field that breaks a rule: it is answered with an error, and
// the session goes on.
struct Refused {
  std::string type;  // as the client said it
  std::uint32_t id = 0;
  Status why;
};

using ClientFrame = std::variant<Connect, Subscribe, Unsubscribe, Ack, Nack, Working, Refresh, Pong,
                                 Malformed, Refused>;

// The body of a call of HTTP that does what a frame does: it names the session besides.
struct SessionCall {
  std::string session;
  std::variant<Ack, Nack, Working> answer;
};

inline constexpr std::uint64_t kNackDelayMsMax = 86'400'000;  // a day

// Unknown fields are ignored. Names and ranges are checked here (store/limits.h), so that what
// comes out can be acted on.
[[nodiscard]] ClientFrame ParseJson(std::string_view text);
[[nodiscard]] ClientFrame ParseBinary(std::string_view bytes);
// `type` is the frame's: "ack", "nack" or "working".
//   kInvalidArgument  names the field and what it must be
[[nodiscard]] StatusOr<SessionCall> ParseCall(std::string_view type, std::string_view body);

// What must hold of a frame however it came. Errors name the field as JSON spells it.
[[nodiscard]] Status Check(const ClientFrame& frame);
// `got`: the type, as it is to be shown.
[[nodiscard]] Status UnknownType(const std::string& got);

}  // namespace ackwire::frame
