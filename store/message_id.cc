#include "store/message_id.h"

#include <cstdint>

namespace ackwire {
namespace {

std::string Hex(std::uint64_t high, std::uint64_t low) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    out[15 - i] = kDigits[(high >> (4 * i)) & 0xFU];
    out[31 - i] = kDigits[(low >> (4 * i)) & 0xFU];
  }
  return out;
}

}  // namespace

std::string MakeUuidV7(Timestamp time, Rng& rng) {
  constexpr std::uint64_t kVersion7 = 0x7000;
  constexpr std::uint64_t kVariant = 0x8000000000000000ULL;
  const std::uint64_t ms = static_cast<std::uint64_t>(ToUnixMs(time));
  const std::uint64_t high = (ms << 16U) | kVersion7 | (rng.Next() & 0x0FFFU);
  const std::uint64_t low = kVariant | (rng.Next() >> 2U);
  const std::string hex = Hex(high, low);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string MakeRandomHex(Rng& rng) {
  const std::uint64_t high = rng.Next();
  return Hex(high, rng.Next());
}

}  // namespace ackwire
