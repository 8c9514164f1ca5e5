// Frames of ackwire.v1.binary, both ways.
#include "delivery/binary_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ackwire/v1/frames.pb.h"
#include "delivery/frame_protocol.h"

namespace ackwire::frame {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Said(v1::FrameType type, const google::protobuf::MessageLite& body) {
  return TypeBytes(type) + body.SerializeAsString();
}

template <typename Frame>
Frame Heard(v1::FrameType type, const google::protobuf::MessageLite& body) {
  ClientFrame frame = ParseBinary(Said(type, body));
  if (const auto* refused = std::get_if<Refused>(&frame)) {
    ADD_FAILURE() << MessageOf(refused->why);
    return {};
  }
  return std::get<Frame>(std::move(frame));
}

Refused RefusedOf(v1::FrameType type, const google::protobuf::MessageLite& body) {
  return std::get<Refused>(ParseBinary(Said(type, body)));
}
std::string WhyRefused(v1::FrameType type, const google::protobuf::MessageLite& body) {
  return MessageOf(RefusedOf(type, body).why);
}

template <typename Body>
Body Written(v1::FrameType type, const std::string& frame) {
  EXPECT_EQ(TypeOf(frame), type);
  Body body;
  EXPECT_TRUE(body.ParseFromString(frame.substr(kTypeBytes)));
  return body;
}

TEST(BinaryFrame, BeginsWithItsTypeBigEndian) {
  EXPECT_EQ(TypeBytes(v1::FRAME_TYPE_DELIVERIES), (std::string{0x02, 0x04}));
  EXPECT_EQ(TypeOf("\xff\xfe rest"), 0xfffe);
}

TEST(BinaryClientFrame, ReadsConnect) {
  v1::Connect said;
  said.set_client("alice/phone");
  said.set_window(7);
  said.set_resume_session("s-1");
  said.set_resume_delivery(57);
  said.set_max_frame_bytes(2048);
  said.set_receipts(true);
  said.add_subscriptions()->set_channel("room/1");
  v1::Subscribe& second = *said.add_subscriptions();
  second.set_channel("room/2");
  second.set_from_seq(3);
  v1::Subscribe& third = *said.add_subscriptions();
  third.set_channel("room/3");
  third.set_from_first(true);
  const auto connect = Heard<Connect>(v1::FRAME_TYPE_CONNECT, said);
  EXPECT_EQ(connect.client, "alice/phone");
  EXPECT_EQ(connect.window, 7U);
  ASSERT_TRUE(connect.resume);
  EXPECT_EQ(connect.resume->session, "s-1");
  EXPECT_EQ(connect.resume->delivery, 57U);
  EXPECT_EQ(connect.max_frame_bytes, 2048U);
  EXPECT_TRUE(connect.receipts);
  ASSERT_THAT(connect.subscriptions, SizeIs(3));
  EXPECT_EQ(connect.subscriptions[0].start.kind, StartAt::Kind::kNew);
  EXPECT_EQ(connect.subscriptions[1].start.seq, Seq{3});
  EXPECT_EQ(connect.subscriptions[2].start.kind, StartAt::Kind::kFirst);
}

TEST(BinaryClientFrame, ReadsWhatASessionSays) {
  v1::Subscribe subscribe;
  subscribe.set_id(1);
  subscribe.set_channel("room/1");
  EXPECT_EQ(Heard<Subscribe>(v1::FRAME_TYPE_SUBSCRIBE, subscribe).id, 1U);
  v1::Unsubscribe unsubscribe;
  unsubscribe.set_channel("room/1");
  EXPECT_EQ(Heard<Unsubscribe>(v1::FRAME_TYPE_UNSUBSCRIBE, unsubscribe).channel, "room/1");
  v1::Ack ack;
  ack.set_up_to(UINT64_MAX);
  EXPECT_EQ(Heard<Ack>(v1::FRAME_TYPE_ACK, ack).up_to, UINT64_MAX);
  ack.clear_up_to();
  ack.add_deliveries(53);
  ack.add_deliveries(55);
  ack.set_id(4);
  EXPECT_THAT(Heard<Ack>(v1::FRAME_TYPE_ACK, ack).deliveries, ElementsAre(53, 55));
  v1::Nack nack;
  nack.add_deliveries(58);
  nack.set_reason("handler threw");
  nack.mutable_delay()->set_seconds(1);
  nack.mutable_delay()->set_nanos(250'000'000);
  nack.set_final(true);
  const auto heard = Heard<Nack>(v1::FRAME_TYPE_NACK, nack);
  EXPECT_EQ(heard.delay, Duration(1250));
  EXPECT_EQ(heard.reason, "handler threw");
  EXPECT_TRUE(heard.final);
  v1::Working working;
  working.add_deliveries(59);
  EXPECT_THAT(Heard<Working>(v1::FRAME_TYPE_WORKING, working).deliveries, ElementsAre(59));
  Heard<Pong>(v1::FRAME_TYPE_PONG, v1::Pong());
}

TEST(BinaryClientFrame, ChecksWhatItReadsAsJsonIs) {
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_CONNECT, v1::Connect()), HasSubstr("client: "));
  v1::Connect connect;
  connect.set_client("alice");
  connect.set_max_frame_bytes(1023);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_CONNECT, connect), HasSubstr("from 1024 to"));
  connect.clear_max_frame_bytes();
  connect.set_resume_delivery(5);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_CONNECT, connect), HasSubstr("resume.session: "));
  connect.clear_resume_delivery();
  connect.add_subscriptions()->set_channel("a b");
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_CONNECT, connect), HasSubstr("subscriptions[0].channel"));
  v1::Subscribe subscribe;
  subscribe.set_id(9);
  subscribe.set_channel("c");
  subscribe.set_from_seq(0);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_SUBSCRIBE, subscribe), HasSubstr("from: "));
  EXPECT_EQ(RefusedOf(v1::FRAME_TYPE_SUBSCRIBE, subscribe).id, 9U);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_ACK, v1::Ack()), HasSubstr("neither"));
  v1::Ack ack;
  ack.set_up_to(1);
  ack.add_deliveries(1);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_ACK, ack), HasSubstr("both"));
  v1::Working working;
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_WORKING, working), HasSubstr("names none"));
  for (int i = 0; i < 4097; ++i) working.add_deliveries(1);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_WORKING, working), HasSubstr("has 4097"));
}

