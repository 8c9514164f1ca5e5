#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/time_util.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "ackwire/v1/frames.pb.h"
#include "delivery/binary_frame.h"
#include "delivery/frame_protocol.h"
#include "delivery/message_json.h"
#include "store/check.h"

namespace ackwire::frame {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::util::TimeUtil;

std::string FrameOf(v1::FrameType type, const google::protobuf::MessageLite& body) {
  std::string frame = TypeBytes(type);
  CHECK(body.AppendToString(&frame), "no text of a frame is anything but UTF-8");
  return frame;
}

// The head of a field that holds a message: its tag and its length.
std::string HeadOf(int field, std::size_t bytes) {
  std::string head;
  google::protobuf::io::StringOutputStream stream(&head);
  CodedOutputStream out(&stream);
  out.WriteTag(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  out.WriteVarint32(static_cast<std::uint32_t>(bytes));
  out.Trim();
  return head;
}

void Fill(const Subscription& subscription, v1::Subscribed& out) {
  out.set_channel(subscription.channel);
  out.set_floor(subscription.floor.value);
  out.set_last_seq(subscription.last.value);
}

class Binary final : public FrameProtocol {
 public:
  [[nodiscard]] std::string_view name() const override { return "ackwire.v1.binary"; }
  [[nodiscard]] Form form() const override { return Form::kBinary; }
  [[nodiscard]] ClientFrame Parse(std::string_view bytes) const override {
    return ParseBinary(bytes);
  }

  [[nodiscard]] std::string EncodeWelcome(Welcome& welcome) const override {
    v1::Welcome out;
    out.set_session(welcome.session);
    out.set_epoch(welcome.epoch);
    out.set_client(welcome.client);
    out.set_window(welcome.window);
    *out.mutable_ping_interval() = TimeUtil::MillisecondsToDuration(welcome.ping_interval.count());
    *out.mutable_ping_timeout() = TimeUtil::MillisecondsToDuration(welcome.ping_timeout.count());
    out.set_resumed(welcome.resumed);
    out.set_max_frame_bytes(welcome.max_frame_bytes);
    std::size_t bytes = kTypeBytes + out.ByteSizeLong();
    std::size_t fitting = 0;
    for (const Subscription& each : welcome.subscriptions) {
      v1::Subscribed item;
      Fill(each, item);
      const std::size_t item_bytes = item.ByteSizeLong();
      bytes += HeadOf(v1::Welcome::kSubscriptionsFieldNumber, item_bytes).size() + item_bytes;
      if (bytes > welcome.max_frame_bytes) break;
      *out.add_subscriptions() = std::move(item);
      ++fitting;
    }
    welcome.subscriptions.erase(
        welcome.subscriptions.begin(),
        welcome.subscriptions.begin() + static_cast<std::ptrdiff_t>(fitting));
    return FrameOf(v1::FRAME_TYPE_WELCOME, out);
  }

  [[nodiscard]] std::string EncodeSubscribed(std::uint32_t id,
                                             const Subscription& subscription) const override {
    v1::Subscribed out;
    out.set_id(id);
    Fill(subscription, out);
    return FrameOf(v1::FRAME_TYPE_SUBSCRIBED, out);
  }

  [[nodiscard]] std::string EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                                               std::uint64_t abandoned) const override {
    v1::Unsubscribed out;
    out.set_id(id);
    out.set_channel(channel);
    out.set_abandoned(abandoned);
    return FrameOf(v1::FRAME_TYPE_UNSUBSCRIBED, out);
  }

  [[nodiscard]] std::string EncodeConfirmed(std::uint32_t id) const override {
    v1::Confirmed out;
    out.set_id(id);
    return FrameOf(v1::FRAME_TYPE_CONFIRMED, out);
  }

  [[nodiscard]] std::string EncodeRefreshed(std::uint32_t id) const override {
    v1::Refreshed out;
    out.set_id(id);
    return FrameOf(v1::FRAME_TYPE_REFRESHED, out);
  }

  [[nodiscard]] std::string EncodeGap(const Gap& gap) const override {
    v1::Gap out;
    out.set_channel(gap.channel);
    out.set_first_seq(gap.first.value);
    out.set_last_seq(gap.last.value);
    out.set_cause(std::string(gap.cause));
    return FrameOf(v1::FRAME_TYPE_GAP, out);
  }

  [[nodiscard]] std::string EncodePing() const override {
    return FrameOf(v1::FRAME_TYPE_PING, v1::Ping());
  }

  [[nodiscard]] std::string EncodeDraining(const Draining& draining) const override {
    v1::Draining out;
    *out.mutable_reconnect_after() =
        TimeUtil::MillisecondsToDuration(draining.reconnect_after.count());
    out.set_backoff_factor(draining.backoff_factor);
    out.set_reason(draining.reason);
    return FrameOf(v1::FRAME_TYPE_DRAINING, out);
  }

  [[nodiscard]] std::string EncodeError(std::uint32_t id, const Status& status,
                                        const std::string& code) const override {
    v1::Error out;
    out.set_id(id);
    out.set_code(code.empty() ? ErrorCode(status) : code);
    out.set_message(ErrorMessage(status));
    out.set_retryable(IsRetryable(status));
    *out.mutable_retry_after() = TimeUtil::MillisecondsToDuration(RetryAfter(status).count());
    return FrameOf(v1::FRAME_TYPE_ERROR, out);
  }

  [[nodiscard]] std::string EncodeMessage(const v1::Message& message) const override {
    return message.SerializeAsString();
  }

  [[nodiscard]] ItemsFrame Deliveries() const override {
    return ItemsFrame({.begin = kDeliveries, .between = {}, .end = {}});
  }

  // The message is not copied into the item's and encoded with it: its bytes follow the rest.
  [[nodiscard]] std::string EncodeDelivery(const DeliveryItem& item,
                                           const std::string& message) const override {
    v1::DeliveryItem rest;
    rest.set_delivery(item.delivery);
    rest.set_attempt(item.attempt);
    rest.set_replay(item.replay);
    std::string fields = rest.SerializeAsString();
    fields += HeadOf(v1::DeliveryItem::kMessageFieldNumber, message.size());
    return HeadOf(v1::Deliveries::kItemsFieldNumber, fields.size() + message.size()) + fields +
           message;
  }

  [[nodiscard]] ItemsFrame Receipts() const override {
    return ItemsFrame({.begin = kReceipts, .between = {}, .end = {}});
  }

  [[nodiscard]] std::string EncodeReceipt(const Receipt& receipt) const override {
    v1::ReceiptItem item;
    item.set_channel(receipt.channel);
    item.set_seq(receipt.seq.value);
    item.set_message_id(receipt.message_id);
    item.set_owed(receipt.owed);
    item.set_acked(receipt.acked);
    item.set_failed(receipt.failed);
    item.set_users_owed(receipt.users_owed);
    item.set_users_reached(receipt.users_reached);
    const std::string bytes = item.SerializeAsString();
    return HeadOf(v1::ReceiptsUpdate::kItemsFieldNumber, bytes.size()) + bytes;
  }

 private:
  static constexpr std::string_view kDeliveries = "\x02\x04";
  static constexpr std::string_view kReceipts = "\x02\x0b";
  static_assert(v1::FRAME_TYPE_DELIVERIES == 0x0204 && v1::FRAME_TYPE_RECEIPTS == 0x020b);
};

}  // namespace

const FrameProtocol& BinaryProtocol() {
  static const Binary kProtocol;
  return kProtocol;
}

}  // namespace ackwire::frame
