#include "delivery/server_frame.h"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>
#include <utility>

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

}  // namespace

std::string EncodeWelcome(Welcome& welcome) {
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

std::string EncodeSubscribed(std::uint32_t id, const Subscription& subscription) {
  return fmt::format(R"({{"type":"subscribed","id":{},{}}})", id, SubscriptionFields(subscription));
}

std::string EncodeUnsubscribed(std::uint32_t id, const std::string& channel,
                               std::uint64_t abandoned) {
  return fmt::format(R"({{"type":"unsubscribed","id":{},"channel":{},"abandoned":{}}})", id,
                     Quoted(channel), abandoned);
}

std::string EncodeConfirmed(std::uint32_t id) {
  return fmt::format(R"({{"type":"confirmed","id":{}}})", id);
}

std::string EncodeGap(const Gap& gap) {
  return fmt::format(R"({{"type":"gap","channel":{},"firstSeq":{},"lastSeq":{},"cause":"{}"}})",
                     Quoted(gap.channel), gap.first.value, gap.last.value, gap.cause);
}

std::string EncodePing() { return R"({"type":"ping"})"; }

std::string EncodeError(std::uint32_t id, const Status& status, const std::string& code) {
  return fmt::format(
      R"({{"type":"error","id":{},"code":{},"message":{},"retryable":{},"retryAfterMs":{}}})", id,
      Quoted(code.empty() ? ErrorCode(status) : code), Quoted(ErrorMessage(status)),
      IsRetryable(status), RetryAfter(status).count());
}

std::string EncodeDelivery(const DeliveryItem& item, const std::string& message) {
  return fmt::format(R"({{"delivery":{},"attempt":{},"replay":"{}","message":{}}})", item.delivery,
                     item.attempt, item.replay, message);
}

std::string EncodeReceipt(const Receipt& receipt) {
  return fmt::format(
      R"({{"channel":{},"seq":{},"messageId":{},"owed":{},"acked":{},"failed":{},"usersOwed":{},)"
      R"("usersReached":{}}})",
      Quoted(receipt.channel), receipt.seq.value, Quoted(receipt.message_id), receipt.owed,
      receipt.acked, receipt.failed, receipt.users_owed, receipt.users_reached);
}

bool ItemsFrame::Fits(const std::string& item, std::size_t frame_bytes_max) const {
  constexpr std::size_t kCommaBytes = 1;
  return items_.empty() ||
         begin_.size() + items_.size() + kCommaBytes + item.size() + kListEnd.size() <=
             frame_bytes_max;
}

void ItemsFrame::Add(const std::string& item) {
  if (!items_.empty()) items_ += ',';
  items_ += item;
}

std::string ItemsFrame::Take() {
  std::string frame(begin_);
  frame += std::exchange(items_, {});
  frame += kListEnd;
  return frame;
}

}  // namespace ackwire::frame