TEST(BinaryClientFrame, HoldsADelayToADay) {
  v1::Nack nack;
  nack.add_deliveries(1);
  nack.mutable_delay()->set_seconds(86'401);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_NACK, nack), HasSubstr("delay: must be from 0 to 86400"));
  nack.mutable_delay()->set_seconds(-1);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_NACK, nack), HasSubstr("got -1"));
  nack.mutable_delay()->set_seconds(86'400);
  nack.mutable_delay()->set_nanos(1'000'000);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_NACK, nack), HasSubstr("got 86400 and 1000000 nanos"));
  nack.mutable_delay()->set_seconds(1);
  nack.mutable_delay()->set_nanos(1'000'000'000);
  EXPECT_THAT(WhyRefused(v1::FRAME_TYPE_NACK, nack), HasSubstr("and 1000000000 nanos"));
  nack.mutable_delay()->set_nanos(0);
  nack.mutable_delay()->set_seconds(86'400);
  EXPECT_EQ(Heard<Nack>(v1::FRAME_TYPE_NACK, nack).delay, Duration(86'400'000));
}

// A frame with a later meaning has a type of its own: it is refused, and the session goes on.
TEST(BinaryClientFrame, AnUnknownTypeIsRefused) {
  constexpr int kAckV2 = 0x1104;
  const ClientFrame frame = ParseBinary(TypeBytes(kAckV2) + "whatever it is");
  const auto& refused = std::get<Refused>(frame);
  EXPECT_THAT(MessageOf(refused.why), AllOf(HasSubstr("type: must be"), HasSubstr("got 0x1104")));
  EXPECT_TRUE(std::holds_alternative<Refused>(ParseBinary(TypeBytes(v1::FRAME_TYPE_WELCOME))))
      << "what only the server says";
}

TEST(BinaryClientFrame, AnUnknownFieldIsIgnored) {
  v1::Ack ack;
  ack.set_up_to(7);
  const std::string later =
      "\xfa\x3f\x03"
      "new";  // field 1023, three bytes
  const ClientFrame frame = ParseBinary(Said(v1::FRAME_TYPE_ACK, ack) + later);
  EXPECT_EQ(std::get<Ack>(frame).up_to, 7U);
}

TEST(BinaryClientFrame, WhatIsNoFrameIsMalformed) {
  for (const std::string& bytes :
       {std::string(), std::string("\x01"), TypeBytes(v1::FRAME_TYPE_ACK) + "\x0a\xff",
        TypeBytes(v1::FRAME_TYPE_REFRESH) + "\x12\x05"
                                            "a"}) {
    const ClientFrame frame = ParseBinary(bytes);
    const auto* malformed = std::get_if<Malformed>(&frame);
    ASSERT_NE(malformed, nullptr);
    EXPECT_THAT(malformed->why, HasSubstr("frame: must"));
  }
  v1::Subscribe subscribe;
  subscribe.set_channel("caf\xc3\xa9");
  std::string bytes = Said(v1::FRAME_TYPE_SUBSCRIBE, subscribe);
  bytes.back() = '\x28';
  EXPECT_TRUE(std::holds_alternative<Malformed>(ParseBinary(bytes))) << "no UTF-8";
}

TEST(BinaryServerFrame, AWelcomeHoldsOnlyTheSubscriptionsThatFit) {
  Welcome welcome{.session = "s-1",
                  .epoch = "e",
                  .client = "alice",
                  .window = 256,
                  .ping_interval = Duration(30'500),
                  .ping_timeout = Duration(45'000),
                  .resumed = true,
                  .max_frame_bytes = 1024};
  for (std::uint64_t i = 0; i < 100; ++i) {
    welcome.subscriptions.push_back({"room/" + std::to_string(i), Seq{i}, Seq{2 * i}});
  }
  const std::string frame = BinaryProtocol().EncodeWelcome(welcome);
  EXPECT_LE(frame.size(), 1024U);
  EXPECT_GT(frame.size(), 1000U);
  const auto read = Written<v1::Welcome>(v1::FRAME_TYPE_WELCOME, frame);
  EXPECT_EQ(read.ping_interval().seconds(), 30);
  EXPECT_EQ(read.ping_interval().nanos(), 500'000'000);
  EXPECT_TRUE(read.resumed());
  EXPECT_EQ(static_cast<std::size_t>(read.subscriptions_size()) + welcome.subscriptions.size(),
            100U);
  EXPECT_EQ(welcome.subscriptions.front().channel,
            "room/" + std::to_string(read.subscriptions_size()));
}

TEST(BinaryServerFrame, DeliveriesHoldTheMessagesBytes) {
  v1::Message message;
  message.set_seq(42);
  message.set_payload(std::string(1000, 'x'));
  // In two parts, as the log has it, with a field that is not known yet.
  v1::Message assigned;
  assigned.set_position(9001);
  const std::string bytes = message.SerializeAsString() + assigned.SerializeAsString() +
                            "\xfa\x3f\x01"
                            "z";
  const FrameProtocol& protocol = BinaryProtocol();
  ItemsFrame frame = protocol.Deliveries();
  EXPECT_TRUE(frame.empty());
  const std::string item = protocol.EncodeDelivery({57, 2, "r-1"}, bytes);
  EXPECT_LT(item.size(), bytes.size() + kItemBytesMax);
  frame.Add(item);
  EXPECT_FALSE(frame.Fits(item, 2 * item.size() + 1));
  EXPECT_TRUE(frame.Fits(item, 2 * item.size() + 2));
  frame.Add(protocol.EncodeDelivery({58, 1, ""}, bytes));
  const auto read = Written<v1::Deliveries>(v1::FRAME_TYPE_DELIVERIES, frame.Take());
  ASSERT_EQ(read.items_size(), 2);
  EXPECT_EQ(read.items(0).delivery(), 57U);
  EXPECT_EQ(read.items(0).attempt(), 2U);
  EXPECT_EQ(read.items(0).replay(), "r-1");
  EXPECT_EQ(read.items(1).message().position(), 9001U);
  EXPECT_EQ(read.items(1).message().seq(), 42U);
  EXPECT_THAT(read.items(1).message().SerializeAsString(), HasSubstr("z"));
}

TEST(BinaryServerFrame, SaysTheRest) {
  const FrameProtocol& protocol = BinaryProtocol();
  const auto subscribed = Written<v1::Subscribed>(
      v1::FRAME_TYPE_SUBSCRIBED, protocol.EncodeSubscribed(1, {"room/1", Seq{57}, Seq{58}}));
  EXPECT_EQ(subscribed.last_seq(), 58U);
  const auto ended = Written<v1::Unsubscribed>(v1::FRAME_TYPE_UNSUBSCRIBED,
                                               protocol.EncodeUnsubscribed(2, "room/1", 3));
  EXPECT_EQ(ended.abandoned(), 3U);
  EXPECT_EQ(Written<v1::Confirmed>(v1::FRAME_TYPE_CONFIRMED, protocol.EncodeConfirmed(4)).id(), 4U);
  const auto gap = Written<v1::Gap>(v1::FRAME_TYPE_GAP,
                                    protocol.EncodeGap({"room/1", Seq{5}, Seq{9}, "retention"}));
  EXPECT_EQ(gap.first_seq(), 5U);
  EXPECT_EQ(gap.cause(), "retention");
  EXPECT_THAT(protocol.EncodePing().substr(kTypeBytes), IsEmpty());
  const auto draining = Written<v1::Draining>(
      v1::FRAME_TYPE_DRAINING,
      protocol.EncodeDraining({.reconnect_after = Duration(7312), .reason = "deploy"}));
  EXPECT_EQ(draining.reconnect_after().seconds(), 7);
  EXPECT_EQ(draining.reconnect_after().nanos(), 312'000'000);
  EXPECT_EQ(draining.backoff_factor(), 2U);
  EXPECT_EQ(draining.reason(), "deploy");
  const auto error = Written<v1::Error>(
      v1::FRAME_TYPE_ERROR, protocol.EncodeError(7, Error(StatusCode::kUnavailable, "full"), ""));
  EXPECT_EQ(error.code(), "unavailable");
  EXPECT_TRUE(error.retryable());
  EXPECT_GT(error.retry_after().seconds() + error.retry_after().nanos(), 0);
  ItemsFrame receipts = protocol.Receipts();
  receipts.Add(protocol.EncodeReceipt({.channel = "room/1", .seq = Seq{42}, .owed = 3}));
  const auto read = Written<v1::ReceiptsUpdate>(v1::FRAME_TYPE_RECEIPTS, receipts.Take());
  ASSERT_EQ(read.items_size(), 1);
  EXPECT_EQ(read.items(0).owed(), 3U);
}

}  // namespace
}  // namespace ackwire::frame
