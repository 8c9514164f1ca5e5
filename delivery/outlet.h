// Outlet is where a session's frames go: a WebSocket, or whatever carries them instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/types.h"

namespace ackwire {

// Threads:  the I/O thread of the connection.
// Lifetime: outlives its session's end: the connection owns both.
class Outlet {
 public:
  virtual ~Outlet() = default;

  // Queues a frame. Once the kernel has taken its last byte, Session::OnWritten is called with
  // `deliveries`, the numbers that the frame carries.
  virtual void Write(std::string text, std::vector<std::uint64_t> deliveries) = 0;

  // Sends what is queued, then closes with this code. Nothing may be written after it.
  virtual void Close(std::uint16_t code, const std::string& reason) = 0;

  // Closes at once, without waiting for a peer that takes nothing.
  virtual void Abort() = 0;

  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  // False: the peer cannot answer a ping.
  [[nodiscard]] virtual bool answers_pings() const { return true; }
  // Since when the peer has taken nothing of the write under way; none when nothing is being
  // written.
  [[nodiscard]] virtual std::optional<Timestamp> writing_since() const = 0;
  // Looks whether it has, where that is not told: to be called often while something is written.
  [[nodiscard]] virtual bool is_looked_at() const { return false; }
  virtual void LookAtPeer() {}
};

// Close codes of the contract.
namespace close_code {
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kAbnormal = 1006;  // never sent: the connection was lost
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kServiceRestart = 1012;
inline constexpr std::uint16_t kPingTimeout = 4001;
inline constexpr std::uint16_t kSlowConsumer = 4002;
inline constexpr std::uint16_t kTokenExpired = 4003;
inline constexpr std::uint16_t kDisconnected = 4004;
inline constexpr std::uint16_t kInternal = 4005;
inline constexpr std::uint16_t kConnectTimeout = 4006;
inline constexpr std::uint16_t kTooManyErrors = 4007;
inline constexpr std::uint16_t kSessionReplaced = 4500;
inline constexpr std::uint16_t kUnauthorized = 4501;
inline constexpr std::uint16_t kBadFrame = 4502;
}  // namespace close_code

}  // namespace ackwire
