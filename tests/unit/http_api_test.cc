#include "delivery/http_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <future>

#include "delivery/edge_limits.h"
#include "delivery/http_history.h"
#include "delivery/http_publish.h"
#include "delivery/receipts.h"
#include "delivery/session_calls.h"
#include "delivery/tickets.h"
#include "delivery/traceparent.h"
#include "store/limits.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string HeaderOf(const HttpResponse& response, const std::string& name) {
  return HttpRequest{.headers = response.headers}.Header(name);
}

json::value Parsed(const HttpResponse& response) { return json::parse(response.body); }

std::string Code(const HttpResponse& response) {
  return std::string(Parsed(response).at_pointer("/error/code").as_string());
}
std::string Text(const HttpResponse& response) {
  return std::string(Parsed(response).at_pointer("/error/message").as_string());
}

class HttpApiTest : public testing::Test {
 protected:
  HttpResponse Ask(const std::string& method, const std::string& target,
                   const std::string& body = "", const Headers& headers = {}) {
    std::promise<HttpResponse> answered;
    api_.Answer({method, target, headers, body},
                [&](HttpResponse response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }
  HttpResponse Get(const std::string& query, const Headers& headers = {}) {
    return Ask("GET", kMessages + query, "", headers);
  }
  HttpResponse Post(const std::string& body, const Headers& headers = {}) {
    return Ask("POST", kMessages, body, headers);
  }
  void PublishMany(int count) {
    for (int n = 1; n <= count; ++n) {
      ASSERT_EQ(Post("{\"payload\":" + std::to_string(n) + "}").status, 201U);
    }
  }
  static std::vector<std::uint64_t> Seqs(const HttpResponse& response) {
    std::vector<std::uint64_t> seqs;
    const json::value page = Parsed(response);
    for (const json::value& message : page.at("messages").as_array()) {
      seqs.push_back(message.at("seq").to_number<std::uint64_t>());
    }
    return seqs;
  }
  std::string Metric(const std::string& name) {
    const std::string text = metrics_.Scrape({});
    const auto value = text.find("\n" + name + " ") + name.size() + 2;
    if (value == name.size() + 1) return "";
    return text.substr(value, text.find('\n', value) - value);
  }

  const std::string kMessages = "/v1/channels/room%2F1/messages";
  RunningStore store_;
  Metrics metrics_;
  Policies policies_{DeliveryPolicy{}};
  const std::function<void(std::function<void()>)> read_ = [](const auto& job) { job(); };
  ReceiptsSource receipts_{
      store_.store(), policies_, store_.clock(), read_,
      [](ChannelId, Seq, const std::function<void(LiveDeliveries)>& done) { done({}); }};
  EdgeLimits limits_{{}, metrics_};
  SessionCalls calls_;  // without hubs: no session is connected
  Tickets tickets_{Duration(0)};
  HttpApi api_{{store_.store(), store_.clock(), metrics_, read_, receipts_, policies_, limits_,
                calls_, tickets_}};
};

TEST_F(HttpApiTest, PublishesAndSaysWhere) {
  const HttpResponse answer = Post(R"({"payload":{"a":1},"messageId":"m-1"})");
  EXPECT_EQ(answer.status, 201U);
  EXPECT_EQ(HeaderOf(answer, "Content-Type"), "application/json");
  EXPECT_EQ(answer.body, R"({"channel":"room/1","seq":1,"position":1,"messageId":"m-1",)"
                         R"("publishedAt":"2026-11-22T00:00:00.000Z","duplicate":false,"epoch":")" +
                             store_.store().epoch() + "\"}");
  const HttpResponse one = Ask("GET", kMessages + "/1");
  EXPECT_EQ(one.status, 200U);
  EXPECT_EQ(one.body, R"({"channel":"room/1","seq":1,"position":1,"messageId":"m-1","sender":"",)"
                      R"("kind":"created","refersTo":0,"type":0,"contentType":"application/json",)"
                      R"("payload":{"a":1},"headers":{},"publishedAt":"2026-11-22T00:00:00.000Z",)"
                      R"("expiresAt":null})");
}

TEST_F(HttpApiTest, CountsTheReceiptsOfAMessage) {
  for (const char* client : {"alice/phone", "alice/tv", "bob"}) store_.Subscribe(client, "room/1");
  PublishMany(2);
  store_.Subscribe("late", "room/1");
  store_.Record({events::Acked("alice/tv", store_.IdOf("room/1"), {{Seq{1}, Seq{1}}})});
  const HttpResponse answer = Ask("GET", kMessages + "/1/receipts");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, R"({"owed":3,"acked":1,"pending":2,"failed":0,"usersOwed":2,)"
                         R"("usersReached":1})");
  EXPECT_EQ(HeaderOf(answer, "Cache-Control"), "no-store");  // it may differ the next moment
}

