// What is asked for by POST /v1/ack, /v1/nack and /v1/working. What these do to a session:
// session_stream_test.cc.
#include "delivery/session_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <optional>

namespace ackwire {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SessionCallsTest : public ::testing::Test {
 protected:
  HttpResponse Ask(const std::string& call, const std::string& body) const {
    std::optional<HttpResponse> answer;
    calls_.Answer(call, body, Caller(),
                  [&](HttpResponse response) { answer = std::move(response); });
    return answer.value();
  }
  static std::string TextAt(const HttpResponse& response, const char* pointer) {
    return std::string(boost::json::parse(response.body).at_pointer(pointer).as_string());
  }
  static std::string CodeOf(const HttpResponse& response) {
    return TextAt(response, "/error/code");
  }
  static std::string MessageIn(const HttpResponse& response) {
    return TextAt(response, "/error/message");
  }

  SessionCalls calls_;  // without hubs: no session is connected
};

TEST_F(SessionCallsTest, HaveThreePaths) {
  const auto call_of = [](const char* target) {
    return SessionCalls::CallOf(ParseTarget(target).value());
  };
  EXPECT_EQ(call_of("/v1/ack"), "ack");
  EXPECT_EQ(call_of("/v1/nack?x"), "nack");
  EXPECT_EQ(call_of("/v1/working"), "working");
  for (const char* other : {"/v1/acks", "/v1/ack/1", "/v2/ack", "/ack", "/v1/confirmed"}) {
    EXPECT_EQ(call_of(other), std::nullopt) << other;
  }
}

TEST_F(SessionCallsTest, ACallForASessionThatIsNotThereSaysWhatToDo) {
  for (const char* call : {"ack", "nack", "working"}) {
    const HttpResponse answer = Ask(call, R"({"session":"s-1","deliveries":[1]})");
    EXPECT_EQ(answer.status, 404U);
    EXPECT_EQ(CodeOf(answer), "not_found");
    EXPECT_THAT(MessageIn(answer), StartsWith("session: s-1 is not connected here; connect again"));
  }
}

TEST_F(SessionCallsTest, ACallThatIsWrongIsToldWhatWouldBeRight) {
  const std::string kSession = R"({"session":"s-1")";
  const auto text_of = [this](const char* call, const std::string& body) {
    const HttpResponse answer = Ask(call, body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_EQ(CodeOf(answer), "invalid_argument") << body;
    return MessageIn(answer);
  };
  EXPECT_THAT(text_of("ack", ""), StartsWith("body: "));
  EXPECT_EQ(text_of("ack", "[]"), "body: must be a JSON object, got a list");
  EXPECT_EQ(text_of("ack", R"({"upTo":1})"), "session: must be the one that `welcome` names");
  EXPECT_EQ(text_of("ack", R"({"session":7,"upTo":1})"), "session: must be a string, got 7");
  EXPECT_THAT(text_of("ack", kSession + "}"), StartsWith("deliveries: an ack has either"));
  EXPECT_THAT(text_of("ack", kSession + R"(,"upTo":0})"),
              StartsWith("upTo: must be a whole number from 1"));
  EXPECT_THAT(text_of("ack", kSession + R"(,"upTo":1,"upTo":2})"), HasSubstr("twice"));
  EXPECT_THAT(text_of("nack", kSession + R"(,"upTo":1})"),
              StartsWith("deliveries: must name 1 to 4096"));
  EXPECT_THAT(text_of("nack", kSession + R"(,"deliveries":[1],"final":1})"),
              StartsWith("final: must be true or false"));
  EXPECT_THAT(text_of("working", kSession + R"(,"deliveries":["1"]})"),
              StartsWith("deliveries[0]: must be a whole number"));
}

}  // namespace
}  // namespace ackwire
