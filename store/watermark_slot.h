// What the file of the watermark holds (store/watermark.h), as bytes.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/records.pb.h"

namespace ackwire {

inline constexpr std::uint64_t kWatermarkSlots = 2;
inline constexpr std::uint64_t kWatermarkSlotBytes = 4096;

// Goes to a multiple of kWatermarkSlotBytes.
[[nodiscard]] std::string MakeWatermarkSlot(const store::Watermark& mark);

// The mark of the highest generation; none where no slot of the file is whole.
[[nodiscard]] std::optional<store::Watermark> NewestWatermark(std::string_view file);

}  // namespace ackwire
