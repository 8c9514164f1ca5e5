// EventEncoder writes a session's JSON frames as events of a text/event-stream (HTML, 9.2), named
// by the frame's type, with the frame as data, and `SESSION:DELIVERY` as the id by which an
// EventSource that comes back says what has arrived.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class EventEncoder {
 public:
  struct Options {
    Duration retry{};           // how long the peer is to wait before it connects again
    std::uint64_t arrived = 0;  // in the session that it resumes
  };
  explicit EventEncoder(const Options& options) : options_(options) {}

  // `deliveries`: the numbers in the frame. REQUIRES: the session's first frame is its `welcome`,
  // or it has none.
  [[nodiscard]] std::string Encode(std::string_view frame,
                                   const std::vector<std::uint64_t>& deliveries);
  // The last: the connection ends with this code.
  [[nodiscard]] std::string EncodeClose(std::uint16_t code, const std::string& reason) const;

 private:
  const Options options_;
  std::string session_;
};

// What a peer that reconnects says of the last event that it has.
struct LastEvent {
  std::string session;
  std::uint64_t delivery = 0;
};
//   kInvalidArgument  it is no id of an event of ours; names `field`
[[nodiscard]] StatusOr<LastEvent> ParseLastEvent(const char* field, std::string_view id);

}  // namespace ackwire
