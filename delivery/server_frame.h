// What the server says, as frames of ackwire.v1.json (proto/README.md): each function returns the
// text of one frame.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/policy.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire::frame {

struct Subscription {
  std::string channel;
  Seq floor;
  Seq last;
};

struct Welcome {
  std::string session;
  std::string epoch;
  std::string client;
  std::uint32_t window = 0;
  Duration ping_interval{};
  Duration ping_timeout{};
  bool resumed = false;
  std::uint32_t max_frame_bytes = 0;
  std::vector<Subscription> subscriptions;
};
// Puts as many subscriptions into it as the frame holds, and removes these from `welcome`: the rest
// follows as `subscribed` with id 0.
[[nodiscard]] std::string EncodeWelcome(Welcome& welcome);

[[nodiscard]] std::string EncodeSubscribed(std::uint32_t id, const Subscription& subscription);
[[nodiscard]] std::string EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                                             std::uint64_t abandoned);
[[nodiscard]] std::string EncodeConfirmed(std::uint32_t id);
// Messages from `first` to `last` will not come, for the cause: loss, retention or redacted.
struct Gap {
  std::string channel;
  Seq first;
  Seq last;
  std::string_view cause;
};
[[nodiscard]] std::string EncodeGap(const Gap& gap);
[[nodiscard]] std::string EncodePing();
// `code` is the contract's, where it is not the status' own name: `unknown_delivery`.
[[nodiscard]] std::string EncodeError(std::uint32_t id, const Status& status,
                                      const std::string& code = "");

// One item of a deliveries frame, around a message that is JSON already.
struct DeliveryItem {
  std::uint64_t delivery = 0;
  std::uint32_t attempt = 0;
  std::string replay;  // its name; empty: none
};
[[nodiscard]] std::string EncodeDelivery(const DeliveryItem& item, const std::string& message);

// What has become of a message until now.
struct Receipt {
  std::string channel;
  Seq seq;
  std::string message_id;
  std::uint64_t owed = 0;
  std::uint64_t acked = 0;
  std::uint64_t failed = 0;
  std::uint64_t users_owed = 0;
  std::uint64_t users_reached = 0;
};
// One item of a receipts frame.
[[nodiscard]] std::string EncodeReceipt(const Receipt& receipt);

// Builds a frame of items, item by item.
class ItemsFrame {
 public:
  // True when there is room for this item; the first always has room.
  [[nodiscard]] bool Fits(const std::string& item, std::size_t frame_bytes_max) const;
  void Add(const std::string& item);
  [[nodiscard]] std::string Take();
  [[nodiscard]] bool empty() const { return items_.empty(); }

 protected:
  // `begin`: the frame up to its first item.
  explicit ItemsFrame(std::string_view begin) : begin_(begin) {}

 private:
  std::string_view begin_;
  std::string items_;
};
class DeliveriesFrame : public ItemsFrame {
 public:
  DeliveriesFrame() : ItemsFrame(R"({"type":"deliveries","items":[)") {}
};
class ReceiptsFrame : public ItemsFrame {
 public:
  ReceiptsFrame() : ItemsFrame(R"({"type":"receipts","items":[)") {}
};

}  // namespace ackwire::frame
