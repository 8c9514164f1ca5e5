#include <fmt/format.h>

#include <cstddef>
#include <string_view>
#include <utility>

#include "delivery/frame_protocol.h"
#include "delivery/message_json.h"
#include "delivery/strict_json.h"

namespace ackwire::frame {
namespace {

constexpr std::string_view kListEnd = "]}";

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

std::string SubscriptionFields(const Subscription& subscription) {
  return fmt::format(R"("channel":{},"floor":{},"lastSeq":{})", Quoted(subscription.channel),
                     subscription.floor.value, subscription.last.value);
}

class Json final : public FrameProtocol {
 public:
  [[nodiscard]] std::string_view name() const override { return "ackwire.v1.json"; }
  [[nodiscard]] Form form() const override { return Form::kJson; }
  [[nodiscard]] ClientFrame Parse(std::string_view bytes) const override {
    return ParseJson(bytes);
  }
  [[nodiscard]] std::string EncodeWelcome(Welcome& welcome) const override;
  [[nodiscard]] std::string EncodeSubscribed(std::uint32_t id,
                                             const Subscription& subscription) const override;
  [[nodiscard]] std::string EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                                               std::uint64_t abandoned) const override;
  [[nodiscard]] std::string EncodeConfirmed(std::uint32_t id) const override;
  [[nodiscard]] std::string EncodeRefreshed(std::uint32_t id) const override;
  [[nodiscard]] std::string EncodeGap(const Gap& gap) const override;
  [[nodiscard]] std::string EncodePing() const override { return R"({"type":"ping"})"; }
  [[nodiscard]] std::string EncodeDraining(const Draining& draining) const override;
  [[nodiscard]] std::string EncodeError(std::uint32_t id, const Status& status,
                                        const std::string& code) const override;
  [[nodiscard]] std::string EncodeMessage(const v1::Message& message) const override {
    return ackwire::EncodeMessage(message);
  }
  [[nodiscard]] ItemsFrame Deliveries() const override {
    return ItemsFrame({R"({"type":"deliveries","items":[)", ",", kListEnd});
  }
  [[nodiscard]] std::string EncodeDelivery(const DeliveryItem& item,
                                           const std::string& message) const override;
  [[nodiscard]] ItemsFrame Receipts() const override {
    return ItemsFrame({R"({"type":"receipts","items":[)", ",", kListEnd});
  }
  [[nodiscard]] std::string EncodeReceipt(const Receipt& receipt) const override;
};

std::string Json::EncodeWelcome(Welcome& welcome) const {
  std::string out = fmt::format(
      R"({{"type":"welcome","session":{},"epoch":{},"client":{},"window":{},"pingIntervalMs":{},)"
      R"("pingTimeoutMs":{},"resumed":{},"maxFrameBytes":{},"subscriptions":[)",
      Quoted(welcome.session), Quoted(welcome.epoch), Quoted(welcome.client), welcome.window,
      welcome.ping_interval.count(), welcome.ping_timeout.count(), welcome.resumed,
      welcome.max_frame_bytes);
  std::size_t fitting = 0;
  for (const Subscription& each : welcome.subscriptions) {
    const std::string item = (fitting == 0 ? "{" : ",{") + SubscriptionFields(each) + "}";
    if (out.size() + item.size() + kListEnd.size() > welcome.max_frame_bytes) break;
    out += item;
    ++fitting;
  }
  welcome.subscriptions.erase(welcome.subscriptions.begin(),
                              welcome.subscriptions.begin() + static_cast<std::ptrdiff_t>(fitting));
  out += kListEnd;
  return out;
}

std::string Json::EncodeSubscribed(std::uint32_t id, const Subscription& subscription) const {
  return fmt::format(R"({{"type":"subscribed","id":{},{}}})", id, SubscriptionFields(subscription));
}

std::string Json::EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                                     std::uint64_t abandoned) const {
  return fmt::format(R"({{"type":"unsubscribed","id":{},"channel":{},"abandoned":{}}})", id,
                     Quoted(channel), abandoned);
}

std::string Json::EncodeConfirmed(std::uint32_t id) const {
  return fmt::format(R"({{"type":"confirmed","id":{}}})", id);
}

std::string Json::EncodeRefreshed(std::uint32_t id) const {
  return fmt::format(R"({{"type":"refreshed","id":{}}})", id);
}

std::string Json::EncodeGap(const Gap& gap) const {
  return fmt::format(R"({{"type":"gap","channel":{},"firstSeq":{},"lastSeq":{},"cause":"{}"}})",
                     Quoted(gap.channel), gap.first.value, gap.last.value, gap.cause);
}

std::string Json::EncodeDraining(const Draining& draining) const {
  return fmt::format(
      R"({{"type":"draining","reconnectAfterMs":{},"backoffFactor":{},"reason":{}}})",
      draining.reconnect_after.count(), draining.backoff_factor, Quoted(draining.reason));
}

std::string Json::EncodeError(std::uint32_t id, const Status& status,
                              const std::string& code) const {
  return fmt::format(
      R"({{"type":"error","id":{},"code":{},"message":{},"retryable":{},"retryAfterMs":{}}})", id,
      Quoted(code.empty() ? ErrorCode(status) : code), Quoted(ErrorMessage(status)),
      IsRetryable(status), RetryAfter(status).count());
}

std::string Json::EncodeDelivery(const DeliveryItem& item, const std::string& message) const {
  return fmt::format(R"({{"delivery":{},"attempt":{},"replay":"{}","message":{}}})", item.delivery,
                     item.attempt, item.replay, message);
}

std::string Json::EncodeReceipt(const Receipt& receipt) const {
  return fmt::format(
      R"({{"channel":{},"seq":{},"messageId":{},"owed":{},"acked":{},"failed":{},"usersOwed":{},)"
      R"("usersReached":{}}})",
      Quoted(receipt.channel), receipt.seq.value, Quoted(receipt.message_id), receipt.owed,
      receipt.acked, receipt.failed, receipt.users_owed, receipt.users_reached);
}

}  // namespace

const FrameProtocol& JsonProtocol() {
  static const Json kProtocol;
  return kProtocol;
}

}  // namespace ackwire::frame
