#include "tools/ackwired/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "delivery/json_schema.h"
#include "tests/unit/temporary_directory.h"

namespace ackwire {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PolicyFile : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() / name) << text;
  }
  StatusOr<std::vector<ChannelPattern>> Read(const std::string& text) {
    Write("policies.toml", text);
    return ReadPolicyFile(directory_.path() / "policies.toml", flags_);
  }
  std::string Refusal(const std::string& text) {
    const auto read = Read(text);
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument) << text;
    return MessageOf(read.status());
  }
  // What is wrong with one key, of which the second line tells.
  std::string WrongKey(const std::string& line) {
    const std::string refusal = Refusal("[[channel]]\nmatch = \"room/*\"\n" + line + "\n");
    EXPECT_THAT(refusal, HasSubstr("policies.toml:3: "));
    return refusal;
  }

  const DeliveryPolicy flags_{.ack_wait = Duration(7'000)};
  TemporaryDirectory directory_;
};

TEST_F(PolicyFile, ReadsEveryKey) {
  Write("room.schema.json", R"({"type":"object"})");
  const auto patterns = Read(R"(
[[channel]]
match = "room/*"
ordering = "unordered"
ack_wait = "10s"
backoff = ["1s", "5s"]
max_attempts = 3
window = 64
ttl = "7d"
content_types = ["application/json"]
types = [1, 2]
schema = "room.schema.json"
public = true

[[channel]]
match = "news"
)");
  ASSERT_TRUE(patterns.ok()) << patterns.status();
  ASSERT_EQ(patterns->size(), 2U);
  EXPECT_EQ(patterns->front().match, "room/*");
  const ChannelPolicy& room = patterns->front().policy;
  EXPECT_EQ(room.ordering, Ordering::kUnordered);
  EXPECT_EQ(room.ack_wait, Duration(10'000));
  EXPECT_THAT(room.retry.backoff, ElementsAre(Duration(1'000), Duration(5'000)));
  EXPECT_EQ(room.retry.max_attempts, 3U);
  EXPECT_EQ(room.window, 64U);
  EXPECT_EQ(room.ttl, Duration(7 * 24 * 3'600'000LL));
  EXPECT_THAT(room.content_types, ElementsAre("application/json"));
  EXPECT_THAT(room.types, ElementsAre(1U, 2U));
  ASSERT_NE(room.schema, nullptr);
  EXPECT_FALSE(room.schema->Check("[]").ok());
  EXPECT_TRUE(room.is_public);
  const ChannelPolicy& news = patterns->back().policy;
  EXPECT_EQ(news.ack_wait, flags_.ack_wait);
  EXPECT_EQ(news.window, std::nullopt);
}

TEST_F(PolicyFile, AnEmptyFileHasNoPatterns) {
  EXPECT_TRUE(Read("# nothing yet\n").value().empty());
}

TEST_F(PolicyFile, NamesWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_THAT(
      WrongKey("ordering = \"random\""),
      AllOf(HasSubstr("ordering: "), HasSubstr("ordered or unordered"), HasSubstr("random")));
  EXPECT_THAT(WrongKey("ack_wait = \"30\""), AllOf(HasSubstr("ack_wait: "), HasSubstr("30s")));
  EXPECT_THAT(WrongKey("ack_wait = \"0s\""), HasSubstr("longer than 0"));
  EXPECT_THAT(WrongKey("ack_wait = 30"), HasSubstr("quotes"));
  EXPECT_THAT(WrongKey("backoff = \"1s\""), HasSubstr("array"));
  EXPECT_THAT(WrongKey("backoff = []"), HasSubstr("array"));
  EXPECT_THAT(WrongKey("backoff = [\"1s\", \"x\"]"), HasSubstr("\"x\""));
  EXPECT_THAT(WrongKey("max_attempts = 0"), HasSubstr("from 1"));
  EXPECT_THAT(WrongKey("window = 5000"), HasSubstr("4096"));
  EXPECT_THAT(WrongKey("types = [70000]"), HasSubstr("65535"));
  EXPECT_THAT(WrongKey("content_types = [\"json\"]"), HasSubstr("application/json"));
  EXPECT_THAT(WrongKey("public = \"yes\""), HasSubstr("true or false"));
  EXPECT_THAT(WrongKey("acks_wait = \"1s\""),
              AllOf(HasSubstr("acks_wait: "), HasSubstr("ack_wait")));
  EXPECT_THAT(WrongKey("schema = \"none.json\""), HasSubstr("none.json"));
  EXPECT_THAT(WrongKey("schema = \"\""), HasSubstr("name a file"));
  EXPECT_THAT(WrongKey("schema = \".\""), HasSubstr("a file"));
  EXPECT_THAT(WrongKey("content_types = [\"a/b/c\"]"), HasSubstr("application/json"));
  EXPECT_THAT(WrongKey("content_types = [\"text/a\\nb\"]"), HasSubstr("application/json"));
  EXPECT_THAT(WrongKey("content_types = [\"text/é\"]"), HasSubstr("application/json"));
  std::string many;
  for (int i = 0; i < 101; ++i) many += "1, ";
  EXPECT_THAT(WrongKey("types = [" + many + "]"), HasSubstr("at most 100"));
  Write("bad.json", "{");
  EXPECT_THAT(WrongKey("schema = \"bad.json\""), HasSubstr("bad.json"));
}

TEST_F(PolicyFile, EveryPatternIsAChannelsNameOrWhatNamesBeginWith) {
  EXPECT_THAT(Refusal("[[channel]]\nttl = \"1s\"\n"), HasSubstr("match: is missing"));
  EXPECT_THAT(Refusal("[[channel]]\nmatch = \"a*b\"\n"), HasSubstr("a*b"));
  EXPECT_THAT(Refusal("[[channel]]\nmatch = \"\"\n"), HasSubstr("match: "));
  EXPECT_TRUE(Read("[[channel]]\nmatch = \"*\"\n").ok());
}

TEST_F(PolicyFile, HasATableOfItsOwnForEachPatternAndLeavesOtherKeysToTheServer) {
  const auto read = Read("ack_wait = \"1s\"\n");
  EXPECT_TRUE(read.ok() && read->empty()) << read.status();
  EXPECT_THAT(Refusal("[channel]\nmatch = \"a\"\n"), HasSubstr("[[channel]]"));
}

TEST_F(PolicyFile, WhatIsNoTomlIsRefusedByLine) {
  EXPECT_THAT(Refusal("[[channel]]\nmatch = room\n"), HasSubstr("policies.toml:2: "));
}

TEST_F(PolicyFile, AFileThatIsNotThereIsSaid) {
  const auto read = ReadPolicyFile(directory_.path() / "none.toml", flags_);
  EXPECT_EQ(read.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(read.status()), AllOf(HasSubstr("--config"), HasSubstr("none.toml")));
  EXPECT_EQ(ReadPolicyFile(directory_.path(), flags_).status().code(), StatusCode::kNotFound);
  Write("large.toml", std::string((1U << 20U) + 1, '#'));
  EXPECT_THAT(MessageOf(ReadPolicyFile(directory_.path() / "large.toml", flags_).status()),
              HasSubstr("1 MiB"));
}

}  // namespace
}  // namespace ackwire
