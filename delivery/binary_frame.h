// A frame of ackwire.v1.binary: two bytes, big-endian, that say of what type, and the protobuf
// message of that name (frames.proto).
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ackwire::frame {

inline constexpr std::size_t kTypeBytes = 2;

// A ackwire.v1.FrameType, or one that is unknown.
// REQUIRES: at least kTypeBytes.
[[nodiscard]] inline int TypeOf(std::string_view frame) {
  constexpr unsigned kByteBits = 8;
  const auto byte = [frame](std::size_t at) { return static_cast<unsigned char>(frame[at]); };
  return static_cast<int>((byte(0) << kByteBits) | byte(1));
}

[[nodiscard]] inline std::string TypeBytes(int type) {
  constexpr unsigned kByteBits = 8;
  return {static_cast<char>(type >> kByteBits), static_cast<char>(type)};
}

}  // namespace ackwire::frame
