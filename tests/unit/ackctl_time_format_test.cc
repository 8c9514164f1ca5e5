#include <gtest/gtest.h>

#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

using namespace std::chrono_literals;
using google::protobuf::Timestamp;

const std::chrono::system_clock::time_point kToday{1795338900s};  // 2026-11-22T09:15:00Z

std::string TimeParsed(const std::string& text) {
  const auto time = ParseTime(text, kToday);
  return time ? FormatTime(*time) : "no time";
}

TEST(ParseTime, TakesRfc3339) {
  EXPECT_EQ(TimeParsed("2026-11-22T09:15:00Z"), "2026-11-22T09:15:00.000Z");
  EXPECT_EQ(TimeParsed("2026-11-22T09:15:00.250Z"), "2026-11-22T09:15:00.250Z");
  EXPECT_EQ(TimeParsed("2026-11-22T09:15:00+02:00"), "2026-11-22T07:15:00.000Z");
}

TEST(ParseDuration, TakesAWholeNumberAndAUnit) {
  EXPECT_EQ(ParseDuration("250ms"), 250ms);
  EXPECT_EQ(ParseDuration("20s"), 20s);
  EXPECT_EQ(ParseDuration("2m"), 2min);
  EXPECT_EQ(ParseDuration("0s"), 0s);
  for (const char* wrong :
       {"", "20", "s", "-20s", "1.5s", "20 s", "20x", "99999999999999999999s"}) {
    EXPECT_EQ(ParseDuration(wrong), std::nullopt) << wrong;
  }
}

TEST(ParseTime, TakesHowLongAgo) {
  EXPECT_EQ(TimeParsed("-15m"), "2026-11-22T09:00:00.000Z");
  EXPECT_EQ(TimeParsed("-1500ms"), "2026-11-22T09:14:58.500Z");
  EXPECT_EQ(TimeParsed("-30s"), "2026-11-22T09:14:30.000Z");
  EXPECT_EQ(TimeParsed("-2h"), "2026-11-22T07:15:00.000Z");
  EXPECT_EQ(TimeParsed("-7d"), "2026-11-15T09:15:00.000Z");
  EXPECT_EQ(TimeParsed("-0s"), "2026-11-22T09:15:00.000Z");
}

TEST(ParseTime, RefusesWhatIsNeither) {
  for (const char* text :
       {"", "-", "-15", "15m", "-m", "-15w", "--15m", "-1.5h", "-15m ", "yesterday", "2026-11-22",
        "2026-13-01T00:00:00Z", "-99999999999999999999d", "-9999999999d"}) {
    EXPECT_EQ(TimeParsed(text), "no time") << text;
  }
}

TEST(FormatTime, CutsToMilliseconds) {
  Timestamp time;
  time.set_seconds(1795338900);
  time.set_nanos(999'999'999);
  EXPECT_EQ(FormatTime(time), "2026-11-22T09:15:00.999Z");
}

TEST(FormatDuration, UsesTheUnitsAPersonWould) {
  EXPECT_EQ(FormatDuration(850ms), "850ms");
  EXPECT_EQ(FormatDuration(12'345ms), "12.3s");
  EXPECT_EQ(FormatDuration(4min + 10s), "4m 10s");
  EXPECT_EQ(FormatDuration(3h + 2min), "3h 2m");
  EXPECT_EQ(FormatDuration(121h), "5d 1h");
}

TEST(FormatBytes, UsesBinaryUnits) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(12'897'485), "12.3 MiB");
  EXPECT_EQ(FormatBytes(1024 * 1024 - 1), "1.0 MiB");
}

}  // namespace
}  // namespace ackwire::ctl
