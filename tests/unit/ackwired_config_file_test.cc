// What the file of --config, the environment and flags say together, and how it is shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/temporary_directory.h"
#include "tools/ackwired/config.h"
#include "tools/ackwired/nearest_name.h"

namespace ackwire {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

class ConfigFile : public testing::Test {
 protected:
  ~ConfigFile() override {
    unsetenv("ACKWIRE_ACK_WAIT");
    unsetenv("ACKWIRE_CONFIG");
  }

  std::string Write(const std::string& text) {
    const auto path = directory_.path() / "ackwired.toml";
    std::ofstream(path) << text;
    return path.string();
  }
  StatusOr<CommandLine> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ackwired");
    std::vector<const char*> pointers;
    for (const std::string& each : arguments) pointers.push_back(each.c_str());
    return ParseCommandLine(static_cast<int>(pointers.size()), pointers.data());
  }
  StatusOr<CommandLine> Read(const std::string& text, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--config", Write(text)});
    return Parse(arguments);
  }
  CommandLine Taken(const std::string& text, const std::vector<std::string>& arguments = {}) {
    const StatusOr<CommandLine> line = Read(text, arguments);
    EXPECT_TRUE(line.ok()) << line.status();
    return line.ok() ? *line : CommandLine();
  }
  std::string Refusal(const std::string& text) {
    const StatusOr<CommandLine> line = Read(text);
    EXPECT_EQ(line.status().code(), StatusCode::kInvalidArgument) << text;
    return MessageOf(line.status());
  }
  static InForce Setting(const CommandLine& line, const std::string& key) {
    for (const InForce& each : line.in_force) {
      if (each.key == key) return each;
    }
    ADD_FAILURE() << "no setting " << key;
    return {};
  }

  TemporaryDirectory directory_;
};

TEST_F(ConfigFile, HasEveryKindOfValue) {
  const Config config = Taken(R"(
data_dir = "/srv/a"
grpc = "[::1]:1"
backoff = ["100ms", "2m"]
max_attempts = 3
min_free_bytes = "1GiB"
journal_retention_age = "none"
journal_retention_bytes = 4096
log_format = "json"
durability = "buffered"
jwt_keys = "keys.json"
jwt_issuer = "https://issuer"

[[channel]]
match = "room/*"
)")
                            .config;
  EXPECT_EQ(config.data_dir, "/srv/a");
  EXPECT_EQ(FormatEndpoint(config.grpc), "[::1]:1");
  EXPECT_THAT(config.delivery.retry.backoff, ElementsAre(100ms, 2min));
  EXPECT_EQ(config.delivery.retry.max_attempts, 3U);
  EXPECT_EQ(config.min_free_bytes, 1ULL << 30U);
  EXPECT_EQ(config.journal_keeps.age, std::nullopt);
  EXPECT_EQ(config.journal_keeps.bytes, 4096U);
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.durability, Durability::kBuffered);
  EXPECT_EQ(config.jwt_keys, "keys.json");
  EXPECT_EQ(config.jwt_issuer, "https://issuer");
  EXPECT_EQ(config.file.filename(), "ackwired.toml");
}

TEST_F(ConfigFile, IsWonOverByTheEnvironmentAndThatByAFlag) {
  const std::string text = "ack_wait = \"1s\"\n";
  EXPECT_EQ(Taken(text).config.delivery.ack_wait, 1s);
  EXPECT_THAT(Setting(Taken(text), "ack_wait").source, AllOf(StartsWith("file: "), EndsWith(":1")));
  setenv("ACKWIRE_ACK_WAIT", "2s", 1);
  EXPECT_EQ(Taken(text).config.delivery.ack_wait, 2s);
  EXPECT_EQ(Setting(Taken(text), "ack_wait").source, "environment: ACKWIRE_ACK_WAIT");
  EXPECT_EQ(Taken(text, {"--ack-wait", "3s"}).config.delivery.ack_wait, 3s);
  EXPECT_EQ(Setting(Taken(text, {"--ack-wait", "3s"}), "ack_wait").source, "flag");
  EXPECT_EQ(Setting(Taken(text), "window").source, "default");
}

TEST_F(ConfigFile, IsNamedByTheEnvironmentToo) {
  setenv("ACKWIRE_CONFIG", Write("window = 7\n").c_str(), 1);
  const StatusOr<CommandLine> line = Parse({});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config.delivery.window, 7U);
}

