// The header before every record and row on disk:
//
//   value   version:u8 crc32c:u32le body      the checksum covers version and body
//
// RocksDB checks its own blocks; this checksum also notices a value that changed before RocksDB saw
// it, or that was written by something else.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "store/status.h"

namespace google::protobuf {
class MessageLite;
}

namespace ackwire::record {

// Puts the header before `body`.
[[nodiscard]] std::string Seal(std::string_view body);
[[nodiscard]] std::string Seal(const google::protobuf::MessageLite& body);

// The same where the body was built in place: it stands behind kHeaderBytes of anything.
inline constexpr std::size_t kHeaderBytes = 5;
void SealInPlace(std::string& value);

// The header of a body that is in parts.
using Header = std::array<char, kHeaderBytes>;
[[nodiscard]] Header MakeHeader(std::initializer_list<std::string_view> body);

// The body of `value`, as a view into it.
//   kDataLoss  too short, of an unknown version, or the checksum differs; the message names `what`
[[nodiscard]] StatusOr<std::string_view> Open(std::string_view value, const std::string& what);

// The same, parsed into `body`.
[[nodiscard]] Status OpenInto(std::string_view value, const std::string& what,
                              google::protobuf::MessageLite& body);

// Whether these bytes stand in a value: to pass over those that cannot name a client, unparsed.
[[nodiscard]] bool Contains(std::string_view value, std::string_view bytes);

}  // namespace ackwire::record
