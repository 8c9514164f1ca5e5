#include "store/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/limits.h"
#include "tests/unit/row_place.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

StatusCode CodeOf(const Work& work) { return std::get<PublishWork>(work).outcome.status().code(); }
const Published& PublishedBy(const Work& work) {
  return std::get<PublishWork>(work).outcome.value();
}

TEST(Writer, GivesDenseSeqsAndPositions) {
  TestStore store;
  std::vector<Work> works;
  for (const char* channel : {"room/1", "room/2", "room/1", "room/1", "room/2"}) {
    works.push_back(TestStore::PublishWorkOf(channel, "hi"));
  }
  const SharedGroup group = store.Commit(works);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const Work& work : works) {
    places.push_back({PublishedBy(work).seq.value, PublishedBy(work).position.value});
  }
  EXPECT_THAT(places, testing::ElementsAre(std::pair(1, 1), std::pair(1, 2), std::pair(2, 3),
                                           std::pair(3, 4), std::pair(2, 5)));
  EXPECT_EQ(group->last, Position{5});
  EXPECT_EQ(group->number, JournalNumber{0}) << "no journal record without events";
  EXPECT_EQ(store.Publish("room/2", "hi").position, Position{6});
}

TEST(Writer, StoresTheMessageAsPublished) {
  TestStore store;
  const Published published = store.Publish("room/1", "hi", {.id = "m-1", .ttl = Duration(90'500)});
  EXPECT_EQ(published.message_id, "m-1");
  EXPECT_EQ(published.published_at, store.clock().Now());
  EXPECT_FALSE(published.duplicate);
  const v1::Message stored = store.log().ReadAt({1}).value().message;
  EXPECT_EQ(stored.payload(), "hi");
  EXPECT_EQ(stored.sender(), "bob");
  EXPECT_EQ(stored.expires_at().seconds() - stored.published_at().seconds(), 90);
  EXPECT_EQ(stored.expires_at().nanos(), 500'000'000);
}

TEST(Writer, GivesAnIdWhereThePublisherGaveNone) {
  TestStore store;
  const Published one = store.Publish("room/1", "hi");
  const Published two = store.Publish("room/1", "hi");
  EXPECT_EQ(one.message_id.size(), 36U);
  EXPECT_NE(one.message_id, two.message_id);
  EXPECT_EQ(two.seq, Seq{2});
}

TEST(Writer, WritesNothingForWorksThatAreAllRefused) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "m-1"});
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "hi", {.expected_seq = Seq{7}}),
                             TestStore::PublishWorkOf("room/2", "hi", {.expected_seq = Seq{7}}),
                             TestStore::PublishWorkOf("room/1", "hi", {.id = "m-1"})};
  EXPECT_EQ(store.Commit(works), nullptr);
  EXPECT_EQ(store.IdOf("room/2"), ChannelId{}) << "a refused message makes no channel";
  EXPECT_EQ(store.derived().last_position(), Position{1});
}

TEST(Writer, AnEndAbandonsWhatItsCommitBrings) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Publish("room/1", "one");
  std::vector<Work> works;
  works.push_back(TestStore::JournalWorkOf({events::Unsubscribed("alice", store.IdOf("room/1"))}));
  works.push_back(TestStore::PublishWorkOf("room/1", "two"));
  const SharedGroup group = store.Commit(works);
  EXPECT_EQ(group->record.events(0).unsubscribed().undelivered(), 2U);
  EXPECT_EQ(std::get<JournalWork>(works[0]).outcome->abandoned, 2U);
}

// A session of which the opening is not on record has left nothing else there: what it did would be
// told of a client that nobody knows.
TEST(Writer, RefusesAllOfASessionWhoseClientCannotBeRead) {
  TestStore store;
  store.Record({events::SessionOpened("alice"), events::SessionOpened("bob")});
  store.FoldNow();
  store.Overwrite(Family::kLedger, keys::Ledger("alice", {}), "garbage");
  const JournalNumber before = store.derived().last_number();
  std::vector<Work> works = {TestStore::JournalWorkOf(
      {events::SessionOpened("alice"), events::SessionOpened("bob"),
       events::SessionClosed("alice", 1), events::SessionClosed("bob", 1)})};
  const SharedGroup group = store.Commit(works);
  EXPECT_EQ(std::get<JournalWork>(works[0]).outcome.status().code(), StatusCode::kDataLoss);
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->number, JournalNumber{before.value + 1});
  ASSERT_EQ(group->record.events_size(), 2);
  for (const store::Event& event : group->record.events()) EXPECT_EQ(event.client(), "bob");
}

