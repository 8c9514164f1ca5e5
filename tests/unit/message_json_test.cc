#include "delivery/message_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "store/proto_time.h"

namespace ackwire {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

v1::Message MessageWith(const std::string& content_type, const std::string& payload) {
  v1::Message message;
  message.set_content_type(content_type);
  message.set_payload(payload);
  return message;
}

PublishBody ParsedPublish(std::string_view body) {
  const StatusOr<PublishBody> parsed = ParsePublishBody(body);
  EXPECT_TRUE(parsed.ok()) << body << ": " << parsed.status();
  return parsed.ok() ? *parsed : PublishBody();
}

std::string BadBody(std::string_view body) {
  const StatusOr<PublishBody> parsed = ParsePublishBody(body);
  EXPECT_FALSE(parsed.ok()) << body;
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  return ErrorMessage(parsed.status());
}

TEST(EncodeMessage, HasAllFieldsOfTheContract) {
  v1::Message message = MessageWith("application/json", R"({"text":"hi"})");
  message.set_channel("room/1");
  message.set_seq(42);
  message.set_position(18446744073709551615U);
  message.set_message_id("m-\"1\"");
  message.set_sender("bob");
  message.set_kind(v1::KIND_CREATED);
  message.set_type(7);
  (*message.mutable_headers())["b"] = "2";
  (*message.mutable_headers())["a"] = "1";
  SetTime(*message.mutable_published_at(), FromUnixMs(1'795'305'600'042));
  EXPECT_EQ(EncodeMessage(message),
            R"({"channel":"room/1","seq":42,"position":18446744073709551615,)"
            R"("messageId":"m-\"1\"","sender":"bob","kind":"created","refersTo":0,"type":7,)"
            R"("contentType":"application/json","payload":{"text":"hi"},)"
            R"("headers":{"a":"1","b":"2"},"publishedAt":"2026-11-22T00:00:00.042Z",)"
            R"("expiresAt":null})");
}

TEST(EncodeMessage, ShowsAWithdrawalWithoutPayload) {
  v1::Message message;
  message.set_kind(v1::KIND_DELETED);
  message.set_refers_to(3);
  SetTime(*message.mutable_expires_at(), FromUnixMs(999));
  EXPECT_EQ(EncodeMessage(message),
            R"({"channel":"","seq":0,"position":0,"messageId":"","sender":"","kind":"deleted",)"
            R"("refersTo":3,"type":0,"contentType":"","payload":null,"headers":{},)"
            R"("publishedAt":"1970-01-01T00:00:00.000Z","expiresAt":"1970-01-01T00:00:00.999Z"})");
}

