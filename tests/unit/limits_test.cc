#include "store/limits.h"

#include <gtest/gtest.h>

#include <vector>

#include "ackwire/v1/message.pb.h"

namespace ackwire {
namespace {

v1::Message Draft() {
  v1::Message draft;
  draft.set_channel("room/1");
  draft.set_sender("bob");
  draft.set_kind(v1::KIND_CREATED);
  return draft;
}

// OK, or what was wrong.
std::string Problem(const Status& status) {
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return MessageOf(status);
}

std::string ProblemOf(const v1::Message& draft) { return Problem(CheckDraft(draft)); }

TEST(Limits, TakeNamesOfOneToTwoHundredFiftyFiveBytes) {
  EXPECT_EQ(Problem(CheckChannelName("")), "channel: must have 1 to 255 bytes, has 0");
  EXPECT_EQ(Problem(CheckChannelName("r")), "");
  EXPECT_EQ(Problem(CheckChannelName(std::string(255, 'r'))), "");
  EXPECT_EQ(Problem(CheckChannelName(std::string(256, 'r'))),
            "channel: must have 1 to 255 bytes, has 256");
  EXPECT_EQ(Problem(CheckClientName(std::string(255, 'c'))), "");
  EXPECT_EQ(Problem(CheckClientName(std::string(256, 'c'))),
            "client: must have 1 to 255 bytes, has 256");
  // The limit is in bytes, not in characters.
  std::string wide;
  for (int i = 0; i < 128; ++i) wide += "\xC3\xA9";
  EXPECT_EQ(Problem(CheckChannelName(wide)), "channel: must have 1 to 255 bytes, has 256");
}

TEST(Limits, TakeUtf8OfEveryLengthInNames) {
  for (const char* name : {"caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                           "\xED\x9F\xBF", "\xEE\x80\x80", "room/1/a:b#c", "~"}) {
    EXPECT_EQ(Problem(CheckChannelName(name)), "") << name;
  }
}

TEST(Limits, RefuseWhatIsNotUtf8) {
  const std::vector<std::string> broken = {
      "\x80",              // a continuation with no lead
      "\xC3",              // cut short
      "\xE2\x82",          //
      "\xF0\x9F\x98",      //
      "\xC3(",             // no continuation after the lead
      "\xC0\xAF",          // overlong: `/` in two bytes
      "\xC1\xBF",          //
      "\xE0\x80\xAF",      // in three
      "\xE0\x9F\xBF",      //
      "\xF0\x80\x80\xAF",  // in four
      "\xF0\x8F\xBF\xBF",  //
      "\xED\xA0\x80",      // surrogates
      "\xED\xBF\xBF",      //
      "\xF4\x90\x80\x80",  // beyond U+10FFFF
      "\xF5\x80\x80\x80",  //
      "\xF8\x88\x80\x80\x80",
      "\xFF",
  };
  for (const std::string& text : broken) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
    EXPECT_FALSE(IsUtf8("ok " + text + " ok"));
    EXPECT_EQ(Problem(CheckChannelName("r" + text)), "channel: must be valid UTF-8");
    EXPECT_EQ(Problem(CheckClientName("c" + text)), "client: must be valid UTF-8");
    EXPECT_EQ(Problem(CheckMessageId("m" + text)), "message_id: must be valid UTF-8");
  }
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Limits, RefuseControlCharactersWhiteSpaceAndStarInNames) {
  const std::string nul("a\0b", 3);
  const std::vector<std::string> refused = {nul,
                                            "a\tb",
                                            "a\nb",
                                            "a\x1F",
                                            "a b",
                                            "\x7F",
                                            "\xC2\x80",
                                            "\xC2\x85",
                                            "\xC2\x9F",
                                            "\xC2\xA0",
                                            "\xE1\x9A\x80",
                                            "\xE2\x80\x80",
                                            "\xE2\x80\x8A",
                                            "\xE2\x80\xA8",
                                            "\xE2\x80\xA9",
                                            "\xE2\x80\xAF",
                                            "\xE2\x81\x9F",
                                            "\xE3\x80\x80",
                                            "*",
                                            "room/*",
                                            "*room"};
  for (const std::string& name : refused) {
    EXPECT_EQ(Problem(CheckChannelName(name)),
              "channel: must have no control characters, white space or `*`")
        << testing::PrintToString(name);
    EXPECT_NE(Problem(CheckClientName(name)), "") << testing::PrintToString(name);
  }
}

TEST(Limits, TakeAClientThatIsAUserOrAUsersDevice) {
  for (const char* client : {"alice", "alice/phone", "a/b:c-d"}) {
    EXPECT_EQ(Problem(CheckClientName(client)), "") << client;
  }
  for (const char* client : {"/", "alice/", "/phone", "alice/phone/2", "alice//phone"}) {
    EXPECT_EQ(Problem(CheckClientName(client)), "client: must be `user` or `user/device`")
        << client;
  }
  EXPECT_EQ(UserOf("alice"), "alice");
  EXPECT_EQ(UserOf("alice/phone"), "alice");
}

TEST(Limits, TakeMessageIdsOfOneToOneHundredTwentyEightBytes) {
  EXPECT_EQ(Problem(CheckMessageId("")), "message_id: must have 1 to 128 bytes, has 0");
  EXPECT_EQ(Problem(CheckMessageId(std::string(128, 'm'))), "");
  EXPECT_EQ(Problem(CheckMessageId(std::string(129, 'm'))),
            "message_id: must have 1 to 128 bytes, has 129");
  v1::Message draft = Draft();
  draft.set_message_id(std::string(129, 'm'));
  EXPECT_EQ(ProblemOf(draft), "message_id: must have 1 to 128 bytes, has 129");
}

TEST(Limits, TakeADraftWithoutIdOrSender) {
  v1::Message draft = Draft();
  draft.clear_sender();
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_sender("a b");
  EXPECT_EQ(ProblemOf(draft), "sender: must have no control characters, white space or `*`");
}

TEST(Limits, TakeTypesOfSixteenBits) {
  v1::Message draft = Draft();
  draft.set_type(65535);
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_type(65536);
  EXPECT_EQ(ProblemOf(draft), "type: must be 0 to 65535, got 65536");
}

TEST(Limits, TakePayloadsOfUpToTwoHundredFiftySixKiB) {
  v1::Message draft = Draft();
  draft.set_payload(std::string(262'144, '\xFF'));
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_payload(std::string(262'145, '\xFF'));
  EXPECT_EQ(ProblemOf(draft), "payload: at most 262144 bytes, got 262145");
}

TEST(Limits, TakeContentTypesOfUpToTwoHundredFiftyFiveBytes) {
  v1::Message draft = Draft();
  draft.set_content_type(std::string(255, 'x'));
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_content_type(std::string(256, 'x'));
  EXPECT_EQ(ProblemOf(draft), "content_type: at most 255 bytes of UTF-8, got 256");
}

TEST(Limits, TakeThirtyTwoHeadersOfEightKiBTogether) {
  v1::Message draft = Draft();
  for (int i = 0; i < 32; ++i) (*draft.mutable_headers())["h" + std::to_string(100 + i)] = "v";
  EXPECT_EQ(ProblemOf(draft), "");
  (*draft.mutable_headers())["one more"] = "v";
  EXPECT_EQ(ProblemOf(draft), "headers: at most 32, got 33");

  draft.clear_headers();
  (*draft.mutable_headers())["name"] = std::string(8188, 'v');
  EXPECT_EQ(ProblemOf(draft), "");
  (*draft.mutable_headers())["name"] += 'v';
  EXPECT_EQ(ProblemOf(draft), "headers: at most 8192 bytes together, got 8193");

  draft.clear_headers();
  (*draft.mutable_headers())[""] = "v";
  EXPECT_EQ(ProblemOf(draft), "headers: a name must not be empty");
}

TEST(Limits, TakeAKindWithWhatItRefersTo) {
  v1::Message draft = Draft();
  draft.set_refers_to(3);
  EXPECT_EQ(ProblemOf(draft), "refers_to: must be 0 for a message of kind created");
  draft.set_kind(v1::KIND_EDITED);
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_kind(v1::KIND_DELETED);
  EXPECT_EQ(ProblemOf(draft), "");
  draft.set_payload("x");
  EXPECT_EQ(ProblemOf(draft), "payload: a withdrawal carries none");
  draft.set_kind(v1::KIND_EDITED);
  draft.set_refers_to(0);
  EXPECT_EQ(ProblemOf(draft), "refers_to: an edit or a withdrawal names the seq it refers to");
  draft.set_kind(v1::KIND_UNSPECIFIED);
  EXPECT_EQ(ProblemOf(draft), "kind: must be created, edited or deleted, got 0");
}

}  // namespace
}  // namespace ackwire
