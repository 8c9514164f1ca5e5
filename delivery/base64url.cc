#include "delivery/base64url.h"

#include <array>
#include <cstdint>

namespace ackwire {
namespace {

constexpr std::string_view kBase64UrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNoSextet = 64;

constexpr std::array<std::uint8_t, 256> SextetOfEach() {
  std::array<std::uint8_t, 256> sextets{};
  sextets.fill(kNoSextet);
  for (std::size_t i = 0; i < kBase64UrlAlphabet.size(); ++i) {
    sextets[static_cast<unsigned char>(kBase64UrlAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return sextets;
}

constexpr std::array<std::uint8_t, 256> kSextets = SextetOfEach();

}  // namespace

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t held = 0;  // bits that make no whole byte yet
  unsigned held_bits = 0;
  for (const char c : text) {
    const std::uint8_t sextet = kSextets[static_cast<unsigned char>(c)];
    if (sextet == kNoSextet) return std::nullopt;
    held = (held << 6U) | sextet;
    held_bits += 6;
    if (held_bits < 8) continue;
    held_bits -= 8;
    bytes.push_back(static_cast<char>(held >> held_bits));
    held &= (1U << held_bits) - 1;
  }
  if (held != 0) return std::nullopt;
  return bytes;
}

}  // namespace ackwire
