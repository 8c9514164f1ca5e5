#include "delivery/client_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire::frame {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

template <typename Frame>
Frame Parsed(const std::string& text) {
  ClientFrame frame = ParseJson(text);
  if (const auto* refused = std::get_if<Refused>(&frame); refused != nullptr) {
    ADD_FAILURE() << text << ": " << refused->why;
  }
  if (const auto* malformed = std::get_if<Malformed>(&frame); malformed != nullptr) {
    ADD_FAILURE() << text << ": " << malformed->why;
  }
  return std::holds_alternative<Frame>(frame) ? std::get<Frame>(frame) : Frame{};
}

// Why it is refused, empty when it is not.
std::string Refusal(const std::string& text) {
  const ClientFrame frame = ParseJson(text);
  const auto* refused = std::get_if<Refused>(&frame);
  return refused == nullptr ? "" : MessageOf(refused->why);
}

// Why it is no frame, empty when it is one.
std::string Fault(const std::string& text) {
  const ClientFrame frame = ParseJson(text);
  const auto* malformed = std::get_if<Malformed>(&frame);
  return malformed == nullptr ? "" : malformed->why;
}

std::string Listing(std::size_t count, const std::string& element) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + element;
  return list + "]";
}

TEST(ClientFrame, ReadsConnect) {
  const Connect connect = Parsed<Connect>(
      R"({"type":"connect","client":"alice/phone","token":"t","window":7,)"
      R"("resume":{"session":"s-1","delivery":57},)"
      R"("subscriptions":[{"channel":"room/1","from":"new"},{"channel":"room/2","from":3}],)"
      R"("receipts":true,"maxFrameBytes":1048576})");
  EXPECT_EQ(connect.client, "alice/phone");
  EXPECT_EQ(connect.window, 7U);
  ASSERT_TRUE(connect.resume);
  EXPECT_EQ(connect.resume->session, "s-1");
  EXPECT_EQ(connect.resume->delivery, 57U);
  ASSERT_EQ(connect.subscriptions.size(), 2U);
  EXPECT_EQ(connect.subscriptions[1].channel, "room/2");
  EXPECT_EQ(connect.subscriptions[1].start.seq, Seq{3});
  EXPECT_EQ(connect.max_frame_bytes, 1048576U);
  EXPECT_TRUE(connect.receipts);
}

TEST(ClientFrame, ReadsAConnectOfAClientAlone) {
  const Connect connect = Parsed<Connect>(R"({"type":"connect","client":"alice"})");
  EXPECT_EQ(connect.window, 0U);
  EXPECT_FALSE(connect.resume);
  EXPECT_THAT(connect.subscriptions, IsEmpty());
  EXPECT_EQ(connect.max_frame_bytes, 0U);
}

TEST(ClientFrame, ReadsSubscribeFromNewFirstAndASeq) {
  const auto start = [](const std::string& from) {
    return Parsed<Subscribe>(R"({"type":"subscribe","id":1,"channel":"c")" + from + "}").start;
  };
  EXPECT_EQ(start("").kind, StartAt::Kind::kNew);
  EXPECT_EQ(start(R"(,"from":"new")").kind, StartAt::Kind::kNew);
  EXPECT_EQ(start(R"(,"from":"first")").kind, StartAt::Kind::kFirst);
  EXPECT_EQ(start(R"(,"from":42)").kind, StartAt::Kind::kSeq);
  EXPECT_EQ(start(R"(,"from":42)").seq, Seq{42});
}

TEST(ClientFrame, ReadsUnsubscribe) {
  const auto frame = Parsed<Unsubscribe>(R"({"type":"unsubscribe","id":2,"channel":"room/1"})");
  EXPECT_EQ(frame.id, 2U);
  EXPECT_EQ(frame.channel, "room/1");
}

TEST(ClientFrame, ReadsAck) {
  EXPECT_EQ(Parsed<Ack>(R"({"type":"ack","upTo":57})").up_to, 57U);
  EXPECT_EQ(Parsed<Ack>(R"({"type":"ack","upTo":18446744073709551615})").up_to, UINT64_MAX);
  const Ack ack = Parsed<Ack>(R"({"type":"ack","deliveries":[53,55],"id":4})");
  EXPECT_EQ(ack.up_to, 0U);
  EXPECT_THAT(ack.deliveries, ElementsAre(53, 55));
  EXPECT_EQ(ack.id, 4U);
}

TEST(ClientFrame, ReadsNackWorkingAndPong) {
  const Nack nack = Parsed<Nack>(
      R"({"type":"nack","deliveries":[58],"reason":"handler threw","delayMs":1000,"final":true})");
  EXPECT_THAT(nack.deliveries, ElementsAre(58));
  EXPECT_EQ(nack.reason, "handler threw");
  EXPECT_EQ(nack.delay, Duration(1000));
  EXPECT_TRUE(nack.final);
  EXPECT_FALSE(Parsed<Nack>(R"({"type":"nack","deliveries":[1]})").final);
  EXPECT_THAT(Parsed<Working>(R"({"type":"working","deliveries":[59]})").deliveries,
              ElementsAre(59));
  Parsed<Pong>(R"({"type":"pong"})");
}