TEST_F(ConfigFile, RefusesUnknownKeysAndNamesTheNearest) {
  EXPECT_THAT(
      Refusal("# a comment\nack_weight = \"1s\"\n"),
      AllOf(HasSubstr("ackwired.toml:2: ack_weight: is no key"), HasSubstr("is ack_wait meant?")));
  EXPECT_THAT(Refusal("ack-wait = \"1s\"\n"), HasSubstr("is ack_wait meant?"));
  EXPECT_THAT(Refusal("[[chanel]]\nmatch = \"a\"\n"), HasSubstr("is channel meant?"));
  EXPECT_THAT(Refusal("colour = \"red\"\n"), AllOf(HasSubstr("--help"), Not(HasSubstr("meant"))));
  EXPECT_THAT(Refusal("config = \"other.toml\"\n"), HasSubstr("--config or ACKWIRE_CONFIG only"));
}

TEST_F(ConfigFile, NamesFileLineAndKeyOfAWrongValue) {
  EXPECT_THAT(Refusal("\nack_wait = 30\n"), AllOf(HasSubstr("ackwired.toml:2: ack_wait: "),
                                                  HasSubstr("such as 30s, got \"30\"")));
  EXPECT_THAT(Refusal("ack_wait = [\"1s\"]\n"), HasSubstr("one value, not an array"));
  EXPECT_THAT(Refusal("ack_wait = 1.5\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(Refusal("backoff = [[\"1s\"]]\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(Refusal("backoff = []\n"), HasSubstr("commas between"));
  EXPECT_THAT(Refusal("data_dir = \"\"\n"), HasSubstr("a path"));
  EXPECT_THAT(Refusal("grpc = here\n"), HasSubstr("ackwired.toml:1: "));
  EXPECT_THAT(Refusal("[[(hannel]]\n"), HasSubstr("ackwired.toml:1: "));
  EXPECT_THAT(Refusal("ack_wait = \"1s\"\nack_wait = \"2s\"\n"), HasSubstr("ackwired.toml:2: "));
}

TEST_F(ConfigFile, MustBeThere) {
  EXPECT_EQ(Parse({"--config", "/nowhere/a.toml"}).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(Parse({"--config", ""}).status()), HasSubstr("--config: must be a path"));
}

TEST_F(ConfigFile, UnknownFlagsAreRefusedWithTheNearestToo) {
  EXPECT_THAT(MessageOf(Parse({"--ack-weight", "3s"}).status()),
              HasSubstr("--ack-weight: there is no such flag: is --ack-wait meant?"));
  EXPECT_THAT(MessageOf(Parse({"--colour=red"}).status()),
              HasSubstr("--colour: there is no such flag; ackwired --help"));
}

TEST_F(ConfigFile, WhatIsInForceIsAFileThatSaysTheSame) {
  const std::string text =
      "window = 100000\nbackoff = [\"1s\", \"2s\"]\ndata_dir = \"a \\\"b\\\"\"\n";
  const CommandLine line = Taken(text, {"--journal-retention-age", "none", "--ack-wait", "90s"});
  const std::string shown = FormatInForce(line.in_force);
  EXPECT_THAT(
      shown, AllOf(HasSubstr("window = 4096 "), HasSubstr("backoff = [\"1s\", \"2s\"] "),
                   HasSubstr("data_dir = \"a \\\"b\\\"\" "), HasSubstr("ack_wait = \"90s\" "),
                   HasSubstr("min_free_bytes = \"256MiB\" "), HasSubstr("# jwt_keys is not set ")));
  const CommandLine again = Taken(shown);
  ASSERT_EQ(again.in_force.size(), line.in_force.size());
  for (std::size_t i = 0; i < line.in_force.size(); ++i) {
    EXPECT_EQ(again.in_force[i].value, line.in_force[i].value) << line.in_force[i].key;
  }
}

TEST_F(ConfigFile, SourcesStandInOneColumn) {
  EXPECT_EQ(
      FormatInForce({{"a", "1", "flag"}, {"long_key", "\"x\"", "default"}, {"b", "", "default"}}),
      "a = 1           # flag\n"
      "long_key = \"x\"  # default\n"
      "# b is not set  # default\n");
}

TEST(NearestNames, AreAFewLettersAway) {
  const std::vector<std::string> known = {"ack_wait", "window", "write_stall"};
  EXPECT_EQ(NearestName("ack_wate", known), "ack_wait");
  EXPECT_EQ(NearestName("windows", known), "window");
  EXPECT_EQ(NearestName("write-stall", known), "write_stall");
  EXPECT_EQ(NearestName("", known), std::nullopt);
  EXPECT_EQ(NearestName("wind_speed", known), std::nullopt);
  EXPECT_EQ(NearestName(std::string(10'000, 'a'), known), std::nullopt);
}

}  // namespace
}  // namespace ackwire
