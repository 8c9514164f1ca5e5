#include "tests/fuzz/frame_checks.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <boost/json.hpp>

#include "ackwire/v1/frames.pb.h"
#include "delivery/binary_frame.h"
#include "store/limits.h"
#include "tests/fuzz/error_checks.h"

namespace ackwire::fuzz {
namespace {

namespace json = boost::json;
using google::protobuf::util::TimeUtil;

constexpr std::size_t kDeliveriesMax = 4096;
constexpr std::size_t kReasonBytesMax = 1024;
constexpr std::size_t kCloseReasonBytesMax = 123;  // RFC 6455

// A frame of either protocol that says what `frame` says: equal frames, equal bytes.
struct Encoded {
  std::string type;
  v1::FrameType number = v1::FRAME_TYPE_UNSPECIFIED;
  json::object fields;
  std::string body;
};

template <typename Said>
Encoded EncodedAs(const char* type, v1::FrameType number, json::object fields, const Said& said) {
  return {type, number, std::move(fields), said.SerializeAsString()};
}

json::value StartIn(const StartAt& start) {
  if (start.kind == StartAt::Kind::kSeq) return start.seq.value;
  return start.kind == StartAt::Kind::kFirst ? "first" : "new";
}

v1::Subscribe SaidBy(const frame::Subscribe& frame) {
  v1::Subscribe said;
  said.set_id(frame.id);
  said.set_channel(frame.channel);
  if (frame.start.kind == StartAt::Kind::kFirst) said.set_from_first(true);
  if (frame.start.kind == StartAt::Kind::kSeq) said.set_from_seq(frame.start.seq.value);
  return said;
}
json::object FieldsOf(const frame::Subscribe& frame) {
  return {{"id", frame.id}, {"channel", frame.channel}, {"from", StartIn(frame.start)}};
}

template <typename Said>
json::array Deliveries(const std::vector<std::uint64_t>& deliveries, Said& said) {
  said.mutable_deliveries()->Add(deliveries.begin(), deliveries.end());
  return json::array(deliveries.begin(), deliveries.end());
}

Encoded Encode(const frame::Connect& frame) {
  v1::Connect said;
  said.set_client(frame.client);
  said.set_token(frame.token);
  said.set_window(frame.window);
  said.set_max_frame_bytes(frame.max_frame_bytes);
  said.set_receipts(frame.receipts);
  json::object fields = {{"client", frame.client},
                         {"token", frame.token},
                         {"window", frame.window},
                         {"maxFrameBytes", frame.max_frame_bytes},
                         {"receipts", frame.receipts}};
  if (frame.resume) {
    said.set_resume_session(frame.resume->session);
    said.set_resume_delivery(frame.resume->delivery);
    fields["resume"] = {{"session", frame.resume->session}, {"delivery", frame.resume->delivery}};
  }
  json::array subscriptions;
  for (const frame::Subscribe& each : frame.subscriptions) {
    *said.add_subscriptions() = SaidBy(each);
    subscriptions.push_back(FieldsOf(each));
  }
  fields["subscriptions"] = std::move(subscriptions);
  return EncodedAs("connect", v1::FRAME_TYPE_CONNECT, std::move(fields), said);
}

Encoded Encode(const frame::Subscribe& frame) {
  return EncodedAs("subscribe", v1::FRAME_TYPE_SUBSCRIBE, FieldsOf(frame), SaidBy(frame));
}

Encoded Encode(const frame::Unsubscribe& frame) {
  v1::Unsubscribe said;
  said.set_id(frame.id);
  said.set_channel(frame.channel);
  return EncodedAs("unsubscribe", v1::FRAME_TYPE_UNSUBSCRIBE,
                   {{"id", frame.id}, {"channel", frame.channel}}, said);
}

Encoded Encode(const frame::Ack& frame) {
  v1::Ack said;
  said.set_id(frame.id);
  said.set_up_to(frame.up_to);
  json::object fields = {{"id", frame.id}};
  if (frame.up_to != 0) fields["upTo"] = frame.up_to;
  json::array deliveries = Deliveries(frame.deliveries, said);
  if (frame.up_to == 0) fields["deliveries"] = std::move(deliveries);
  return EncodedAs("ack", v1::FRAME_TYPE_ACK, std::move(fields), said);
}

Encoded Encode(const frame::Nack& frame) {
  v1::Nack said;
  json::array deliveries = Deliveries(frame.deliveries, said);
  said.set_reason(frame.reason);
  *said.mutable_delay() = TimeUtil::MillisecondsToDuration(frame.delay.count());
  said.set_final(frame.final);
  return EncodedAs("nack", v1::FRAME_TYPE_NACK,
                   {{"deliveries", std::move(deliveries)},
                    {"reason", frame.reason},
                    {"delayMs", frame.delay.count()},
                    {"final", frame.final}},
                   said);
}

Encoded Encode(const frame::Working& frame) {
  v1::Working said;
  json::object fields = {{"deliveries", Deliveries(frame.deliveries, said)}};
  return EncodedAs("working", v1::FRAME_TYPE_WORKING, std::move(fields), said);
}

Encoded Encode(const frame::Refresh& frame) {
  v1::Refresh said;
  said.set_id(frame.id);
  said.set_token(frame.token);
  return EncodedAs("refresh", v1::FRAME_TYPE_REFRESH, {{"id", frame.id}, {"token", frame.token}},
                   said);
}

Encoded Encode(const frame::Pong& /*frame*/) {
  return EncodedAs("pong", v1::FRAME_TYPE_PONG, {}, v1::Pong());
}

template <typename Frame>
void CheckBothProtocols(const Frame& frame) {
  Encoded encoded = Encode(frame);
  encoded.fields["type"] = encoded.type;
  const frame::ClientFrame of_json = frame::ParseJson(json::serialize(encoded.fields));
  CHECK(std::holds_alternative<Frame>(of_json), "JSON takes what was taken");
  CHECK(Encode(std::get<Frame>(of_json)).body == encoded.body, "and reads the same of it");
  const frame::ClientFrame of_bytes =
      frame::ParseBinary(frame::TypeBytes(encoded.number) + encoded.body);
  CHECK(std::holds_alternative<Frame>(of_bytes), "the binary protocol takes what was taken");
  CHECK(Encode(std::get<Frame>(of_bytes)).body == encoded.body, "and reads the same of it");
}

// Not by CheckChannelName, which is what is tested.
void CheckName(const std::string& name) {
  CHECK(!name.empty() && name.size() <= kNameBytesMax, "a name has 1 to 255 bytes");
  CHECK(IsUtf8(name), "a name is UTF-8");
  const auto wrong = [](char c) { return (c >= 0 && c <= ' ') || c == '*' || c == '\x7f'; };
  CHECK(std::none_of(name.begin(), name.end(), wrong), "without controls, white space or *");
}

void CheckDeliveries(const std::vector<std::uint64_t>& deliveries) {
  CHECK(!deliveries.empty() && deliveries.size() <= kDeliveriesMax, "1 to 4096 are named");
}

void CheckLimits(const frame::Subscribe& frame) {
  CheckName(frame.channel);
  CHECK((frame.start.kind == StartAt::Kind::kSeq) == (frame.start.seq.value != 0),
        "a seq to start at is one, from 1");
}
void CheckLimits(const frame::Unsubscribe& frame) { CheckName(frame.channel); }
void CheckLimits(const frame::Connect& frame) {
  CheckName(frame.client);
  CHECK(std::count(frame.client.begin(), frame.client.end(), '/') <= 1, "user or user/device");
  CHECK(frame.client.front() != '/' && frame.client.back() != '/', "neither of them empty");
  CHECK(!frame.resume || !frame.resume->session.empty(), "a session to go on from is one");
  CHECK(!frame.acks_when_written && !(frame.resume && frame.resume->arrived), "by HTTP alone");
  CHECK(frame.subscriptions.size() <= kSubscriptionsOfClientMax, "10,000 subscriptions");
  for (const frame::Subscribe& each : frame.subscriptions) CheckLimits(each);
  CHECK(frame.max_frame_bytes == 0 || frame.max_frame_bytes >= 1024, "a welcome fits");
}
void CheckLimits(const frame::Ack& frame) {
  CHECK((frame.up_to == 0) != frame.deliveries.empty(), "either of the two");
  if (frame.up_to == 0) CheckDeliveries(frame.deliveries);
}
void CheckLimits(const frame::Nack& frame) {
  CheckDeliveries(frame.deliveries);
  CHECK(frame.reason.size() <= kReasonBytesMax && IsUtf8(frame.reason), "1 KiB of UTF-8");
  CHECK(frame.delay >= Duration(0), "nothing is due before now");
  CHECK(frame.delay <= Duration(frame::kNackDelayMsMax), "a day at most");
}
void CheckLimits(const frame::Working& frame) { CheckDeliveries(frame.deliveries); }
void CheckLimits(const frame::Refresh& frame) { CHECK(!frame.token.empty(), "a token is one"); }
void CheckLimits(const frame::Pong& /*frame*/) {}

}  // namespace

void CheckFrame(const frame::ClientFrame& frame) {
  if (const auto* malformed = std::get_if<frame::Malformed>(&frame)) {
    CHECK(!malformed->why.empty(), "it says why it is none");
    CHECK(IsUtf8(malformed->why), "in UTF-8, as RFC 6455 wants it");
    CHECK(malformed->why.size() <= kCloseReasonBytesMax, "and not longer than a close can say");
    return;
  }
  if (const auto* refused = std::get_if<frame::Refused>(&frame)) return CheckRefusal(refused->why);
  CHECK(frame::Check(frame).ok(), "what was taken holds");
  std::visit(
      [](const auto& each) {
        using Frame = std::decay_t<decltype(each)>;
        if constexpr (!std::is_same_v<Frame, frame::Malformed> &&
                      !std::is_same_v<Frame, frame::Refused>) {
          CheckLimits(each);
          CheckBothProtocols(each);
        }
      },
      frame);
}

}  // namespace ackwire::fuzz