TEST(EncodeMessage, ShowsThePayloadAsItsContentTypeSays) {
  const auto shown = [](const std::string& content_type, const std::string& payload) {
    const std::string json = EncodeMessage(MessageWith(content_type, payload));
    EXPECT_NO_THROW((void)boost::json::parse(json)) << json;
    const auto from = json.find("\"payload");
    return json.substr(from, json.find(",\"headers\":") - from);
  };
  EXPECT_EQ(shown("application/json", " [1.50, 1e3] "), R"("payload": [1.50, 1e3] )");
  EXPECT_EQ(shown("Application/JSON ; charset=utf-8", "null"), R"("payload":null)");
  EXPECT_EQ(shown("application/json", "no json"), R"("payloadBase64":"bm8ganNvbg==")");
  EXPECT_EQ(shown("application/json", ""), R"("payloadBase64":"")");
  EXPECT_EQ(shown("text/plain;charset=utf-8", "a\"\n\xc3\xa9"), "\"payload\":\"a\\\"\\n\xc3\xa9\"");
  EXPECT_EQ(shown("TEXT/markdown", ""), R"("payload":"")");
  EXPECT_EQ(shown("text/plain", "\xff\xfe\xfd"), R"("payloadBase64":"//79")");
  EXPECT_EQ(shown("image/png", "\x89PNG"), R"("payloadBase64":"iVBORw==")");
  EXPECT_EQ(shown("", "x"), R"("payloadBase64":"eA==")");
  EXPECT_EQ(shown("application/jsonx", "1"), R"("payloadBase64":"MQ==")");
}

TEST(FormatTime, IsRfc3339WithMilliseconds) {
  EXPECT_EQ(FormatTime(FromUnixMs(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatTime(FromUnixMs(951'827'696'789)), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(FormatTime(FromUnixMs(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(PublishBody, TakesEveryField) {
  const PublishBody body = ParsedPublish(
      R"({"messageId":"m","type":7,"contentType":"application/json","payload":{"b":1.50,"a":[]},)"
      R"("headers":{"h":"1","g":""},"ttlMs":90000,"expectedSeq":0,"sender":"bob","unknown":{}})");
  EXPECT_EQ(body.draft.message_id(), "m");
  EXPECT_EQ(body.draft.type(), 7U);
  EXPECT_EQ(body.draft.content_type(), "application/json");
  EXPECT_EQ(body.draft.payload(), R"({"b":1.50,"a":[]})") << "byte for byte";
  EXPECT_EQ(body.draft.headers().size(), 2U);
  EXPECT_EQ(body.draft.headers().at("h"), "1");
  EXPECT_EQ(body.draft.sender(), "bob");
  EXPECT_EQ(body.ttl, Duration(90'000));
  EXPECT_EQ(body.expected_seq, Seq{0});
}

TEST(PublishBody, StoresThePayloadAsItsContentTypeSays) {
  const auto stored = [](std::string_view body) {
    const v1::Message draft = ParsedPublish(body).draft;
    return draft.content_type() + " " + draft.payload();
  };
  EXPECT_EQ(stored(R"({"payload":"text"})"), "application/json \"text\"");
  EXPECT_EQ(stored(R"({"payload":null})"), "application/json null");
  EXPECT_EQ(stored(R"({"\u0070ayload":[1, 2e400]})"), "application/json [1, 2e400]");
  EXPECT_EQ(stored(R"({"contentType":"text/plain","payload":"a\nb"})"), "text/plain a\nb");
  EXPECT_EQ(stored(R"({"payloadBase64":"AQI="})"), "application/octet-stream \x01\x02");
  EXPECT_EQ(stored(R"({"contentType":"application/json","payloadBase64":"bm8="})"),
            "application/json no");
  EXPECT_EQ(stored("{}"), "application/octet-stream ");
  EXPECT_EQ(stored(R"({"contentType":"text/plain"})"), "text/plain ");
}

TEST(PublishBody, NamesTheFieldAndWhatItMustBe) {
  EXPECT_EQ(BadBody(R"({"type":65536})"),
            "type: must be a whole number from 0 to 65535, got 65536");
  EXPECT_EQ(BadBody(R"({"type":-1})"), "type: must be a whole number from 0 to 65535, got -1");
  EXPECT_EQ(BadBody(R"({"type":"7"})"),
            "type: must be a whole number from 0 to 65535, got a string");
  EXPECT_EQ(BadBody(R"({"messageId":5})"), "messageId: must be a string, got 5");
  EXPECT_EQ(BadBody(R"({"sender":null})"), "sender: must be a string, got null");
  EXPECT_EQ(BadBody(R"({"headers":[]})"), "headers: must be an object, got an array");
  EXPECT_EQ(BadBody(R"({"headers":{"a":1}})"),
            "headers: the value of \"a\" must be a string, got 1");
  EXPECT_EQ(BadBody(R"({"contentType":"text/plain","payload":{}})"),
            "payload: must be a string, got an object");
  EXPECT_THAT(BadBody(R"({"contentType":"image/png","payload":"x"})"),
              StartsWith("payload: must be given as payloadBase64"));
  EXPECT_THAT(BadBody(R"({"payload":1,"payloadBase64":""})"), StartsWith("payloadBase64: "));
  EXPECT_EQ(BadBody("[]"), "body: must be a JSON object");
  EXPECT_THAT(BadBody(""), StartsWith("body: must be valid JSON"));
  EXPECT_THAT(BadBody(R"({"payload":{"k":1,"k":2}})"), HasSubstr("\"k\" stands twice"));
  EXPECT_THAT(BadBody(R"({"messageId":""})"), StartsWith("messageId: must have 1 to 128 bytes"));
}

TEST(PublishBody, TakesOnlyWholeNumbersInRange) {
  for (const char* ttl : {"0", "-1", "1.5", "1.0", "1e3", "\"1s\"", "3153600000001", "{}"}) {
    EXPECT_THAT(BadBody(std::string("{\"ttlMs\":") + ttl + "}"), StartsWith("ttlMs: must be"));
  }
  EXPECT_EQ(ParsedPublish(R"({"ttlMs":3153600000000})").ttl, kTtlMax);
  for (const char* seq : {"-1", "1.5", "\"3\"", "18446744073709551616"}) {
    EXPECT_THAT(BadBody(std::string("{\"expectedSeq\":") + seq + "}"),
                StartsWith("expectedSeq: must be"));
  }
  EXPECT_EQ(ParsedPublish(R"({"expectedSeq":18446744073709551615})").expected_seq,
            Seq{18446744073709551615U});
}

TEST(PublishBody, TakesOnlyStrictBase64) {
  for (const char* text : {"A", "AA", "AAAA=", "no base64!", "AA==\\n", "AB==", "-_-_"}) {
    EXPECT_THAT(BadBody(std::string("{\"payloadBase64\":\"") + text + "\"}"),
                StartsWith("payloadBase64: must be base64"))
        << text;
  }
}

TEST(Errors, HaveTheContractsBody) {
  EXPECT_EQ(EncodeError(InvalidArgument("message_id: \"x\" is bad")),
            R"({"error":{"code":"invalid_argument","message":"messageId: \"x\" is bad",)"
            R"("retryable":false,"retryAfterMs":0}})");
  EXPECT_EQ(ErrorCode(DiskFull("full")), "disk_full");
  EXPECT_EQ(EncodeError(Error(StatusCode::kResourceExhausted, "the queue is full")),
            R"({"error":{"code":"resource_exhausted","message":"the queue is full",)"
            R"("retryable":true,"retryAfterMs":1000}})");
}

TEST(Errors, SpellOnlyFieldNamesInCamelCase) {
  const auto message = [](const char* text) { return ErrorMessage(InvalidArgument(text)); };
  EXPECT_EQ(message("expected_seq: a_b is 1"), "expectedSeq: a_b is 1");
  EXPECT_EQ(message("publish to a_b: no"), "publish to a_b: no");
  EXPECT_EQ(message("no_colon"), "no_colon");
  EXPECT_EQ(message("_a: x"), "_a: x");
  EXPECT_EQ(message("seq: got \xff"), "seq: got ?") << "an error is valid UTF-8";
}

TEST(Errors, AreWorthTryingAgainOnlyWhenTheServerWasBusyOrAway) {
  for (int code = 1; code <= 16; ++code) {
    const Status status = Error(static_cast<StatusCode>(code), "x");
    const bool busy = status.code() == StatusCode::kResourceExhausted ||
                      status.code() == StatusCode::kUnavailable;
    EXPECT_EQ(IsRetryable(status), busy) << status;
    EXPECT_EQ(RetryAfter(status) > Duration{}, busy) << status;
    EXPECT_THAT(ErrorCode(status), Not(HasSubstr("?")));
  }
}

TEST(RetryAfter, MayBeAnotherThanTheUsual) {
  const Status status =
      RetryIn(Duration(7312), Error(StatusCode::kUnavailable, "the server restarts"));
  EXPECT_EQ(RetryAfter(status), Duration(7312));
  EXPECT_THAT(EncodeError(status), HasSubstr(R"("retryAfterMs":7312)"));
  EXPECT_EQ(RetryAfter(RetryIn(Duration(7312), InvalidArgument("x"))), Duration{});
}

}  // namespace
}  // namespace ackwire
