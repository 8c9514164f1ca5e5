#include "delivery/event_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNew[] = R"({"type":"welcome","session":"s-1","epoch":"e","resumed":false})";
constexpr char kResumed[] = R"({"type":"welcome","session":"s-1","epoch":"e","resumed":true})";

class EventEncoderTest : public ::testing::Test {
 protected:
  EventEncoder events{{.retry = Duration(1'500), .arrived = 7}};
};

TEST_F(EventEncoderTest, TheWelcomeOfANewSessionHasNothingThatArrived) {
  EXPECT_EQ(events.Encode(kNew, {}),
            std::string("event: welcome\nid: s-1:0\nretry: 1500\ndata: ") + kNew + "\n\n");
}

TEST_F(EventEncoderTest, TheWelcomeOfAResumedOneGoesOnFromWhatArrived) {
  EXPECT_THAT(events.Encode(kResumed, {}), HasSubstr("\nid: s-1:7\n"));
}

TEST_F(EventEncoderTest, DeliveriesHaveTheIdOfTheLastOfThem) {
  (void)events.Encode(kNew, {});
  EXPECT_EQ(events.Encode(R"({"type":"deliveries","items":[]})", {3, 4}),
            "event: deliveries\nid: s-1:4\ndata: {\"type\":\"deliveries\",\"items\":[]}\n\n");
}

TEST_F(EventEncoderTest, OtherFramesLeaveTheIdAsItIs) {
  (void)events.Encode(kNew, {});
  EXPECT_EQ(events.Encode(R"({"type":"ping"})", {}), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

TEST_F(EventEncoderTest, EachLineOfAPayloadIsALineOfData) {
  EXPECT_EQ(events.Encode("{\"type\":\"gap\",\r\n\"a\":\n1\r}", {}),
            "event: gap\ndata: {\"type\":\"gap\",\ndata: \"a\":\ndata: 1\ndata: }\n\n");
}

TEST_F(EventEncoderTest, ADrainSaysWhenToComeAgainAndTheCloseLeavesThatAlone) {
  EXPECT_THAT(events.Encode(R"({"type":"draining","reconnectAfterMs":7312,"reason":"deploy"})", {}),
              HasSubstr("event: draining\nretry: 7312\n"));
  EXPECT_THAT(events.EncodeClose(1012, "drain"), Not(HasSubstr("retry:")));
}

TEST_F(EventEncoderTest, ACloseSaysItsCodeAndReason) {
  EXPECT_EQ(events.EncodeClose(4004, "by \"me\"\n"),
            "event: close\nretry: 1500\n"
            R"(data: {"type":"close","code":4004,"reason":"by \"me\"\n"})"
            "\n\n");
}

TEST_F(EventEncoderTest, AfterTooManyErrorsItIsToWaitForLong) {
  EXPECT_THAT(events.EncodeClose(4007, "too much"), HasSubstr("retry: 30000\n"));
}

TEST(LastEvent, IsASessionAndADelivery) {
  const StatusOr<LastEvent> last = ParseLastEvent("Last-Event-ID", "s-1:57");
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->session, "s-1");
  EXPECT_EQ(last->delivery, 57U);
}

TEST(LastEvent, OfAnythingElseItIsSaidWhatItMustBe) {
  for (const char* id : {"", "57", ":57", "s-1:", "s-1:x", "s-1:-1", "s-1:1 ", "s-1:1:", "s-1:+1",
                         "s-1:18446744073709551616"}) {
    const StatusOr<LastEvent> last = ParseLastEvent("Last-Event-ID", id);
    ASSERT_FALSE(last.ok()) << id;
    EXPECT_EQ(last.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(last.status()), ::testing::StartsWith("Last-Event-ID: must be the id"));
  }
}

}  // namespace
}  // namespace ackwire
