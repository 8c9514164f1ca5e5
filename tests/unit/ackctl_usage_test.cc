#include <gtest/gtest.h>

#include "tools/ackctl/usage.h"

namespace ackwire::ctl {
namespace {

// As main has it: a command, and a group of two.
class Usage : public testing::Test {
 protected:
  Usage() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_subcommand("status");
    CLI::App* replay = app_.add_subcommand("replay");
    replay->require_subcommand(1);
    replay->add_subcommand("list");
    replay->add_subcommand("show")->add_option("REPLAY", replay_)->required();
  }

  std::string TextOf(const std::string& line) {
    try {
      app_.parse(line);
    } catch (const CLI::ParseError& error) {
      return UsageText(app_, error);
    }
    return "nothing is wrong";
  }

 private:
  CLI::App app_{"", "ackctl"};
  std::string replay_;
};

TEST_F(Usage, NamesTheCommandThatIsNone) {
  EXPECT_EQ(TextOf("stauts"),
            "there is no command \"ackctl stauts\"; there are status, replay\n"
            "See ackctl --help.");
  EXPECT_EQ(TextOf("replay stop r-1"),
            "there is no command \"ackctl replay stop\"; there are list, show\n"
            "See ackctl replay --help.");
}

TEST_F(Usage, NamesTheCommandsWhereNoneIsGiven) {
  EXPECT_EQ(TextOf(""), "give a command: status, replay\nSee ackctl --help.");
  EXPECT_EQ(TextOf("replay"), "give a command: list, show\nSee ackctl replay --help.");
}

TEST_F(Usage, NamesTheOptionThatIsNone) {
  EXPECT_EQ(TextOf("--verbose"), "there is no option --verbose\nSee ackctl --help.");
}

TEST_F(Usage, NamesTheHelpOfTheCommandItself) {
  EXPECT_EQ(TextOf("replay show"), "REPLAY is required\nSee ackctl replay show --help.");
}

}  // namespace
}  // namespace ackwire::ctl
