// ParseLogRow and MakeLogRow (store/recovery.h).

#include <cstdint>

#include "store/keys.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/stub.h"

namespace ackwire {

StatusOr<StoredMessage> ParseLogRow(Position position, std::string_view value) {
  const std::string what = "log position " + std::to_string(position.value);
  const StatusOr<std::string_view> body = record::Open(value, what);
  if (!body.ok()) return body.status();
  StoredMessage stored;
  const auto channel = keys::ParseU64(*body);
  const std::string_view message = channel ? body->substr(sizeof(std::uint64_t)) : *body;
  if (!channel ||
      !stored.message.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return Error(StatusCode::kDataLoss, what + ": not a message");
  }
  if (stored.position() != position) {
    return Error(StatusCode::kDataLoss, what + ": holds the message of position " +
                                            std::to_string(stored.message.position()));
  }
  stored.channel = ChannelId{*channel};
  if (stored.channel.value == 0 && !IsStub(stored)) {
    return Error(StatusCode::kDataLoss, what + ": holds a message of no channel");
  }
  return stored;
}

std::string MakeLogRow(const StoredMessage& stored) {
  constexpr std::size_t kBefore = record::kHeaderBytes + sizeof(std::uint64_t);
  std::string row(kBefore + stored.message.ByteSizeLong(), '\0');
  row.replace(record::kHeaderBytes, sizeof(std::uint64_t), keys::U64(stored.channel.value));
  // By the sizes that ByteSizeLong has just left in the message.
  stored.message.SerializeWithCachedSizesToArray(
      reinterpret_cast<std::uint8_t*>(row.data() + kBefore));
  record::SealInPlace(row);
  return row;
}

}  // namespace ackwire
