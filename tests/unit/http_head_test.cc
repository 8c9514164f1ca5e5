#include "delivery/http_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using testing::HasSubstr;

std::string Head(const std::string& fields, const std::string& line = "GET /v1/x HTTP/1.1") {
  return line + "\r\nHost: localhost\r\n" + fields + "\r\n";
}

unsigned StatusOfLine(const std::string& line) { return CheckHead(Head("", line)).status; }

TEST(HttpHead, EndsBehindItsBlankLine) {
  const std::string head = Head("A: b\r\n");
  EXPECT_EQ(FindHeadEnd(head + "body\r\n\r\n"), head.size());
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(FindHeadEnd(std::string_view(head).substr(0, size)), std::nullopt) << size;
    // Wherever the bytes were cut, what was looked at need not be looked at again.
    EXPECT_EQ(FindHeadEnd(head, size), head.size()) << size;
  }
  EXPECT_EQ(FindHeadEnd("GET / HTTP/1.1\n\nbody"), 16U);
}

TEST(HttpHead, OfAGoodRequestIsTaken) {
  for (const char* fields :
       {"", "A:b\r\n", "A: \t b \t\r\n", "A:\r\n", "Content-Length: 0\r\n",
        "content-length: 9223372036854775\r\n", "Transfer-Encoding: Chunked\r\n", "X: \xc3\xbc\r\n",
        "Cookie: a=b; c=\"d\"\r\n"}) {
    EXPECT_EQ(CheckHead(Head(fields)).status, 0U) << fields;
  }
  EXPECT_EQ(CheckHead("GET / HTTP/1.0\r\n\r\n").status, 0U);
}

TEST(HttpHead, IsRefusedWhereParsersDisagree) {
  for (const char* fields : {"A: b\n",
                             "A: b\rC: d\r\n",
                             "A : b\r\n",
                             " A: b\r\n",
                             "A: b\r\n c\r\n",
                             "A: b\r\n\tc\r\n",
                             "A\r\n",
                             ": b\r\n",
                             "A b: c\r\n",
                             "A: b\x01\r\n",
                             "A: b\x7f\r\n",
                             "\xc3\xbc: b\r\n",
                             "Host: localhost\r\n",
                             "Content-Length: 1\r\nContent-Length: 1\r\n",
                             "Content-Length: 1\r\nCONTENT-LENGTH: 2\r\n",
                             "Content-Length: 1, 1\r\n",
                             "Content-Length: +1\r\n",
                             "Content-Length: -1\r\n",
                             "Content-Length: 0x1\r\n",
                             "Content-Length: \r\n",
                             "Content-Length: 99999999999999999999\r\n",
                             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                             "Transfer-Encoding: gzip\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n",
                             "Transfer-Encoding: \x0b"
                             "chunked\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: xchunked\r\n"}) {
    EXPECT_EQ(CheckHead(Head(fields)).status, 400U) << fields;
  }
  std::string with_nul = Head("A: b\r\n");
  with_nul[with_nul.find('b')] = '\0';
  EXPECT_EQ(CheckHead(with_nul).status, 400U);
}

TEST(HttpHead, HasARequestLineOfThreeParts) {
  for (const char* line :
       {"", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET /a b HTTP/1.1",
        "GET / HTTP/2.0", "GET / HTTP/1.2", "GET / http/1.1", "G\tT / HTTP/1.1",
        "GET /\x01 HTTP/1.1", "GET /\xc3\xbc HTTP/1.1", " GET / HTTP/1.1", "G(T / HTTP/1.1"}) {
    EXPECT_EQ(StatusOfLine(line), 400U) << line;
  }
  EXPECT_EQ(StatusOfLine("PURGE /a?b=c HTTP/1.1"), 0U);
}

TEST(HttpHead, HasOneTokenAtMost) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n";
  EXPECT_EQ(CheckHead(head + "\r\n").status, 0U);
  EXPECT_EQ(CheckHead(head + "authorization: Bearer a\r\n\r\n").status, 400U);
}

TEST(HttpHead, NamesItsHostOnce) {
  EXPECT_EQ(CheckHead("GET / HTTP/1.1\r\n\r\n").status, 400U);
  EXPECT_EQ(CheckHead("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").status, 400U);
  EXPECT_EQ(CheckHead("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status, 400U);
}

TEST(HttpHead, HasAtMostAHundredFields) {
  std::string fields;
  for (std::size_t n = 1; n < kHttpFieldsMax; ++n) fields += "A: b\r\n";
  EXPECT_EQ(CheckHead(Head(fields)).status, 0U);
  const HeadRefusal refusal = CheckHead(Head(fields + "A: b\r\n"));
  EXPECT_EQ(refusal.status, 431U);
  EXPECT_THAT(refusal.message, HasSubstr("at most 100 fields"));
}

TEST(HttpHead, LeadsNowhereUp) {
  for (const char* target :
       {"/..", "/../", "/a/..", "/a/../b", "..", "/%2e%2e/", "/.%2E/a", "/%2e./a", "/a%2F..%2fb",
        "/a\\..\\b", "/a%5C..%5cb", "/..?a=b", "/a/..#b"}) {
    EXPECT_TRUE(LeadsUpwards(target)) << target;
    EXPECT_EQ(StatusOfLine("GET " + std::string(target) + " HTTP/1.1"), 400U) << target;
  }
  for (const char* target : {"/", "/a..b", "/..a", "/a../b", "/...", "/a?b=/../c", "/./a",
                             "/v1/channels/room%2F1/messages", "/%252e%252e/"}) {
    EXPECT_FALSE(LeadsUpwards(target)) << target;
  }
}

}  // namespace
}  // namespace ackwire
