// Who is let in: Host, Origin, CORS, and the id of a request.

#include "delivery/http_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/access_log.h"
#include "delivery/request_id.h"

namespace ackwire {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

using Given = std::vector<std::pair<std::string, std::string>>;

constexpr char kLocal[] = "192.0.2.7";

HttpRequest Asking(const Given& headers, const std::string& method = "POST") {
  return {.method = method, .target = "/v1/x", .headers = headers};
}

bool Takes(const HttpGate& gate, const Given& headers) {
  const std::optional<HttpResponse> refusal = gate.Refusal(Asking(headers), kLocal);
  if (refusal) {
    EXPECT_EQ(refusal->status, 403U);
    EXPECT_THAT(refusal->body, HasSubstr("permission_denied"));
  }
  return !refusal;
}

TEST(AllowedHosts, AreTheListenersOwnLoopbackAndThoseThatAreGiven) {
  const AllowedHosts hosts("Listener.Example", {"chat.example.com"});
  for (const char* host :
       {"listener.example", "LISTENER.example:1", "listener.example.", "localhost", "LocalHost:80",
        "127.0.0.1", "127.0.0.1:7480", "127.9.9.9:1", "[::1]", "[::1]:7480", "chat.example.com",
        "chat.example.com:8443", "192.0.2.7", "192.0.2.7:7480"}) {
    EXPECT_TRUE(hosts.Allows(host, kLocal)) << host;
  }
  for (const char* host :
       {"", "evil.example", "chat.example.com.evil.example", "evil-chat.example.com", "example.com",
        "xchat.example.com", "localhost.evil.example", "192.0.2.8", "127.0.0.1.nip.io", "::1",
        "[::1", "chat.example.com:x", "chat.example.com:80:80", "user@chat.example.com",
        "chat.example.com/", "2130706433", "127.1", "0x7f.0.0.1", "localhost\\@evil.example"}) {
    EXPECT_FALSE(hosts.Allows(host, kLocal)) << host;
  }
}

TEST(AllowedHosts, AreGivenWithoutAPort) {
  EXPECT_EQ(ParseHostName("Chat.Example.COM").value(), "chat.example.com");
  EXPECT_EQ(ParseHostName("::1").value(), "::1");
  EXPECT_EQ(ParseHostName("10.0.0.1").value(), "10.0.0.1");
  for (const char* wrong : {"", "chat.example.com:80", "http://chat.example.com", "*.example.com",
                            "a b", "a/b", "a,b", "a..", "[a", "a]"}) {
    EXPECT_EQ(ParseHostName(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(AllowedOrigins, AreGivenAsBrowsersSendThem) {
  for (const char* right : {"https://chat.example.com", "http://localhost:3000", "http://[::1]:81",
                            "https://chat.example.com:8443"}) {
    EXPECT_EQ(ParseOrigin(right).value(), right);
  }
  for (const char* wrong :
       {"", "*", "null", "chat.example.com", "https://", "https://chat.example.com/",
        "https://Chat.example.com", "https://*.example.com", "https://chat.example.com:443",
        "http://chat.example.com:80", "ftp://chat.example.com", "https://a b"}) {
    EXPECT_EQ(ParseOrigin(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(HttpGate, TakesWhoSendsNoOrigin) {
  const HttpGate gate("127.0.0.1", {}, "http");
  EXPECT_TRUE(Takes(gate, {{"Host", "127.0.0.1:7480"}}));
  EXPECT_TRUE(Takes(gate, {}));  // HTTP/1.0
  EXPECT_FALSE(Takes(gate, {{"Host", "evil.example"}}));
}

TEST(HttpGate, TakesNoEventStreamThatAPageOfAnotherSiteHasFetchedWithoutItsOrigin) {
  const HttpGate gate("127.0.0.1", {}, "http");
  const auto takes = [&gate](const std::string& target, const std::string& site) {
    HttpRequest request = Asking({{"Host", "127.0.0.1"}, {"Sec-Fetch-Site", site}}, "GET");
    request.target = target;
    return !gate.Refusal(request, kLocal);
  };
  for (const char* own : {"same-origin", "none"})
    EXPECT_TRUE(takes("/v1/sse?client=a", own)) << own;
  for (const char* foreign : {"cross-site", "same-site"}) {
    EXPECT_FALSE(takes("/v1/sse?client=a", foreign)) << foreign;
    EXPECT_TRUE(takes("/v1/channels/a/messages", foreign)) << foreign;
  }
}

TEST(HttpGate, TakesItsOwnPagesAndThoseThatAreAllowedToTheLetter) {
  const HttpGate gate("127.0.0.1", {.origins = {"https://chat.example.com"}}, "http");
  const auto takes = [&gate](const std::string& origin) {
    return Takes(gate, {{"Host", "127.0.0.1:7480"}, {"Origin", origin}});
  };
  EXPECT_TRUE(takes("http://127.0.0.1:7480"));
  EXPECT_TRUE(takes("https://chat.example.com"));
  for (const char* foreign :
       {"", "null", "https://evil.example", "http://chat.example.com",
        "https://chat.example.com:8443", "https://chat.example.com.evil.example",
        "https://evil-chat.example.com", "https://chat.example.com/", "https://CHAT.example.com",
        "https://chat.example.com ", "https://chat.example.com, https://chat.example.com",
        "http://127.0.0.1:7481", "http://127.0.0.1", "https://127.0.0.1:7480",
        "http://localhost:7480", "http://127.0.0.1:7480@evil.example"}) {
    EXPECT_FALSE(takes(foreign)) << foreign;
  }
  EXPECT_FALSE(Takes(gate, {{"Host", "127.0.0.1:7480"},
                            {"Origin", "https://chat.example.com"},
                            {"origin", "https://chat.example.com"}}));
}

TEST(HttpGate, ItsOwnPagesHaveTheListenersScheme) {
  const HttpGate gate("::", {.hosts = {"chat.example.com"}}, "https");
  EXPECT_TRUE(Takes(gate, {{"Host", "Chat.example.com"}, {"Origin", "https://chat.example.com"}}));
  EXPECT_FALSE(Takes(gate, {{"Host", "chat.example.com"}, {"Origin", "http://chat.example.com"}}));
}

TEST(HttpGate, LetsAPageOfAnotherSiteReadTheAnswer) {
  const HttpGate gate("127.0.0.1", {.origins = {"https://chat.example.com"}}, "http");
  const Given headers = {{"Host", "127.0.0.1:7480"}, {"Origin", "https://chat.example.com"}};
  HttpResponse answer{.status = 201, .headers = {{"Allow", "GET"}}};
  HttpGate::Add(gate.CorsOf(Asking(headers)), answer);
  EXPECT_THAT(answer.headers,
              Contains(Pair("Access-Control-Allow-Origin", "https://chat.example.com")));
  EXPECT_THAT(answer.headers, Contains(Pair("Vary", "Origin")));
  EXPECT_THAT(answer.headers,
              Contains(Pair("Access-Control-Expose-Headers", HasSubstr("X-Request-Id"))));
  EXPECT_THAT(answer.headers, Not(Contains(Pair("Access-Control-Allow-Methods", "GET"))));
  EXPECT_THAT(answer.headers, Not(Contains(Pair("Access-Control-Allow-Credentials", testing::_))));
}

TEST(HttpGate, TellsABrowserThatAsksFirstWhatItMaySend) {
  const HttpGate gate("127.0.0.1", {.origins = {"https://chat.example.com"}}, "http");
  HttpResponse answer{.status = 204, .headers = {{"Allow", "GET, POST"}}};
  HttpGate::Add(gate.CorsOf(Asking({{"Host", "localhost"},
                                    {"Origin", "https://chat.example.com"},
                                    {"Access-Control-Request-Method", "POST"}},
                                   "OPTIONS")),
                answer);
  EXPECT_THAT(answer.headers, Contains(Pair("Access-Control-Allow-Methods", "GET, POST")));
  for (const char* header : {"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID",
                             "Ackwire-Attempt", "traceparent"}) {
    EXPECT_THAT(answer.headers, Contains(Pair("Access-Control-Allow-Headers", HasSubstr(header))));
  }
}

TEST(HttpGate, SaysNothingMoreWhereNoOtherSiteIsLetIn) {
  const HttpGate gate("127.0.0.1", {}, "http");
  EXPECT_THAT(gate.CorsOf(Asking({{"Host", "localhost"}, {"Origin", "http://localhost"}})).headers,
              IsEmpty());
  const HttpGate open("127.0.0.1", {.origins = {"https://chat.example.com"}}, "http");
  EXPECT_THAT(open.CorsOf(Asking({{"Host", "localhost"}})).headers,
              ElementsAre(Pair("Vary", "Origin")));
}

TEST(RequestId, IsTheCallersWhenSaneElseMade) {
  Rng rng(1);
  const auto id_of = [&rng](const std::string& given) {
    return RequestIdOf(Asking({{"x-request-id", given}}), rng);
  };
  EXPECT_EQ(id_of("abc.DEF_1-2"), "abc.DEF_1-2");
  EXPECT_EQ(id_of(std::string(64, 'a')), std::string(64, 'a'));
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a b"),
                                 std::string("a\"b"), std::string("a\nb"), std::string("ü")}) {
    EXPECT_EQ(id_of(bad).size(), 32U) << bad;
    EXPECT_NE(id_of(bad), id_of(bad));
  }
}

TEST(AccessLog, HasNothingOfAQuery) {
  EXPECT_EQ(ShownTarget("/v1/x"), "/v1/x");
  EXPECT_EQ(ShownTarget("/v1/sse?ticket=SECRET&client=a"), "/v1/sse?*");
  EXPECT_EQ(ShownTarget("/v1/sse?SECRET=="), "/v1/sse?*");
  EXPECT_EQ(ShownTarget("/" + std::string(5000, 'a') + "?b").size(), 514U);
}

TEST(AccessLog, IsALineOrAnObject) {
  const AccessEntry entry{.request_id = "id",
                          .remote_address = "127.0.0.1",
                          .method = "GET",
                          .target = "/v1/\"x\"",
                          .status = 200,
                          .bytes = 7,
                          .took = Duration(3)};
  EXPECT_EQ(AccessLine(entry), "access GET /v1/\"x\" 200 7 B 3 ms from 127.0.0.1 id id");
  EXPECT_EQ(AccessMembers(entry),
            R"("requestId":"id","remoteAddress":"127.0.0.1","method":"GET","target":"/v1/\"x\"",)"
            R"("status":200,"bytes":7,"tookMs":3)");
  EXPECT_THAT(AccessLine({.remote_address = "127.0.0.1", .status = 400}),
              HasSubstr("access - - 400"));
}

}  // namespace
}  // namespace ackwire
