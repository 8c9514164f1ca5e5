// What the server says: the frames' parts, whatever carries them (delivery/frame_protocol.h).
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// Messages from `first` to `last` will not come, for the cause: loss, retention or redacted.
struct Gap {
  std::string channel;
  Seq first;
  Seq last;
  std::string_view cause;
};

// The session is about to be closed with 1012: when the client is to connect again, counted from
// the close, and by how much it is to multiply its waits from attempt to attempt.
struct Draining {
  Duration reconnect_after{};
  std::uint32_t backoff_factor = 2;
  std::string reason;
};

// One item of a deliveries frame, but for its message.
struct DeliveryItem {
  std::uint64_t delivery = 0;
  std::uint32_t attempt = 0;
  std::string replay;  // its name; empty: none
};

// What has become of a message until now: one item of a receipts frame.
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

// Builds a frame of items that are encoded already, item by item.
class ItemsFrame {
 public:
  // What stands around the items, and between two.
  struct Around {
    std::string_view begin;
    std::string_view between;
    std::string_view end;
  };
  explicit ItemsFrame(const Around& around) : around_(around) {}

  // True when there is room for this item; the first always has room.
  [[nodiscard]] bool Fits(const std::string& item, std::size_t frame_bytes_max) const {
    return items_.empty() || around_.begin.size() + items_.size() + around_.between.size() +
                                     item.size() + around_.end.size() <=
                                 frame_bytes_max;
  }
  void Add(const std::string& item) {
    if (!items_.empty()) items_ += around_.between;
    items_ += item;
  }
  [[nodiscard]] std::string Take() {
    std::string frame(around_.begin);
    frame += std::exchange(items_, {});
    frame += around_.end;
    return frame;
  }
  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  Around around_;
  std::string items_;
};

}  // namespace ackwire::frame
