#include "delivery/caller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/token_refusal.h"
#include "delivery/token_verifier.h"
#include "tests/unit/token_issuer.h"

namespace ackwire {
namespace {

constexpr Timestamp kCalledAt = FromUnixMs(1'795'305'600'000);

Caller AliceWith(Claims claims) {
  claims.user = "alice";
  claims.expires_at = kCalledAt + Duration(1000);
  return Caller(std::move(claims));
}

PublishWork Publication(const std::string& channel, const std::string& sender = "") {
  PublishWork work;
  work.draft.set_channel(channel);
  work.draft.set_sender(sender);
  return work;
}

bool Denies(const Status& status) { return status.code() == StatusCode::kPermissionDenied; }

TEST(Caller, WithoutKeysIsTrustedWithEverything) {
  const auto caller = IdentifyCaller(nullptr, "", kCalledAt);
  ASSERT_TRUE(caller.ok());
  EXPECT_TRUE(caller->trusted());
  EXPECT_TRUE(caller->MayBe("bob").ok());
  EXPECT_TRUE(caller->MaySubscribe("room/1").ok());
  EXPECT_TRUE(caller->MaySubscribeToAll("").ok());
  EXPECT_TRUE(caller->MayAdminister().ok());
  EXPECT_TRUE(caller->CheckExpiry(kCalledAt + Duration(1'000'000'000)).ok());
  PublishWork anonymous = Publication("room/1");
  EXPECT_TRUE(caller->Sign(anonymous).ok());
  EXPECT_TRUE(anonymous.may_publish_as);
  PublishWork bobs = Publication("room/1", "bob");
  EXPECT_TRUE(caller->Sign(bobs).ok());
  EXPECT_FALSE(bobs.may_publish_as) << "who names a sender acts as that sender";
}

TEST(Caller, WithKeysIsWhomTheTokenNames) {
  const TokenIssuer& issuer = TokenIssuer::EdDsa();
  const auto keys = JwkSet::Parse(JwkSetOf({issuer.jwk()}));
  ASSERT_TRUE(keys.ok()) << keys.status();
  const TokenVerifier verifier(*keys, {});
  const std::string token = issuer.Issue(R"({"sub":"alice","exp":1795305700})");
  const auto caller = IdentifyCaller(&verifier, token, kCalledAt);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->user(), "alice");
  EXPECT_EQ(IdentifyCaller(&verifier, "", kCalledAt).status().code(), StatusCode::kUnauthenticated);
}

TEST(Caller, IsItsUsersClientsAndNoOther) {
  const Caller alice = AliceWith({});
  EXPECT_TRUE(alice.MayBe("alice").ok());
  EXPECT_TRUE(alice.MayBe("alice/phone").ok());
  EXPECT_TRUE(Denies(alice.MayBe("alicette/phone")));
  EXPECT_TRUE(Denies(alice.MayActFor("bob")));
  EXPECT_TRUE(Denies(alice.MayAdminister()));
  EXPECT_TRUE(AliceWith({.admin = true}).MayActFor("bob").ok());
  EXPECT_TRUE(Denies(AliceWith({.admin = true}).MayBe("bob")));
}

TEST(Caller, OperatorsReadNoChannelForIt) {
  EXPECT_TRUE(Denies(AliceWith({.admin = true}).MaySubscribe("room/1")));
}

TEST(Caller, AllChannelsOfAPrefixTakeAPatternThatCoversThem) {
  const Caller alice = AliceWith({.subscribe = {"room/*", "talk"}});
  EXPECT_TRUE(alice.MaySubscribeToAll("room/").ok());
  EXPECT_TRUE(alice.MaySubscribeToAll("room/a").ok());
  EXPECT_TRUE(Denies(alice.MaySubscribeToAll("roo")));
  EXPECT_TRUE(Denies(alice.MaySubscribeToAll("talk"))) << "there may be a talk/2";
  EXPECT_TRUE(Denies(alice.MaySubscribeToAll("")));
  EXPECT_TRUE(AliceWith({.subscribe = {"*"}}).MaySubscribeToAll("").ok());
}

TEST(Caller, SignsWhatItPublishes) {
  const Caller alice = AliceWith({.publish = {"room/*"}});
  PublishWork own = Publication("room/1");
  EXPECT_TRUE(alice.Sign(own).ok());
  EXPECT_EQ(own.draft.sender(), "alice");
  EXPECT_FALSE(own.may_publish_as);
  PublishWork named = Publication("room/1", "alice");
  EXPECT_TRUE(alice.Sign(named).ok());
  PublishWork others = Publication("room/1", "bob");
  EXPECT_TRUE(Denies(alice.Sign(others)));
  PublishWork elsewhere = Publication("hall");
  EXPECT_TRUE(Denies(alice.Sign(elsewhere)));
}

TEST(Caller, PublishesAsOthersByItsClaim) {
  const Caller bot = AliceWith({.publish = {"*"}, .publish_as = true});
  PublishWork work = Publication("room/1", "bob");
  EXPECT_TRUE(bot.Sign(work).ok());
  EXPECT_EQ(work.draft.sender(), "bob");
  EXPECT_TRUE(work.may_publish_as);
}

TEST(Caller, IsNobodyOnceItsTokenHasExpired) {
  const Caller alice = AliceWith({});
  EXPECT_TRUE(alice.CheckExpiry(kCalledAt + Duration(999)).ok());
  EXPECT_TRUE(IsTokenExpired(alice.CheckExpiry(kCalledAt + Duration(1000))));
}

TEST(BearerToken, IsTakenFromItsSchemeOnly) {
  EXPECT_EQ(BearerTokenOf("Bearer a.b.c"), "a.b.c");
  EXPECT_EQ(BearerTokenOf("bearer  a.b.c"), "a.b.c");
  EXPECT_EQ(BearerTokenOf("Basic YTpi"), "");
  EXPECT_EQ(BearerTokenOf("Bearer"), "");
  EXPECT_EQ(BearerTokenOf(""), "");
}

}  // namespace
}  // namespace ackwire
