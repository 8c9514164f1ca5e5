#include <gtest/gtest.h>

#include <stdexcept>

#include "ackwire/v1/message.pb.h"
#include "tools/ackctl/message_line.h"
#include "tools/ackctl/progress_bar.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"

namespace ackwire::ctl {
namespace {

using std::chrono::milliseconds;

TEST(Table, AlignsWordsLeftAndNumbersRight) {
  Table table({{"CLIENT"}, {"UNDELIVERED", Align::kRight}, {"LAST SEEN"}});
  table.AddRow({"alice/phone", "7", "today"});
  table.AddRow({"bob", "123456789012", ""});
  EXPECT_EQ(table.Render(false),
            "CLIENT        UNDELIVERED  LAST SEEN\n"
            "alice/phone             7  today\n"
            "bob          123456789012  -\n");
}

TEST(Table, CountsWideAndCombiningCharactersByTheColumnsTheyTake) {
  Table table({{"NAME"}, {"N", Align::kRight}});
  table.AddRow({"日本", "1"});
  table.AddRow({"e\u0301te", "2"});
  EXPECT_EQ(table.Render(false),
            "NAME  N\n"
            "日本  1\n"
            "e\u0301te   2\n");
}

TEST(Table, EscapesWhatWouldMoveTheCursor) {
  Table table({{"DETAIL"}});
  table.AddRow({"a\n\x1b[31mb\u202e\xff"});
  EXPECT_EQ(table.Render(false), "DETAIL\na\\n\\x1b[31mb\\u202e\\xff\n");
}

TEST(Table, ColorsOnlyWhenAsked) {
  Table table({{"N"}});
  table.AddRow({"1"});
  EXPECT_EQ(table.Render(true), "\x1b[1mN\x1b[0m\n1\n");
}

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"A"}, {"B"}});
  EXPECT_THROW(table.AddRow({"1"}), std::logic_error);
}

TEST(Facts, PutsValuesUnderEachOther) {
  Facts facts;
  facts.Add("Seq", "7");
  facts.Add("Message id", "");
  EXPECT_EQ(facts.Render(false), "Seq         7\nMessage id  -\n");
}

TEST(Count, KnowsOneFromMany) {
  EXPECT_EQ(Count(1, "message"), "1 message");
  EXPECT_EQ(Count(0, "message"), "0 messages");
}

TEST(Text, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\u00e9\u65e5\U0001F600"));
  EXPECT_FALSE(IsUtf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));      // a surrogate
  EXPECT_FALSE(IsUtf8("\xe6\x97"));          // cut off
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
}

TEST(Text, CutsToAWidthWithAnEllipsis) {
  EXPECT_EQ(FitWidth("hello", 5), "hello");
  EXPECT_EQ(FitWidth("hello!", 5), "hell…");
  EXPECT_EQ(FitWidth("日本語", 5), "日本…");
  EXPECT_EQ(FitWidth("日本語", 4), "日…");
  EXPECT_EQ(FitWidth("hello", 0), "");
}

v1::Message MessageWith(const std::string& payload) {
  v1::Message message;
  message.set_channel("room/1");
  message.set_seq(42);
  message.set_position(9001);
  message.set_sender("bob");
  message.set_kind(v1::KIND_CREATED);
  message.set_type(7);
  message.set_content_type("image/png");
  message.set_payload(payload);
  message.mutable_published_at()->set_seconds(1);
  return message;
}

TEST(MessageLines, StandUnderTheirTitles) {
  const MessageLines lines({.with_log_place = true, .color = false, .width = 0});
  EXPECT_EQ(lines.Titles(),
            "POSITION  CHANNEL                    SEQ  TIME                      SENDER          "
            "KIND        TYPE  PAYLOAD");
  EXPECT_EQ(lines.Line(MessageWith("hi\n")),
            "    9001  room/1                      42  1970-01-01T00:00:01.000Z  bob             "
            "created        7  hi\\n");
}

TEST(MessageLines, NameTheSizeOfWhatIsNoText) {
  const MessageLines lines({});
  EXPECT_NE(lines.Line(MessageWith("\xff\xfe")).find("<2 bytes of image/png>"), std::string::npos);
}

TEST(MessageLines, EndAtTheWidthOfTheTerminal) {
  const MessageLines lines({.with_log_place = false, .color = false, .width = 80});
  EXPECT_EQ(DisplayWidth(lines.Line(MessageWith(std::string(100, 'x')))), 80u);
}

TEST(ProgressLine, TellsRatePercentAndWhatIsLeft) {
  EXPECT_EQ(ProgressLine(50, 100, milliseconds{2000}, 120),
            "[###############---------------]  50%  50/100  25/s  ETA 2.0s");
  EXPECT_EQ(ProgressLine(100, 100, milliseconds{4000}, 120),
            "[##############################] 100%  100/100  25/s");
}

TEST(ProgressLine, HasNothingToDivideAtTheStart) {
  EXPECT_EQ(ProgressLine(0, 100, milliseconds{0}, 120),
            "[------------------------------]   0%  0/100  0/s");
}

TEST(ProgressLine, FitsTheTerminal) {
  EXPECT_EQ(DisplayWidth(ProgressLine(50, 100, milliseconds{2000}, 20)), 20u);
}

}  // namespace
}  // namespace ackwire::ctl