TEST(ClientFrame, IgnoresUnknownFields) {
  Parsed<Pong>(R"({"type":"pong","id":"x","extra":{"a":[1]}})");
  Parsed<Ack>(R"({"type":"ack","upTo":1,"channel":7})");
}

TEST(ClientFrame, WhatIsNoFrameIsMalformed) {
  for (const char* text :
       {"", "hello", "{", R"({"type":"ack","upTo":)", "[]", "7", "null", "{}", R"({"type":7})",
        R"({"type":"pong"}{"type":"pong"})", R"({"type":"pong",})", "\xff"}) {
    EXPECT_THAT(Fault(text), HasSubstr("frame: must")) << text;
  }
  EXPECT_THAT(Fault("[]"), HasSubstr("object, got a list"));
  EXPECT_THAT(Fault(R"({"type":7})"), HasSubstr("`type`, got 7"));
}

TEST(ClientFrame, AKeyThatStandsTwiceIsMalformed) {
  EXPECT_THAT(Fault(R"({"type":"pong","type":"pong"})"), HasSubstr("\"type\""));
  EXPECT_THAT(Fault(R"({"type":"connect","client":"a","resume":{"session":"s","session":"t"}})"),
              HasSubstr("\"session\""));
}

TEST(ClientFrame, TooDeepAndLoneSurrogatesAreMalformed) {
  const std::string deep(32, '['), shut(32, ']');
  EXPECT_THAT(Fault(R"({"type":"pong","x":)" + deep + shut + "}"), HasSubstr("32"));
  EXPECT_THAT(Fault(R"({"type":"pong","x":)" + deep.substr(1) + shut.substr(1) + "}"), IsEmpty());
  EXPECT_THAT(Fault(R"({"type":"nack","deliveries":[1],"reason":"\ud800"})"), Not(IsEmpty()));
}

TEST(ClientFrame, AnUnknownTypeIsRefusedWithItsId) {
  const ClientFrame frame = ParseJson(R"({"type":"publish","id":5})");
  const auto& refused = std::get<Refused>(frame);
  EXPECT_EQ(refused.type, "publish");
  EXPECT_EQ(refused.id, 5U);
  EXPECT_EQ(refused.why.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(refused.why), AllOf(HasSubstr("subscribe"), HasSubstr("\"publish\"")));
  const std::string loud(100'000, 'x');
  EXPECT_LT(Refusal(R"({"type":")" + loud + "\"}").size(), 200U);
}

TEST(ClientFrame, ARefreshBringsAToken) {
  const ClientFrame frame = ParseJson(R"({"type":"refresh","id":3,"token":"a.b.c"})");
  const auto& refresh = std::get<Refresh>(frame);
  EXPECT_EQ(refresh.id, 3U);
  EXPECT_EQ(refresh.token, "a.b.c");
  EXPECT_EQ(Refusal(R"({"type":"refresh","id":3})"), "token: must be the new token, is empty");
}

TEST(ClientFrame, ARefusalCarriesTheIdAndNamesTheFieldTheLimitAndWhatWasFound) {
  const ClientFrame frame = ParseJson(R"({"type":"ack","id":4,"upTo":-1})");
  const auto& refused = std::get<Refused>(frame);
  EXPECT_EQ(refused.type, "ack");
  EXPECT_EQ(refused.id, 4U);
  EXPECT_EQ(refused.why.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(MessageOf(refused.why),
            "upTo: must be a whole number from 1 to 18446744073709551615, got -1");
}

TEST(ClientFrame, IdsAreUint32) {
  EXPECT_THAT(Refusal(R"({"type":"subscribe","id":4294967296,"channel":"c"})"),
              AllOf(HasSubstr("id: "), HasSubstr("4294967295"), HasSubstr("got 4294967296")));
  EXPECT_THAT(Refusal(R"({"type":"unsubscribe","id":"a","channel":"c"})"), HasSubstr("id: "));
  EXPECT_THAT(Refusal(R"({"type":"ack","id":1.5,"upTo":1})"), HasSubstr("got 1.5"));
  EXPECT_EQ(Parsed<Subscribe>(R"({"type":"subscribe","id":4294967295,"channel":"c"})").id,
            UINT32_MAX);
}

TEST(ClientFrame, NamesAreCheckedWhereTheyStand) {
  EXPECT_THAT(Refusal(R"({"type":"subscribe","channel":"a b"})"), HasSubstr("channel: "));
  EXPECT_THAT(Refusal(R"({"type":"unsubscribe"})"), HasSubstr("channel: "));
  EXPECT_THAT(Refusal(R"({"type":"subscribe","channel":5})"), HasSubstr("channel: must be a str"));
  EXPECT_THAT(Refusal(R"({"type":"connect","client":"a*"})"), HasSubstr("client: "));
  EXPECT_THAT(Refusal(R"({"type":"connect"})"), HasSubstr("client: "));
  EXPECT_THAT(Refusal(R"({"type":"subscribe","channel":")" + std::string(256, 'c') + "\"}"),
              HasSubstr("255"));
  EXPECT_THAT(
      Refusal(
          R"({"type":"connect","client":"a","subscriptions":[{"channel":"ok"},{"channel":""}]})"),
      HasSubstr("subscriptions[1].channel: "));
}

