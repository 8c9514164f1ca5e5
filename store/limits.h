// Names and limits of the contract, checked before anything is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/status.h"

namespace ackwire::v1 {
class Message;
}

namespace ackwire {

inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kMessageIdBytesMax = 128;
inline constexpr std::size_t kPayloadBytesMax = 256 * 1024;
inline constexpr std::size_t kHeadersMax = 32;
inline constexpr std::size_t kHeaderBytesMax = 8 * 1024;
inline constexpr std::size_t kContentTypeBytesMax = 255;
inline constexpr std::uint32_t kTypeMax = 65535;
inline constexpr std::size_t kNoteBytesMax = 1024;
inline constexpr std::size_t kSubscriptionsOfClientMax = 10'000;  // unless the store is told fewer

// Each returns OK, or kInvalidArgument naming the field, the limit and what was found.

// 1 to 255 bytes of UTF-8 without control characters, white space or `*`.
[[nodiscard]] Status CheckChannelName(std::string_view channel);
// The same, and `user` or `user/device` with neither part empty.
[[nodiscard]] Status CheckClientName(std::string_view client);
// 1 to 128 bytes of UTF-8.
[[nodiscard]] Status CheckMessageId(std::string_view message_id);
// All that a publisher may set: names, sizes, kind and what it refers to.
[[nodiscard]] Status CheckDraft(const v1::Message& draft);

// An operator's words, which may be none: at most kNoteBytesMax bytes of UTF-8.
[[nodiscard]] Status CheckNote(const char* field, std::string_view note,
                               std::size_t bytes_max = kNoteBytesMax);

[[nodiscard]] bool IsUtf8(std::string_view text);

// The user of a client id: what stands before the first `/`.
[[nodiscard]] std::string_view UserOf(std::string_view client);

}  // namespace ackwire
