#include "delivery/replay_name.h"

#include <array>
#include <charconv>

namespace ackwire {
namespace {

constexpr int kBase = 36;
constexpr std::string_view kPrefix = "r-";

}  // namespace

std::string NameOf(ReplayId replay) {
  std::array<char, 16> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), replay.value, kBase).ptr;
  return std::string(kPrefix).append(digits.data(), end);
}

std::optional<ReplayId> ParseReplayName(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  ReplayId replay;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), replay.value, kBase);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && replay.value != 0 ? std::optional(replay) : std::nullopt;
}

}  // namespace ackwire
