#include "store/index_row.h"

#include "store/keys.h"

namespace ackwire {
namespace {

constexpr std::size_t kBytes = sizeof(std::uint64_t);

}  // namespace

std::optional<IndexRow> IndexRow::Parse(std::string_view key, std::string_view value) {
  const auto parsed = keys::ParseIndex(key);
  const std::uint64_t count = value.size() / kBytes;
  if (!parsed || count == 0 || value.size() % kBytes != 0) return std::nullopt;
  if (count > parsed->last.value) return std::nullopt;  // seqs begin with 1
  return IndexRow{parsed->channel, {parsed->last.value - count + 1}, parsed->last, value};
}

std::string IndexRow::ValueOf(std::span<const Position> positions) {
  std::string value;
  value.reserve(positions.size() * kBytes);
  for (const Position position : positions) value += keys::U64(position.value);
  return value;
}

Position IndexRow::PositionOf(Seq seq) const {
  return {*keys::ParseU64(positions.substr((seq.value - first.value) * kBytes))};
}

}  // namespace ackwire
