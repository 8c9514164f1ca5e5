#include "delivery/tickets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "delivery/secret.h"
#include "delivery/token_refusal.h"

namespace ackwire {
namespace {

constexpr Duration kResumeWithin{120'000};
constexpr Duration kInstant{1};

class TicketsTest : public ::testing::Test {
 protected:
  std::string Issue(const std::string& client = "alice/tv") {
    return tickets.Issue({.client = client}, now).value().ticket;
  }
  StatusCode Open(const std::string& ticket, const std::string& session = "",
                  const std::string& client = "alice/tv") {
    return tickets.Open(ticket, {client, session}, now).status().code();
  }
  // Opened within its time, and the stream has a session.
  std::string Opened(const std::string& session) {
    std::string ticket = Issue();
    EXPECT_EQ(Open(ticket), StatusCode::kOk);
    tickets.Serve(ticket, session);
    return ticket;
  }

  Timestamp now = FromUnixMs(1'000'000);
  Tickets tickets{kResumeWithin, 3};
};

TEST_F(TicketsTest, OpensAStreamWithinItsMinute) {
  const StatusOr<Tickets::Issued> issued = tickets.Issue({.client = "alice/tv"}, now);
  EXPECT_EQ(issued->expires_at, now + kTicketValidFor);
  now += kTicketValidFor - kInstant;
  const StatusOr<Tickets::Pass> pass = tickets.Open(issued->ticket, {"alice/tv", ""}, now);
  ASSERT_TRUE(pass.ok());
  EXPECT_EQ(pass->client, "alice/tv");
  EXPECT_TRUE(pass->caller.trusted());
}

TEST_F(TicketsTest, AUserHasSoManyOfThemAtATime) {
  Tickets many{kResumeWithin};
  const auto issue = [&](const std::string& client) {
    return many.Issue({.client = client}, now).status().code();
  };
  for (std::size_t i = 0; i < kTicketsOfUserMax; ++i) {
    ASSERT_EQ(issue("alice/" + std::to_string(i)), StatusCode::kOk);
  }
  EXPECT_EQ(issue("alice"), StatusCode::kResourceExhausted);
  EXPECT_EQ(issue("bob"), StatusCode::kOk);
  now += kTicketValidFor;
  EXPECT_EQ(issue("alice"), StatusCode::kOk);
}

TEST_F(TicketsTest, OpensNothingAfterIt) {
  const std::string ticket = Issue();
  now += kTicketValidFor;
  EXPECT_EQ(Open(ticket), StatusCode::kUnauthenticated);
}

TEST_F(TicketsTest, AnythingElseIsNoTicket) {
  const std::string ticket = Issue();
  std::string forged = ticket;
  forged.back() = forged.back() == '0' ? '1' : '0';
  for (const std::string& other :
       {std::string(), std::string("x"), ticket.substr(0, 16), ticket + "0", forged}) {
    EXPECT_EQ(Open(other), StatusCode::kUnauthenticated) << other;
  }
  EXPECT_EQ(Open(ticket), StatusCode::kOk);
}

TEST_F(TicketsTest, IsForOneClient) {
  EXPECT_EQ(Open(Issue(), "", "alice/phone"), StatusCode::kPermissionDenied);
}

TEST_F(TicketsTest, ServesTheReconnectsOfItsSession) {
  const std::string ticket = Opened("s-1");
  now += 10 * kTicketValidFor;
  EXPECT_EQ(Open(ticket, "s-2"), StatusCode::kUnauthenticated);
  EXPECT_EQ(Open(ticket), StatusCode::kUnauthenticated);
  EXPECT_EQ(Open(ticket, "s-1"), StatusCode::kOk);
  tickets.Close(ticket, now);
  tickets.Close(ticket, now);
  now += kResumeWithin - kInstant;
  EXPECT_EQ(Open(ticket, "s-1"), StatusCode::kOk);
  tickets.Serve(ticket, "s-3");
  EXPECT_EQ(Open(ticket, "s-1"), StatusCode::kUnauthenticated);
  EXPECT_EQ(Open(ticket, "s-3"), StatusCode::kOk);
}

TEST_F(TicketsTest, EndsWithTheTimeInWhichItsSessionMayBeResumed) {
  const std::string ticket = Opened("s-1");
  now += 10 * kTicketValidFor;
  tickets.Close(ticket, now);
  now += kResumeWithin;
  EXPECT_EQ(Open(ticket, "s-1"), StatusCode::kUnauthenticated);
}

TEST_F(TicketsTest, EndsWithTheTokenItWasGivenFor) {
  const Timestamp expires_at = now + Duration(10'000);
  const Caller alice(Claims{.user = "alice", .expires_at = expires_at});
  const std::string ticket = tickets.Issue({"alice/tv", alice}, now).value().ticket;
  EXPECT_EQ(tickets.Open(ticket, {"alice/tv", ""}, now).value().caller.user(), "alice");
  const Status status = tickets.Open(ticket, {"alice/tv", ""}, expires_at).status();
  EXPECT_EQ(status, TokenExpired());
}

TEST_F(TicketsTest, ThereAreOnlySoMany) {
  const std::string used = Opened("s-1");
  Issue();
  now += kInstant;
  Issue();
  EXPECT_EQ(tickets.Issue({.client = "bob"}, now).status().code(), StatusCode::kResourceExhausted);
  now += kTicketValidFor - kInstant;
  EXPECT_TRUE(tickets.Issue({.client = "bob"}, now).ok()) << "one has expired";
  EXPECT_FALSE(tickets.Issue({.client = "bob"}, now).ok());
  EXPECT_EQ(Open(used, "s-1"), StatusCode::kOk);
}

TEST(Secret, NoneIsMadeTwice) {
  std::set<std::string> made;
  for (int n = 0; n < 1000; ++n) made.insert(MakeSecret().value());
  EXPECT_EQ(made.size(), 1000U);
  EXPECT_EQ(made.begin()->size(), 64U);
}

TEST(Secret, IsTheSameOnlyAsItself) {
  EXPECT_TRUE(IsSameSecret("abc", "abc"));
  EXPECT_FALSE(IsSameSecret("abc", "abd"));
  EXPECT_FALSE(IsSameSecret("abc", "abcd"));
  EXPECT_FALSE(IsSameSecret("", "a"));
}

}  // namespace
}  // namespace ackwire
