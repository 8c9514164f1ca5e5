#include "delivery/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/json_schema.h"

namespace ackwire {
namespace {

using testing::AllOf;
using testing::HasSubstr;

PublishWork WorkOf(const std::string& content_type, const std::string& payload,
                   std::uint32_t type = 0) {
  PublishWork work;
  work.draft.set_channel("room/1");
  work.draft.set_kind(v1::KIND_CREATED);
  work.draft.set_content_type(content_type);
  work.draft.set_payload(payload);
  work.draft.set_type(type);
  return work;
}

std::string Refusal(const ChannelPolicy& policy, PublishWork work) {
  const Status status = Admit(Policies({}, {{"room/*", policy}}), work);
  return MessageOf(status);
}

TEST(Admission, WithoutAPolicyTakesAll) {
  PublishWork work = WorkOf("text/plain", "hello", 7);
  EXPECT_TRUE(Admit(Policies({}), work).ok());
  EXPECT_FALSE(work.ttl);
}

TEST(Admission, TakesTheContentTypesOfThePolicy) {
  const ChannelPolicy policy{.content_types = {"application/json", "text/plain"}};
  EXPECT_EQ(Refusal(policy, WorkOf("text/plain", "x")), "");
  EXPECT_EQ(Refusal(policy, WorkOf("Application/JSON; charset=utf-8", "{}")), "");
  EXPECT_THAT(Refusal(policy, WorkOf("text/html", "x")),
              AllOf(HasSubstr("content_type"), HasSubstr("text/html"),
                    HasSubstr("application/json or text/plain")));
}

TEST(Admission, TakesTheTypesOfThePolicy) {
  const ChannelPolicy policy{.types = {1, 2}};
  EXPECT_EQ(Refusal(policy, WorkOf("text/plain", "x", 2)), "");
  EXPECT_THAT(Refusal(policy, WorkOf("text/plain", "x", 3)),
              AllOf(HasSubstr("type"), HasSubstr("1, 2"), HasSubstr("got 3")));
}

TEST(Admission, ComparesJsonWithTheSchema) {
  const ChannelPolicy policy{.schema = JsonSchema::Parse(R"({"type":"object"})").value()};
  EXPECT_EQ(Refusal(policy, WorkOf("application/json", "{}")), "");
  EXPECT_THAT(Refusal(policy, WorkOf("application/json; charset=utf-8", "[]")),
              HasSubstr("payload"));
  EXPECT_EQ(Refusal(policy, WorkOf("text/plain", "[]")), "");
}

TEST(Admission, AWithdrawalIsAlwaysTakenAndNeverExpires) {
  const ChannelPolicy policy{.ttl = Duration(1'000),
                             .content_types = {"application/json"},
                             .types = {1},
                             .schema = JsonSchema::Parse(R"({"type":"object"})").value()};
  PublishWork work = WorkOf("", "");
  work.draft.set_kind(v1::KIND_DELETED);
  EXPECT_TRUE(Admit(Policies({}, {{"*", policy}}), work).ok());
  EXPECT_FALSE(work.ttl);
}

TEST(Admission, AnEditIsHeldToThePolicyButDoesNotExpireByIt) {
  const Policies policies({}, {{"*", {.ttl = Duration(1'000), .types = {1}}}});
  PublishWork edit = WorkOf("text/plain", "x", 2);
  edit.draft.set_kind(v1::KIND_EDITED);
  EXPECT_FALSE(Admit(policies, edit).ok());
  edit.draft.set_type(1);
  EXPECT_TRUE(Admit(policies, edit).ok());
  EXPECT_FALSE(edit.ttl);
}

TEST(Admission, GivesThePoliciesTtlWhereThereIsNone) {
  const Policies policies({}, {{"room/*", {.ttl = Duration(1'000)}}});
  PublishWork without = WorkOf("text/plain", "x");
  EXPECT_TRUE(Admit(policies, without).ok());
  EXPECT_EQ(without.ttl, Duration(1'000));
  PublishWork with = WorkOf("text/plain", "x");
  with.ttl = Duration(5);
  EXPECT_TRUE(Admit(policies, with).ok());
  EXPECT_EQ(with.ttl, Duration(5));
}

}  // namespace
}  // namespace ackwire
