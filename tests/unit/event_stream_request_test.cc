#include "delivery/event_stream_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Kind = StartAt::Kind;

StatusOr<frame::Connect> Parse(const std::string& query, const std::string& last_event_id = "") {
  HttpRequest request{.method = "GET", .target = "/v1/sse?" + query};
  if (!last_event_id.empty()) request.headers.emplace_back("last-event-id", last_event_id);
  StatusOr<EventStreamQuestion> question = ParseEventStreamRequest(request);
  if (!question.ok()) return question.status();
  return question->connect;
}

std::vector<std::string> ChannelsIn(const std::string& query) {
  std::vector<std::string> channels;
  const StatusOr<frame::Connect> connect = Parse("client=alice&" + query);
  EXPECT_TRUE(connect.ok()) << connect.status();
  if (!connect.ok()) return channels;
  for (const frame::Subscribe& each : connect->subscriptions) channels.push_back(each.channel);
  return channels;
}

std::string WhyNot(const std::string& query, const std::string& last_event_id = "") {
  const StatusOr<frame::Connect> connect = Parse(query, last_event_id);
  EXPECT_EQ(connect.status().code(), StatusCode::kInvalidArgument) << query;
  return MessageOf(connect.status());
}

TEST(EventStreamRequest, IsOfOnePath) {
  EXPECT_TRUE(IsEventStreamPath("/v1/sse"));
  EXPECT_TRUE(IsEventStreamPath("/v1/sse?client=a"));
  for (const char* other : {"/v1/sses", "/v1/sse/", "/v1/ss", "/v1/ws?/v1/sse"}) {
    EXPECT_FALSE(IsEventStreamPath(other)) << other;
  }
}

TEST(EventStreamRequest, NeedsNothingButAClient) {
  const StatusOr<frame::Connect> connect = Parse("client=alice%2Fphone");
  ASSERT_TRUE(connect.ok());
  EXPECT_EQ(connect->client, "alice/phone");
  EXPECT_THAT(connect->subscriptions, IsEmpty());
  EXPECT_FALSE(connect->resume);
  EXPECT_FALSE(connect->receipts);
  EXPECT_FALSE(connect->acks_when_written);
  EXPECT_EQ(connect->window, 0U);
}

TEST(EventStreamRequest, MaySayAllThatAConnectSays) {
  const StatusOr<frame::Connect> connect = Parse(
      "client=alice&channels=room/1&from=7&window=3&receipts=true&maxFrameBytes=4096&ack=written",
      "s-1:5");
  ASSERT_TRUE(connect.ok());
  ASSERT_EQ(connect->subscriptions.size(), 1U);
  EXPECT_EQ(connect->subscriptions[0].start.kind, Kind::kSeq);
  EXPECT_EQ(connect->subscriptions[0].start.seq, Seq{7});
  EXPECT_EQ(connect->window, 3U);
  EXPECT_EQ(connect->max_frame_bytes, 4096U);
  EXPECT_TRUE(connect->receipts);
  EXPECT_TRUE(connect->acks_when_written);
  ASSERT_TRUE(connect->resume);
  EXPECT_EQ(connect->resume->session, "s-1");
  EXPECT_EQ(connect->resume->delivery, 5U);
  EXPECT_TRUE(connect->resume->arrived);
}

TEST(EventStreamRequest, ChannelsStandBetweenCommas) {
  EXPECT_THAT(ChannelsIn("channels=room/1,room%2F2"), ElementsAre("room/1", "room/2"));
  EXPECT_THAT(ChannelsIn("channels=room/1%2Croom/2"), ElementsAre("room/1", "room/2"));
  EXPECT_THAT(ChannelsIn("channels="), IsEmpty());
}

TEST(EventStreamRequest, AChannelsOwnCommasAndPercentSignsAreEscapedOnceMore) {
  EXPECT_THAT(ChannelsIn("channels=a%252Cb,c%252cd"), ElementsAre("a,b", "c,d"));
  EXPECT_THAT(ChannelsIn("channels=a%25252Cb"), ElementsAre("a%2Cb"));
  EXPECT_THAT(ChannelsIn("channels=50%25,a%25zz"), ElementsAre("50%", "a%zz"));
}