TEST_F(HttpApiTest, RefusesReceiptsOfWhatIsNot) {
  PublishMany(1);
  const HttpResponse later = Ask("GET", kMessages + "/2/receipts");
  EXPECT_EQ(later.status, 404U);
  EXPECT_EQ(Text(later), "seq: there is no seq 2 in room/1, whose last is 1");
  const HttpResponse nowhere = Ask("GET", "/v1/channels/nowhere/messages/1/receipts");
  EXPECT_EQ(nowhere.status, 404U);
  EXPECT_EQ(Text(nowhere), "channel: there is no nowhere");
  EXPECT_EQ(Ask("GET", kMessages + "/0/receipts").status, 400U);
  EXPECT_EQ(Ask("GET", kMessages + "/one/receipts").status, 400U);
  const HttpResponse post = Ask("POST", kMessages + "/1/receipts");
  EXPECT_EQ(post.status, 405U);
  EXPECT_EQ(HeaderOf(post, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(HttpApiTest, AnswersADuplicateWithTheFirstResult) {
  const std::string body = R"({"payload":1})";
  const Headers key = {{"idempotency-key", "k"}, {"ACKWIRE-ATTEMPT", "2"}};
  EXPECT_EQ(Post(body, {{"Idempotency-Key", "k"}, {"Ackwire-Attempt", "1"}}).status, 201U);
  const HttpResponse again = Post(body, key);
  EXPECT_EQ(again.status, 200U);
  EXPECT_EQ(Parsed(again).at("seq").as_int64(), 1);
  EXPECT_TRUE(Parsed(again).at("duplicate").as_bool());
  EXPECT_EQ(Metric("ackwire_messages_published_total"), "1");
  EXPECT_EQ(Metric("ackwire_publish_retries_total"), "1");
  const HttpResponse other = Post(R"({"payload":2})", key);
  EXPECT_EQ(other.status, 409U);
  EXPECT_EQ(Code(other), "already_exists");
  EXPECT_THAT(Text(other), StartsWith("messageId: k is seq 1"));
}

TEST_F(HttpApiTest, TakesTheMessageIdFromOnePlaceOrTheSameFromBoth) {
  EXPECT_EQ(Post(R"({"messageId":"k"})", {{"Idempotency-Key", "k"}}).status, 201U);
  const HttpResponse differ = Post(R"({"messageId":"m"})", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(differ.status, 400U);
  EXPECT_THAT(Text(differ), HasSubstr("Idempotency-Key"));
}

TEST_F(HttpApiTest, GuardsWithTheExpectedSeq) {
  EXPECT_EQ(Post(R"({"expectedSeq":0})").status, 201U);
  const HttpResponse late = Post(R"({"expectedSeq":0})");
  EXPECT_EQ(late.status, 409U);
  EXPECT_EQ(Code(late), "aborted");
  EXPECT_EQ(Text(late), "expectedSeq: the last seq of room/1 is 1, expected 0");
  EXPECT_EQ(Metric("ackwire_publish_rejected_total{code=\"aborted\",transport=\"http\"}"), "1");
}

TEST_F(HttpApiTest, SetsWhenAMessageExpires) {
  ASSERT_EQ(Post(R"({"ttlMs":1500})").status, 201U);
  EXPECT_EQ(Parsed(Ask("GET", kMessages + "/1")).at("expiresAt"), "2026-11-22T00:00:01.500Z");
}

TEST_F(HttpApiTest, EditsAndWithdraws) {
  ASSERT_EQ(Post(R"({"payload":1,"sender":"alice"})").status, 201U);
  EXPECT_EQ(Ask("PUT", kMessages + "/1", R"({"payload":2,"sender":"alice"})").status, 201U);
  EXPECT_EQ(Ask("DELETE", kMessages + "/1?sender=alice").status, 201U);
  EXPECT_EQ(Ask("DELETE", kMessages + "/1", R"({"sender":"alice","messageId":"d"})").status, 201U);
  EXPECT_EQ(Ask("DELETE", kMessages + "/1", R"({"sender":"alice","messageId":"d"})").status, 200U);
  const json::value edit = Parsed(Ask("GET", kMessages + "/2"));
  EXPECT_EQ(edit.at("kind"), "edited");
  EXPECT_EQ(edit.at("refersTo").as_int64(), 1);
  EXPECT_EQ(edit.at("payload").as_int64(), 2);
  const json::value withdrawal = Parsed(Ask("GET", kMessages + "/3"));
  EXPECT_EQ(withdrawal.at("kind"), "deleted");
  EXPECT_EQ(withdrawal.at("sender"), "alice");
  EXPECT_EQ(withdrawal.at("contentType"), "");
  EXPECT_TRUE(withdrawal.at("payload").is_null());
}

TEST_F(HttpApiTest, LetsNoSenderChangeWhatAnotherWrote) {
  ASSERT_EQ(Post(R"({"payload":1,"sender":"alice"})").status, 201U);
  const HttpResponse edit = Ask("PUT", kMessages + "/1", R"({"payload":2,"sender":"mallory"})");
  EXPECT_EQ(edit.status, 403U);
  EXPECT_EQ(Code(edit), "permission_denied");
  EXPECT_EQ(Ask("DELETE", kMessages + "/1?sender=mallory").status, 403U);
  EXPECT_EQ(Ask("DELETE", kMessages + "/1").status, 201U) << "a trusted caller, in its own name";
}

TEST_F(HttpApiTest, RefusesAWithdrawalThatSaysTwoThings) {
  ASSERT_EQ(Post(R"({"payload":1,"sender":"a"})").status, 201U);
  EXPECT_EQ(Ask("DELETE", kMessages + "/1?sender=a", R"({"sender":"b"})").status, 400U);
  const HttpResponse payload = Ask("DELETE", kMessages + "/1", R"({"sender":"a","payload":1})");
  EXPECT_EQ(payload.status, 400U);
  EXPECT_EQ(Text(payload), "payload: a withdrawal carries none");
}

TEST_F(HttpApiTest, StoresAValidTraceparent) {
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_EQ(Post(R"({"headers":{"o":"1"}})", {{"Traceparent", trace}}).status, 201U);
  ASSERT_EQ(Post("{}", {{"traceparent", "nonsense"}}).status, 201U);
  ASSERT_EQ(Post(R"({"headers":{"traceparent":"mine"}})", {{"traceparent", trace}}).status, 201U);
  const auto headers = [&](const char* seq) {
    return json::serialize(Parsed(Ask("GET", kMessages + seq)).at("headers"));
  };
  EXPECT_EQ(headers("/1"), R"({"o":"1","traceparent":")" + trace + "\"}");
  EXPECT_EQ(headers("/2"), "{}");
  EXPECT_EQ(headers("/3"), R"({"traceparent":"mine"})");
}

TEST(Traceparent, HasTheShapeOfTheStandard) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00f067aa0ba902b7";
  EXPECT_TRUE(IsTraceparent("00-" + trace + "-" + parent + "-01"));
  EXPECT_TRUE(IsTraceparent("cc-" + trace + "-" + parent + "-01-later"));
  EXPECT_FALSE(IsTraceparent("00-" + trace + "-" + parent + "-01-later"));
  EXPECT_FALSE(IsTraceparent("cc-" + trace + "-" + parent + "-01later"));
  EXPECT_FALSE(IsTraceparent("ff-" + trace + "-" + parent + "-01"));
  EXPECT_FALSE(IsTraceparent("00-" + std::string(32, '0') + "-" + parent + "-01"));
  EXPECT_FALSE(IsTraceparent("00-" + trace + "-" + std::string(16, '0') + "-01"));
  EXPECT_FALSE(IsTraceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01"));
  EXPECT_FALSE(IsTraceparent("00_" + trace + "-" + parent + "-01"));
  EXPECT_FALSE(IsTraceparent("00-" + trace + "-" + parent));
  EXPECT_FALSE(IsTraceparent(""));
}

TEST_F(HttpApiTest, NamesTheFieldAndTheLimit) {
  const HttpResponse large = Post("{\"contentType\":\"text/plain\",\"payload\":\"" +
                                  std::string(kPayloadBytesMax + 1, 'p') + "\"}");
  EXPECT_EQ(large.status, 413U);
  EXPECT_EQ(Code(large), "invalid_argument");
  EXPECT_EQ(Text(large), "payload: at most 262144 bytes, got 262145");
  const HttpResponse id = Post("{}", {{"Idempotency-Key", std::string(129, 'k')}});
  EXPECT_EQ(id.status, 400U);
  EXPECT_EQ(Text(id), "messageId: must have 1 to 128 bytes, has 129");
  EXPECT_EQ(Ask("POST", "/v1/channels/a%20b/messages", "{}").status, 400U);
  EXPECT_EQ(Ask("POST", "/v1/channels/%FF/messages", "{}").status, 400U);
  EXPECT_EQ(Ask("POST", "/v1/channels/%ZZ/messages", "{}").status, 400U);
  EXPECT_EQ(Ask("POST", "/v1/channels//messages", "{}").status, 400U);
  EXPECT_EQ(Post("{").status, 400U);
  EXPECT_EQ(Ask("PUT", kMessages + "/abc", "{}").status, 400U);
  EXPECT_EQ(Ask("PUT", kMessages + "/9", "{}").status, 404U);
  EXPECT_TRUE(Seqs(Get("")).empty()) << "nothing is stored";
}

TEST_F(HttpApiTest, ReadsForwardsPageByPage) {
  PublishMany(10);
  const HttpResponse first = Get("?limit=4");
  EXPECT_EQ(Seqs(first), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(Parsed(first).at("next").as_int64(), 5);
  EXPECT_EQ(Parsed(first).at("epoch"), store_.store().epoch().c_str());
  const HttpResponse last = Get("?from=9&limit=4");
  EXPECT_EQ(Seqs(last), (std::vector<std::uint64_t>{9, 10}));
  EXPECT_TRUE(Parsed(last).at("next").is_null());
  EXPECT_TRUE(Parsed(Get("?from=7&limit=4")).at("next").is_null());
  EXPECT_TRUE(Seqs(Get("?from=11")).empty());
  EXPECT_EQ(Seqs(Get("")).size(), 10U);
}

TEST_F(HttpApiTest, ReadsBackwardsPageByPage) {
  PublishMany(6);
  const HttpResponse first = Get("?reverse=true&limit=4");
  EXPECT_EQ(Seqs(first), (std::vector<std::uint64_t>{6, 5, 4, 3}));
  EXPECT_EQ(Parsed(first).at("next").as_int64(), 2);
  const HttpResponse last = Get("?reverse=true&limit=4&from=2");
  EXPECT_EQ(Seqs(last), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_TRUE(Parsed(last).at("next").is_null());
}

TEST_F(HttpApiTest, HasNoMessagesInAChannelThatDoesNotExist) {
  EXPECT_EQ(Get("").body,
            R"({"messages":[],"next":null,"epoch":")" + store_.store().epoch() + "\"}");
  const HttpResponse one = Ask("GET", kMessages + "/1");
  EXPECT_EQ(one.status, 404U);
  EXPECT_EQ(Code(one), "not_found");
}

TEST_F(HttpApiTest, LetsOnlyAFullPageOfThePastBeKept) {
  PublishMany(10);
  const char* const past = "private, immutable, max-age=31536000";
  for (const char* query : {"?from=1&limit=4", "?from=6&limit=4", "?from=6&limit=4&reverse=true"}) {
    EXPECT_EQ(HeaderOf(Get(query), "Cache-Control"), past) << query;
  }
  for (const char* query : {"", "?limit=4", "?from=0&limit=4", "?from=7&limit=4", "?from=9&limit=4",
                            "?from=11", "?reverse=true&limit=4", "?from=99&limit=4&reverse=true"}) {
    EXPECT_EQ(HeaderOf(Get(query), "Cache-Control"), "private, no-cache") << query;
  }
}

TEST_F(HttpApiTest, SaysNotModifiedUntilThePageChanges) {
  PublishMany(3);
  const std::string full = HeaderOf(Get("?from=1&limit=2"), "ETag");
  const std::string open = HeaderOf(Get(""), "ETag");
  const std::string end = HeaderOf(Get("?from=2&limit=2"), "ETag");
  EXPECT_THAT(open, testing::MatchesRegex("\"[0-9a-f]+\\.1\\.1-3\\.0\""));
  const HttpResponse same = Get("", {{"If-None-Match", "\"x\", W/" + open}});
  EXPECT_EQ(same.status, 304U);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(HeaderOf(same, "ETag"), open);
  PublishMany(1);
  EXPECT_EQ(Get("", {{"If-None-Match", open}}).status, 200U);
  EXPECT_EQ(Get("?from=2&limit=2", {{"If-None-Match", end}}).status, 200U) << "it has a next now";
  EXPECT_EQ(Get("?from=1&limit=2", {{"If-None-Match", full}}).status, 304U);
}

TEST(IfNoneMatch, IsAListOfTagsOrAStar) {
  EXPECT_TRUE(MatchesAny("*", "\"a\""));
  EXPECT_TRUE(MatchesAny(" \"b\" ,\t\"a\" ", "\"a\""));
  EXPECT_TRUE(MatchesAny("W/\"a\"", "\"a\""));
  EXPECT_FALSE(MatchesAny("", "\"a\""));
  EXPECT_FALSE(MatchesAny("a", "\"a\""));
  EXPECT_FALSE(MatchesAny("\"b\", , \"ab\"", "\"a\""));
}

TEST_F(HttpApiTest, NamesABadQuestion) {
  for (const auto& [query, field] :
       std::vector<std::pair<std::string, std::string>>{{"?from=abc", "from: "},
                                                        {"?from=-1", "from: "},
                                                        {"?limit=0", "limit: "},
                                                        {"?limit=1001", "limit: "},
                                                        {"?limit=1.5", "limit: "},
                                                        {"?reverse=maybe", "reverse: "},
                                                        {"/0", "seq: "},
                                                        {"/abc", "seq: "},
                                                        {"?from=1&from=2", "query: "}}) {
    const HttpResponse answer = Get(query);
    EXPECT_EQ(answer.status, 400U) << query;
    EXPECT_THAT(Text(answer), StartsWith(field)) << query;
  }
}

TEST_F(HttpApiTest, KnowsItsPathsAndTheirMethods) {
  for (const char* path : {"/", "/v1/acks", "/v1/channels/c/messages/1/reads"}) {
    EXPECT_EQ(Ask("GET", path).status, 404U) << path;
    EXPECT_EQ(Code(Ask("POST", path)), "not_found") << path;
  }
  const HttpResponse put = Ask("PUT", kMessages, "{}");
  EXPECT_EQ(put.status, 405U);
  EXPECT_EQ(HeaderOf(put, "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(Ask("POST", kMessages + "/1", "{}").status, 405U);
  const HttpResponse options = Ask("OPTIONS", kMessages + "/1");
  EXPECT_EQ(options.status, 204U);
  EXPECT_EQ(options.body, "");
  EXPECT_EQ(HeaderOf(options, "Allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
}

TEST_F(HttpApiTest, GivesItsDescriptionUntilTheCallerHasIt) {
  const HttpResponse first = Ask("GET", "/v1/openapi.yaml");
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(HeaderOf(first, "Content-Type"), "application/yaml");
  EXPECT_THAT(first.body, StartsWith("openapi: 3."));
  const std::string etag = HeaderOf(first, "ETag");
  const HttpResponse again = Ask("GET", "/v1/openapi.yaml", "", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304U);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(HeaderOf(again, "ETag"), etag);
  EXPECT_EQ(Ask("GET", "/v1/openapi.yaml", "", {{"If-None-Match", "\"x\""}}).status, 200U);
  EXPECT_EQ(HeaderOf(Ask("OPTIONS", "/v1/openapi.yaml"), "Allow"), "GET, HEAD, OPTIONS");
  const HttpResponse post = Ask("POST", "/v1/openapi.yaml");
  EXPECT_EQ(post.status, 405U);
  EXPECT_EQ(HeaderOf(post, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(HttpApiTest, AnswersHeadLikeGet) {
  PublishMany(2);
  const HttpResponse get = Get("");
  const HttpResponse head = Ask("HEAD", kMessages);
  EXPECT_EQ(head.status, get.status);
  EXPECT_EQ(head.headers, get.headers);
  EXPECT_EQ(head.body, get.body) << "the connection counts it, and leaves it out";
}

TEST(ErrorResponses, HaveTheStatusOfTheContract) {
  const auto status = [](StatusCode code) { return ErrorResponse(Error(code, "x")).status; };
  EXPECT_EQ(status(StatusCode::kInvalidArgument), 400U);
  EXPECT_EQ(status(StatusCode::kUnauthenticated), 401U);
  EXPECT_EQ(status(StatusCode::kPermissionDenied), 403U);
  EXPECT_EQ(status(StatusCode::kNotFound), 404U);
  EXPECT_EQ(status(StatusCode::kAlreadyExists), 409U);
  EXPECT_EQ(status(StatusCode::kAborted), 409U);
  EXPECT_EQ(status(StatusCode::kFailedPrecondition), 409U);
  EXPECT_EQ(status(StatusCode::kResourceExhausted), 429U);
  EXPECT_EQ(ErrorResponse(DiskFull("full")).status, 507U);
  EXPECT_EQ(status(StatusCode::kInternal), 500U);
  EXPECT_EQ(status(StatusCode::kDataLoss), 500U);
  EXPECT_EQ(status(StatusCode::kUnimplemented), 501U);
  EXPECT_EQ(status(StatusCode::kUnavailable), 503U);
  EXPECT_EQ(ErrorResponse(TooLarge("body: x")).status, 413U);
  EXPECT_EQ(HeaderOf(ErrorResponse(Error(StatusCode::kResourceExhausted, "x")), "Retry-After"),
            "1");
  EXPECT_EQ(HeaderOf(ErrorResponse(Error(StatusCode::kInternal, "x")), "Retry-After"), "");
}

}  // namespace
}  // namespace ackwire
