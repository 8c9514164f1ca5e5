#include <gtest/gtest.h>

#include "tools/ackctl/argument_names.h"

namespace ackwire::ctl {
namespace {

TEST(NameArgument, SaysTheFlagForTheField) {
  const std::vector<std::string> plan = {"--help", "--rate", "--to", "--client", "--id"};
  EXPECT_EQ(NameArgument("rate_per_second: at most 9", plan), "--rate: at most 9");
  EXPECT_EQ(NameArgument("selection.range.to_seq: 3 is late", plan), "--to: 3 is late");
  EXPECT_EQ(NameArgument("selection.failed.client: too long", plan), "--client: too long");
  EXPECT_EQ(NameArgument("message_id: give more", plan), "--id: give more");
}

TEST(NameArgument, SaysTheArgumentWithoutAFlag) {
  EXPECT_EQ(NameArgument("client: too long", {"CLIENT"}), "CLIENT: too long");
  EXPECT_EQ(NameArgument("rate_per_second: at most 9", {"REPLAY", "N"}), "N: at most 9");
  EXPECT_EQ(NameArgument("id: there is no replay r-1", {"REPLAY"}),
            "REPLAY: there is no replay r-1");
}

TEST(NameArgument, LeavesTheRest) {
  for (const char* text : {"page_token: is none", "the disk is full", "", "client", "Disk: full"}) {
    EXPECT_EQ(NameArgument(text, {"--client", "CLIENT"}), text);
  }
}

TEST(ArgumentsOf, NamesFlagsAndTheOthers) {
  CLI::App command;
  std::string text;
  command.add_option("CLIENT", text);
  command.add_option("--channel", text);
  const std::vector<std::string> expected = {"--help", "CLIENT", "--channel"};
  EXPECT_EQ(ArgumentsOf(command), expected);
}

}  // namespace
}  // namespace ackwire::ctl