TEST(EventStreamRequest, BeginsWhereItSays) {
  EXPECT_EQ(Parse("client=a&channels=c")->subscriptions[0].start.kind, Kind::kNew);
  EXPECT_EQ(Parse("client=a&channels=c&from=new")->subscriptions[0].start.kind, Kind::kNew);
  EXPECT_EQ(Parse("client=a&channels=c&from=first")->subscriptions[0].start.kind, Kind::kFirst);
}

TEST(EventStreamRequest, TheLastEventMayStandInTheQuery) {
  const StatusOr<frame::Connect> connect = Parse("client=a&lastEventId=s-1:4");
  ASSERT_TRUE(connect.ok());
  EXPECT_EQ(connect->resume->delivery, 4U);
  EXPECT_EQ(Parse("client=a&lastEventId=s-1:4", "s-1:6")->resume->delivery, 6U)
      << "the header is the newer one";
}

TEST(EventStreamRequest, WhatIsWrongIsToldWhatWouldBeRight) {
  EXPECT_THAT(WhyNot(""), StartsWith("client: "));
  EXPECT_THAT(WhyNot("client=a*"), StartsWith("client: "));
  EXPECT_THAT(WhyNot("client=a&client=b"), StartsWith("query: \"client\" is given twice"));
  EXPECT_THAT(WhyNot("client=a&channels=b,c*"), StartsWith("channels[1]: channel: "));
  EXPECT_THAT(WhyNot("client=a&channels=b,,c"), StartsWith("channels[1]: channel: "));
  EXPECT_EQ(WhyNot("client=a&channels=b,"), "channels: must not end with a comma");
  EXPECT_EQ(WhyNot("client=a&from=0"), "from: must be new, first or a seq, from 1, got \"0\"");
  EXPECT_EQ(WhyNot("client=a&receipts=yes"), "receipts: must be true or false, got \"yes\"");
  EXPECT_EQ(WhyNot("client=a&ack=never"), "ack: must be written or left out, got \"never\"");
  EXPECT_THAT(WhyNot("client=a&window=-1"), StartsWith("window: must be a whole number"));
  EXPECT_THAT(WhyNot("client=a&maxFrameBytes=7"), StartsWith("maxFrameBytes: must be"));
  EXPECT_THAT(WhyNot("client=a", "57"), StartsWith("Last-Event-ID: must be"));
  EXPECT_THAT(WhyNot("client=a&lastEventId=57"), StartsWith("lastEventId: must be"));
}

// Who is let in, by a ticket; that tokens let in is told with sockets (sse.test.mjs).
class EventStreamAdmission : public ::testing::Test {
 protected:
  StatusOr<Caller> Admit(const std::string& query, const std::string& last_event_id = "") {
    HttpRequest request{.method = "GET", .target = "/v1/sse?" + query};
    if (!last_event_id.empty()) request.headers.emplace_back("Last-Event-ID", last_event_id);
    return AdmitEventStream(request, ParseEventStreamRequest(request).value(),
                            {nullptr, tickets, now});
  }

  Timestamp now = FromUnixMs(1'000'000);
  Tickets tickets{Duration(120'000)};
};

TEST_F(EventStreamAdmission, WithoutKeysEverybodyIsLetIn) {
  EXPECT_TRUE(Admit("client=alice").value().trusted());
}

TEST_F(EventStreamAdmission, ATicketSaysWhoItIs) {
  const Caller alice(Claims{.user = "alice", .expires_at = now + Duration(3'600'000)});
  const std::string ticket = tickets.Issue({"alice/tv", alice}, now).value().ticket;
  EXPECT_EQ(Admit("client=alice/tv&ticket=" + ticket).value().user(), "alice");
  EXPECT_EQ(Admit("client=alice&ticket=" + ticket).status().code(), StatusCode::kPermissionDenied);
  tickets.Serve(ticket, "s-1");
  now += kTicketValidFor;
  EXPECT_FALSE(Admit("client=alice/tv&ticket=" + ticket).ok());
  EXPECT_TRUE(Admit("client=alice/tv&ticket=" + ticket, "s-1:7").ok());
}

TEST_F(EventStreamAdmission, ATicketThatIsNoneLetsNobodyInWithoutKeysEither) {
  EXPECT_EQ(Admit("client=alice&ticket=x").status().code(), StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace ackwire