TEST(ClientFrame, AStartThatIsNoneIsRefused) {
  for (const char* from : {R"("sometime")", "-1", "0", "1.5", "{}", "null", "true"}) {
    EXPECT_THAT(Refusal(R"({"type":"subscribe","channel":"c","from":)" + std::string(from) + "}"),
                HasSubstr("from: "))
        << from;
  }
}

TEST(ClientFrame, AnAckHasEitherUpToOrDeliveries) {
  EXPECT_THAT(Refusal(R"({"type":"ack"})"), HasSubstr("neither"));
  EXPECT_THAT(Refusal(R"({"type":"ack","upTo":1,"deliveries":[1]})"), HasSubstr("both"));
  EXPECT_THAT(Refusal(R"({"type":"ack","upTo":0})"), HasSubstr("from 1"));
}

TEST(ClientFrame, ListsOfDeliveriesAreHeldToTheirLimit) {
  for (const std::string type : {"ack", "nack", "working"}) {
    const std::string begin = R"({"type":")" + type + R"(","deliveries":)";
    EXPECT_THAT(Refusal(begin + "[]}"), HasSubstr("deliveries: ")) << type;
    EXPECT_THAT(Refusal(begin + "\"all\"}"), HasSubstr("a list, got a string")) << type;
    EXPECT_THAT(Refusal(begin + "[1,\"2\"]}"), HasSubstr("deliveries[1]: ")) << type;
    EXPECT_THAT(Refusal(begin + "[1.5]}"), HasSubstr("got 1.5")) << type;
    EXPECT_THAT(Refusal(begin + Listing(4097, "1") + "}"),
                AllOf(HasSubstr("at most 4096"), HasSubstr("has 4097")))
        << type;
    EXPECT_THAT(Refusal(begin + Listing(4096, "1") + "}"), IsEmpty()) << type;
  }
  EXPECT_THAT(Refusal(R"({"type":"nack"})"), HasSubstr("deliveries: "));
}

TEST(ClientFrame, ANacksReasonDelayAndFinalityAreChecked) {
  const auto refusal = [](const std::string& fields) {
    return Refusal(R"({"type":"nack","deliveries":[1],)" + fields + "}");
  };
  EXPECT_THAT(refusal(R"("reason":")" + std::string(1024, 'x') + "\""), IsEmpty());
  EXPECT_THAT(refusal(R"("reason":")" + std::string(1025, 'x') + "\""),
              AllOf(HasSubstr("reason: "), HasSubstr("1024"), HasSubstr("1025")));
  EXPECT_THAT(refusal(R"("reason":7)"), HasSubstr("reason: "));
  EXPECT_THAT(refusal(R"("delayMs":86400000)"), IsEmpty());
  EXPECT_THAT(refusal(R"("delayMs":86400001)"), HasSubstr("from 0 to 86400000, got 86400001"));
  EXPECT_THAT(refusal(R"("delayMs":-5)"), HasSubstr("delayMs: "));
  EXPECT_THAT(refusal(R"("final":"yes")"), HasSubstr("final: must be true or false"));
}

TEST(ClientFrame, AConnectsOtherFieldsAreChecked) {
  const auto refusal = [](const std::string& fields) {
    return Refusal(R"({"type":"connect","client":"a",)" + fields + "}");
  };
  EXPECT_THAT(refusal(R"("window":4294967295)"), IsEmpty());
  EXPECT_THAT(refusal(R"("window":4294967296)"), HasSubstr("window: "));
  EXPECT_THAT(refusal(R"("window":-1)"), HasSubstr("window: "));
  EXPECT_THAT(refusal(R"("maxFrameBytes":1024)"), IsEmpty());
  EXPECT_THAT(refusal(R"("maxFrameBytes":1023)"), HasSubstr("1024 to 4294967295, got 1023"));
  EXPECT_THAT(refusal(R"("maxFrameBytes":4294967296)"), HasSubstr("maxFrameBytes: "));
  EXPECT_THAT(refusal(R"("resume":"s")"), HasSubstr("resume: "));
  EXPECT_THAT(refusal(R"("resume":{"delivery":1})"), HasSubstr("resume.session: "));
  EXPECT_THAT(refusal(R"("resume":{"session":"s","delivery":-1})"), HasSubstr("resume.delivery: "));
  EXPECT_THAT(refusal(R"("subscriptions":"all")"), HasSubstr("subscriptions: "));
  EXPECT_THAT(refusal(R"("subscriptions":["room/1"])"), HasSubstr("subscriptions[0]: "));
  EXPECT_THAT(refusal(R"("subscriptions":)" + Listing(10'001, R"({"channel":"c"})")),
              AllOf(HasSubstr("at most 10000"), HasSubstr("has 10001")));
  EXPECT_THAT(refusal(R"("receipts":1)"), HasSubstr("receipts: "));
  EXPECT_THAT(refusal(R"("token":5)"), HasSubstr("token: "));
}

}  // namespace
}  // namespace ackwire::frame
