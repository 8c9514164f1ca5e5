// CRC-32C (Castagnoli; RFC 3720), by the processor's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace ackwire {

// The checksum of all bytes so far and then `bytes`; `crc` is what it was before, first 0.
[[nodiscard]] std::uint32_t ExtendCrc32c(std::uint32_t crc, std::string_view bytes);

// The same without the instruction.
[[nodiscard]] std::uint32_t ExtendCrc32cByTable(std::uint32_t crc, std::string_view bytes);

}  // namespace ackwire
