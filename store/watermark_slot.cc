#include "store/watermark_slot.h"

#include "store/record.h"

namespace ackwire {
namespace {

constexpr std::size_t kSizeBytes = 2;

std::optional<store::Watermark> ParseWatermarkSlot(std::string_view slot) {
  if (slot.size() < kSizeBytes) return std::nullopt;
  const std::size_t size = (static_cast<std::size_t>(static_cast<unsigned char>(slot[0])) << 8U) +
                           static_cast<unsigned char>(slot[1]);
  store::Watermark mark;
  if (!record::OpenInto(slot.substr(kSizeBytes, size), "watermark", mark).ok()) return std::nullopt;
  return mark;
}

}  // namespace

std::string MakeWatermarkSlot(const store::Watermark& mark) {
  const std::string sealed = record::Seal(mark);
  std::string slot = {static_cast<char>(sealed.size() >> 8U), static_cast<char>(sealed.size())};
  slot += sealed;
  return slot;
}

std::optional<store::Watermark> NewestWatermark(std::string_view file) {
  std::optional<store::Watermark> newest;
  for (std::uint64_t slot = 0; slot < kWatermarkSlots; ++slot) {
    if (file.size() <= slot * kWatermarkSlotBytes) continue;
    std::optional<store::Watermark> mark =
        ParseWatermarkSlot(file.substr(slot * kWatermarkSlotBytes));
    if (mark && (!newest || mark->generation() > newest->generation())) newest = std::move(mark);
  }
  return newest;
}

}  // namespace ackwire
