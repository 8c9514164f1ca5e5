// FrameProtocol is how frames stand in a WebSocket's messages: as JSON text, or as protobuf behind
// two bytes that say of what type. A session speaks one from its connect to its end
// (proto/README.md).
//
// Threads:  any.
// Lifetime: there is one of each, for ever.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ackwire/v1/message.pb.h"
#include "delivery/client_frame.h"
#include "delivery/server_frame.h"
#include "store/status.h"

namespace ackwire::frame {

// What a message is encoded as, once for all sessions of a thread that want it so.
enum class Form { kJson, kBinary };
inline constexpr std::size_t kForms = 2;

class FrameProtocol {
 public:
  virtual ~FrameProtocol() = default;

  // The WebSocket's subprotocol.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Form form() const = 0;

  // Unknown fields are ignored. Names and ranges are checked (store/limits.h), so that what comes
  // out can be acted on.
  [[nodiscard]] virtual ClientFrame Parse(std::string_view bytes) const = 0;

  // Puts as many subscriptions into it as the frame holds, and removes these from `welcome`: the
  // rest follows as `subscribed` with id 0.
  [[nodiscard]] virtual std::string EncodeWelcome(Welcome& welcome) const = 0;
  [[nodiscard]] virtual std::string EncodeSubscribed(std::uint32_t id,
                                                     const Subscription& subscription) const = 0;
  [[nodiscard]] virtual std::string EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                                                       std::uint64_t abandoned) const = 0;
  [[nodiscard]] virtual std::string EncodeConfirmed(std::uint32_t id) const = 0;
  [[nodiscard]] virtual std::string EncodeRefreshed(std::uint32_t id) const = 0;
  [[nodiscard]] virtual std::string EncodeGap(const Gap& gap) const = 0;
  [[nodiscard]] virtual std::string EncodePing() const = 0;
  [[nodiscard]] virtual std::string EncodeDraining(const Draining& draining) const = 0;
  // `code` is the contract's, where it is not the status' own name: `unknown_delivery`.
  [[nodiscard]] virtual std::string EncodeError(std::uint32_t id, const Status& status,
                                                const std::string& code = "") const = 0;

  // Frames of items, and the items. An item stands around a message as EncodeMessage has it, and
  // takes less than kItemBytesMax more.
  [[nodiscard]] virtual std::string EncodeMessage(const v1::Message& message) const = 0;
  [[nodiscard]] virtual ItemsFrame Deliveries() const = 0;
  [[nodiscard]] virtual std::string EncodeDelivery(const DeliveryItem& item,
                                                   const std::string& message) const = 0;
  [[nodiscard]] virtual ItemsFrame Receipts() const = 0;
  [[nodiscard]] virtual std::string EncodeReceipt(const Receipt& receipt) const = 0;
};

inline constexpr std::size_t kItemBytesMax = 128;

[[nodiscard]] const FrameProtocol& JsonProtocol();
[[nodiscard]] const FrameProtocol& BinaryProtocol();

}  // namespace ackwire::frame