// Each place where the earlier message can be found.
class WriterDuplicate : public testing::TestWithParam<RowPlace> {};

TEST_P(WriterDuplicate, IsAnsweredWithTheFirstResult) {
  TestStore store;
  store.Publish("room/1", "first");
  const Published first = store.Publish("room/1", "hi", {.id = "m-1"});
  GetParam().move(store);
  store.clock().Advance(Duration(5000));
  const Published again = store.Publish("room/1", "hi", {.id = "m-1", .expected_seq = Seq{0}});
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.position, first.position);
  EXPECT_EQ(again.published_at, first.published_at);
  EXPECT_EQ(again.message_id, "m-1");

  const auto other = store.TryPublish("room/1", "other", {.id = "m-1"});
  EXPECT_EQ(other.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(MessageOf(other.status()), HasSubstr("message_id: m-1 is seq 2 of room/1"));
  EXPECT_EQ(store.derived().last_position(), Position{2});
  EXPECT_FALSE(store.Publish("room/2", "hi", {.id = "m-1"}).duplicate) << "ids are a channel's own";
}

INSTANTIATE_TEST_SUITE_P(
    , WriterDuplicate,
    testing::Values(RowPlace{"InTheTail", [](TestStore&) {}},
                    RowPlace{"OnDisk", [](TestStore& store) { store.FoldNow(); }},
                    RowPlace{"AfterReopening", [](TestStore& store) { store.Reopen(); }},
                    RowPlace{"OnDiskAfterReopening",
                             [](TestStore& store) {
                               store.FoldNow();
                               store.Reopen();
                             }}),
    [](const auto& place) { return place.param.name; });

TEST(Writer, FindsADuplicateInTheSameGroup) {
  TestStore store;
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "hi", {.id = "m-1"}),
                             TestStore::PublishWorkOf("room/1", "hi", {.id = "m-1"}),
                             TestStore::PublishWorkOf("room/1", "ho", {.id = "m-1"}),
                             TestStore::PublishWorkOf("room/2", "ho", {.id = "m-1"})};
  const SharedGroup group = store.Commit(works);
  EXPECT_EQ(group->messages.size(), 2U);
  EXPECT_FALSE(PublishedBy(works[0]).duplicate);
  EXPECT_TRUE(PublishedBy(works[1]).duplicate);
  EXPECT_EQ(PublishedBy(works[1]).position, Position{1});
  EXPECT_EQ(CodeOf(works[2]), StatusCode::kAlreadyExists);
  EXPECT_FALSE(PublishedBy(works[3]).duplicate);
}

TEST(Writer, ChecksTheExpectedSeq) {
  TestStore store;
  EXPECT_EQ(store.Publish("room/1", "hi", {.expected_seq = Seq{0}}).seq, Seq{1});
  EXPECT_EQ(store.Publish("room/1", "hi", {.expected_seq = Seq{1}}).seq, Seq{2});
  const auto late = store.TryPublish("room/1", "hi", {.expected_seq = Seq{1}});
  EXPECT_EQ(late.status().code(), StatusCode::kAborted);
  EXPECT_EQ(MessageOf(late.status()), "expected_seq: the last seq of room/1 is 2, expected 1");
}

TEST(Writer, LetsOneOfTwoWithTheSameExpectedSeqThrough) {
  TestStore store;
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "a", {.expected_seq = Seq{0}}),
                             TestStore::PublishWorkOf("room/1", "b", {.expected_seq = Seq{0}}),
                             TestStore::PublishWorkOf("room/1", "c", {.expected_seq = Seq{1}})};
  (void)store.Commit(works);
  EXPECT_EQ(PublishedBy(works[0]).seq, Seq{1});
  EXPECT_EQ(CodeOf(works[1]), StatusCode::kAborted);
  EXPECT_EQ(PublishedBy(works[2]).seq, Seq{2});
}

