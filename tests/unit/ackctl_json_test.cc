#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "ackwire/v1/deliveries.pb.h"
#include "ackwire/v1/frames.pb.h"
#include "ackwire/v1/messages.pb.h"
#include "tools/ackctl/json.h"

namespace ackwire::ctl {
namespace {

namespace json = boost::json;

v1::Message MessageOf(const std::string& content_type, const std::string& payload) {
  v1::Message message;
  message.set_content_type(content_type);
  message.set_payload(payload);
  return message;
}

json::object Parsed(const google::protobuf::Message& message) {
  return json::parse(ToJson(message)).as_object();
}

TEST(Json, SpellsAMessageAsTheContractDoes) {
  v1::Message message = MessageOf("application/json", R"({"text":"hi"})");
  message.set_channel("room/1");
  message.set_seq(42);
  message.set_position(18446744073709551615u);
  message.set_message_id("m-1");
  message.set_sender("bob");
  message.set_kind(v1::KIND_CREATED);
  message.set_type(7);
  message.mutable_published_at()->set_seconds(1795305600);
  (*message.mutable_headers())["b"] = "2";
  (*message.mutable_headers())["a"] = "1";
  EXPECT_EQ(ToJson(message),
            R"({"channel":"room/1","seq":42,"position":18446744073709551615,"messageId":"m-1",)"
            R"("sender":"bob","kind":"created","refersTo":0,"type":7,)"
            R"("contentType":"application/json","payload":{"text":"hi"},)"
            R"("headers":{"a":"1","b":"2"},"publishedAt":"2026-11-22T00:00:00.000Z",)"
            R"("expiresAt":null})");
}

TEST(Json, PrintsDefaultsAndNullForWhatIsUnset) {
  const json::object client = Parsed(v1::Client());
  EXPECT_EQ(client.at("id"), "");
  EXPECT_EQ(client.at("online"), false);
  EXPECT_EQ(client.at("subscriptions"), 0);
  EXPECT_TRUE(client.at("lastSeenAt").is_null());
  EXPECT_TRUE(client.at("session").is_null());
  EXPECT_EQ(Parsed(v1::Delivery()).at("attempts"), json::array());
  EXPECT_TRUE(Parsed(v1::PublishRequest()).at("expectedSeq").is_null());
}

TEST(Json, GivesDurationsInMilliseconds) {
  v1::ServerStatus status;
  status.mutable_outbox_oldest_age()->set_seconds(2);
  status.mutable_outbox_oldest_age()->set_nanos(345'000'000);
  EXPECT_EQ(Parsed(status).at("outboxOldestAgeMs"), 2345);
  EXPECT_TRUE(Parsed(v1::ServerStatus()).at("outboxOldestAgeMs").is_null());
}

TEST(Json, GivesEnumsInLowerCaseWithoutTheirPrefix) {
  v1::Attempt attempt;
  attempt.set_reason(v1::REASON_ACK_TIMEOUT);
  EXPECT_EQ(Parsed(attempt).at("reason"), "ack_timeout");
  v1::FailureFilter filter;
  filter.add_reasons(v1::REASON_NACK);
  EXPECT_EQ(Parsed(filter).at("reasons"), json::array({"nack"}));
  v1::ControlReplayRequest control;
  control.set_action(v1::ControlReplayRequest::SET_RATE);
  EXPECT_EQ(Parsed(control).at("action"), "set_rate");
}

TEST(Json, PrintsOfAChoiceOnlyWhatWasChosen) {
  v1::PublishResult result;
  result.mutable_error()->set_code(3);
  EXPECT_EQ(ToJson(result), R"({"error":{"code":3,"message":""}})");
}

TEST(Json, KeepsTheNumbersOfAPayloadToTheLastDigit) {
  const std::string text = ToJson(MessageOf(
      "application/json", "{ \"n\": 12345678901234567890.125,\r\n\t\"s\": \"a \\\" { b\" }\n"));
  EXPECT_NE(text.find(R"("payload":{"n":12345678901234567890.125,"s":"a \" { b"},)"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Json, GivesTextAsAString) {
  EXPECT_EQ(Parsed(MessageOf("text/plain; charset=utf-8", "h\ni")).at("payload"), "h\ni");
}

TEST(Json, TakesTheMediaTypeInAnySpelling) {
  EXPECT_EQ(Parsed(MessageOf("Application/JSON ; charset=utf-8", "7")).at("payload"), 7);
}

TEST(Json, GivesEverythingElseInBase64) {
  for (const auto& message :
       {MessageOf("image/png", "\xff\xfe"), MessageOf("text/plain", "\xff\xfe"),
        MessageOf("application/json", "\xff\xfe")}) {
    const json::object object = Parsed(message);
    EXPECT_EQ(object.at("payloadBase64"), "//4=");
    EXPECT_FALSE(object.contains("payload"));
  }
}

TEST(Json, GivesOfAPageOnlyItsList) {
  v1::ListClientsResponse page;
  page.set_next_page_token("more");
  EXPECT_EQ(ListToJson(page), R"({"clients":[]})");
  page.add_clients()->set_id("alice");
  const json::object document = json::parse(ListToJson(page)).as_object();
  EXPECT_EQ(document.size(), 1u);
  EXPECT_EQ(document.at("clients").as_array().at(0).at("id"), "alice");
}

TEST(Json, TellsJsonFromText) {
  EXPECT_TRUE(IsJson(" {\"a\": [1, null]}\n"));
  EXPECT_TRUE(IsJson("7"));
  EXPECT_FALSE(IsJson("hello"));
  EXPECT_FALSE(IsJson(""));
  EXPECT_FALSE(IsJson("{} {}"));
}

}  // namespace
}  // namespace ackwire::ctl
