#include "store/record.h"

#include <google/protobuf/message_lite.h>

#include <cstdint>

#include "store/check.h"
#include "store/crc32c.h"

namespace ackwire::record {
namespace {

constexpr char kVersion = 1;

std::uint32_t Checksum(std::initializer_list<std::string_view> body) {
  std::uint32_t crc = ExtendCrc32c(0, {&kVersion, 1});
  for (const std::string_view part : body) crc = ExtendCrc32c(crc, part);
  return crc;
}

}  // namespace

Header MakeHeader(std::initializer_list<std::string_view> body) {
  const std::uint32_t crc = Checksum(body);
  Header header{kVersion};
  for (std::size_t i = 0; i < 4; ++i) header[1 + i] = static_cast<char>(crc >> (8 * i));
  return header;
}

void SealInPlace(std::string& value) {
  const Header header = MakeHeader({std::string_view(value).substr(kHeaderBytes)});
  value.replace(0, header.size(), header.data(), header.size());
}

std::string Seal(std::string_view body) {
  std::string value(kHeaderBytes, '\0');
  value.append(body);
  SealInPlace(value);
  return value;
}

std::string Seal(const google::protobuf::MessageLite& body) {
  std::string value(kHeaderBytes, '\0');
  CHECK(body.AppendToString(&value), "a record is at most 2 GiB");
  SealInPlace(value);
  return value;
}

StatusOr<std::string_view> Open(std::string_view value, const std::string& what) {
  if (value.size() < kHeaderBytes) {
    return Error(StatusCode::kDataLoss, what + ": the value has " + std::to_string(value.size()) +
                                            " bytes, fewer than its header");
  }
  if (value[0] != kVersion) {
    return Error(StatusCode::kDataLoss,
                 what + ": unknown record version " + std::to_string(value[0]));
  }
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    stored |= static_cast<std::uint32_t>(static_cast<unsigned char>(value[1 + i])) << (8 * i);
  }
  const std::string_view body = value.substr(kHeaderBytes);
  if (Checksum({body}) != stored) return Error(StatusCode::kDataLoss, what + ": checksum differs");
  return body;
}

Status OpenInto(std::string_view value, const std::string& what,
                google::protobuf::MessageLite& body) {
  const StatusOr<std::string_view> bytes = Open(value, what);
  if (!bytes.ok()) return bytes.status();
  if (!body.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    return Error(StatusCode::kDataLoss, what + ": not a record of this kind");
  }
  return OkStatus();
}

bool Contains(std::string_view value, std::string_view bytes) {
  return ::memmem(value.data(), value.size(), bytes.data(), bytes.size()) != nullptr;
}

}  // namespace ackwire::record