PublishOptions EditOf(std::uint64_t seq, const std::string& sender = "bob") {
  return {.sender = sender, .kind = v1::KIND_EDITED, .refers_to = {seq}};
}
PublishOptions WithdrawalOf(std::uint64_t seq, const std::string& sender = "bob") {
  return {.sender = sender, .kind = v1::KIND_DELETED, .refers_to = {seq}};
}

TEST(Writer, TakesEditsAndWithdrawalsBySenderOnly) {
  TestStore store;
  store.Publish("room/1", "hi");
  EXPECT_EQ(store.Publish("room/1", "hi!", EditOf(1)).seq, Seq{2});
  EXPECT_EQ(store.Publish("room/1", "", WithdrawalOf(1)).seq, Seq{3});
  const auto other = store.TryPublish("room/1", "ha", EditOf(1, "eve"));
  EXPECT_EQ(other.status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(MessageOf(other.status()), "refers_to: seq 1 was published by another sender");
  PublishOptions back_end = WithdrawalOf(1, "back end");
  back_end.may_publish_as = true;
  EXPECT_EQ(store.Publish("room/1", "", back_end).seq, Seq{4});
  const v1::Message edit = store.log().ReadSeq(store.IdOf("room/1"), {2}).value().message;
  EXPECT_EQ(edit.kind(), v1::KIND_EDITED);
  EXPECT_EQ(edit.refers_to(), 1U);
}

TEST(Writer, RefusesAnEditOfWhatDoesNotExist) {
  TestStore store;
  EXPECT_EQ(store.TryPublish("room/1", "x", EditOf(1)).status().code(), StatusCode::kNotFound);
  store.Publish("room/1", "hi");
  const auto beyond = store.TryPublish("room/1", "x", EditOf(2));
  EXPECT_EQ(beyond.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(beyond.status()), "refers_to: no seq 2 in room/1, whose last is 1");
}

TEST(Writer, RefusesAnEditOfAnEdit) {
  TestStore store;
  store.Publish("room/1", "hi");
  store.Publish("room/1", "hi!", EditOf(1));
  EXPECT_EQ(store.TryPublish("room/1", "hi?", EditOf(2)).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(Writer, TakesAnEditInTheSameGroupAsItsMessage) {
  TestStore store;
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "hi"),
                             TestStore::PublishWorkOf("room/1", "hi!", EditOf(1)),
                             TestStore::PublishWorkOf("room/1", "ha", EditOf(1, "eve")),
                             TestStore::PublishWorkOf("room/1", "hi?", EditOf(2))};
  (void)store.Commit(works);
  EXPECT_EQ(PublishedBy(works[1]).seq, Seq{2});
  EXPECT_EQ(CodeOf(works[2]), StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(works[3]), StatusCode::kFailedPrecondition);
}

TEST(Writer, GivesAnEditItsOwnIdToRepeat) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "m-1"});
  PublishOptions edit = EditOf(1);
  edit.id = "m-1";
  EXPECT_EQ(store.TryPublish("room/1", "hi", edit).status().code(), StatusCode::kAlreadyExists)
      << "the same payload, but another kind of message";
  edit.id = "e-1";
  EXPECT_FALSE(store.Publish("room/1", "hi!", edit).duplicate);
  EXPECT_TRUE(store.Publish("room/1", "hi!", edit).duplicate);
}

TEST(Writer, NumbersTheJournalDensely) {
  TestStore store;
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) store.Reopen();
    std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "hi")};
    if (i != 1) works.push_back(TestStore::JournalWorkOf({events::SessionOpened("alice")}));
    numbers.push_back(store.Commit(works)->number.value);
  }
  EXPECT_THAT(numbers, testing::ElementsAre(1, 0, 2, 3, 4, 5));
}

TEST(Writer, CountsANewClientOnce) {
  TestStore store;
  store.Record({events::SessionOpened("alice"), events::SessionOpened("alice")});
  store.Subscribe("alice", "room/1");
  store.Subscribe("bob", "room/1");
  store.Record({events::SessionOpened("bob")});
  EXPECT_EQ(store.totals().clients, 2U);
}

}  // namespace
}  // namespace ackwire
