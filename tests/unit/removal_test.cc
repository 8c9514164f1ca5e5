// Messages leave the log, their places stay: whatever is read, folded again, verified or started
// anew afterwards.
#include "store/removal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/eraser.h"
#include "store/recovery.h"
#include "store/stub.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

class RemovalTest : public testing::Test {
 protected:
  RemovalTest() {
    for (const char* id : {"m-1", "m-2", "m-3", "m-4"}) store_.Publish("room", id, {.id = id});
  }

  void Remove(SeqRun seqs, v1::Reason reason = v1::REASON_RETENTION, bool erase = false) {
    const auto messages = store_.log().ReadChannel(
        store_.IdOf("room"), {.from = seqs.first.value, .messages_max = seqs.length()});
    ASSERT_TRUE(messages.ok()) << messages.status();
    RemoveWork work = MakeRemoval(*messages, {reason, "why", erase});
    std::vector<Work> works;
    works.emplace_back(std::move(work));
    (void)store_.Commit(works);
    ASSERT_TRUE(std::get<RemoveWork>(works[0]).outcome.ok());
  }

  // Why it is gone; none while it is there.
  std::optional<v1::Reason> GoneAt(std::uint64_t seq) {
    const auto stored = store_.log().ReadSeq(store_.IdOf("room"), {seq});
    EXPECT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(stored->seq(), Seq{seq});
    EXPECT_EQ(stored->position(), Position{seq});
    if (!IsStub(*stored)) return std::nullopt;
    EXPECT_EQ(stored->message.channel(), "room");
    EXPECT_EQ(stored->message.payload() + stored->message.message_id(), "");
    return GoneFor(stored->message);
  }

  // Behind the store's back.
  void Write(std::uint64_t position, const StoredMessage& stored) {
    store_.Overwrite(Family::kLog, keys::Log({position}), MakeLogRow(stored));
  }

  TestStore store_;
};

TEST_F(RemovalTest, LeavesPlaceSeqAndTime) {
  const auto before = store_.log().ReadSeq(store_.IdOf("room"), {2});
  Remove({{2}, {2}});
  EXPECT_EQ(GoneAt(1), std::nullopt);
  EXPECT_EQ(GoneAt(2), v1::REASON_RETENTION);
  const auto after = store_.log().ReadSeq(store_.IdOf("room"), {2});
  EXPECT_EQ(after->message.published_at().SerializeAsString(),
            before->message.published_at().SerializeAsString());
}

TEST_F(RemovalTest, TheChannelBeginsBehindWhatIsGoneFromItsBeginning) {
  EXPECT_EQ(store_.Info("room").first, Seq{1});
  Remove({{2}, {3}});
  EXPECT_EQ(store_.Info("room").first, Seq{1});
  Remove({{1}, {3}});
  EXPECT_EQ(store_.Info("room").first, Seq{4});
  EXPECT_EQ(store_.Info("room").last, Seq{4});
  EXPECT_EQ(store_.Subscribe("alice", "room", {StartAt::Kind::kFirst, {}}).entry.start(), Seq{4});
}

TEST_F(RemovalTest, WhatIsAStubKeepsItsReason) {
  Remove({{1}, {1}}, v1::REASON_REDACTED);
  Remove({{1}, {2}});
  EXPECT_EQ(GoneAt(1), v1::REASON_REDACTED);
  EXPECT_EQ(GoneAt(2), v1::REASON_RETENTION);
}

TEST_F(RemovalTest, ItsIdIsFreeAgain) {
  const auto again = [this] { return store_.Publish("room", "other", {.id = "m-2"}); };
  Remove({{2}, {2}});
  const Published published = again();
  EXPECT_EQ(published.seq, Seq{5});
  EXPECT_FALSE(published.duplicate);
  EXPECT_TRUE(again().duplicate);
  Remove({{5}, {5}});
  store_.FoldNow();
  EXPECT_EQ(again().seq, Seq{6});
  const auto gone = store_.log().FindById(store_.IdOf("room"), "m-1");
  ASSERT_TRUE(gone.ok() && gone->has_value());
}

TEST_F(RemovalTest, NothingRefersToIt) {
  Remove({{2}, {2}});
  const auto edit =
      store_.TryPublish("room", "edited", {.kind = v1::KIND_EDITED, .refers_to = Seq{2}});
  EXPECT_EQ(edit.status().code(), StatusCode::kNotFound);
}

// The watermark is a hash of the log's newest row: it may be that one.
TEST_F(RemovalTest, AStartFindsEverythingAsItWas) {
  Remove({{1}, {1}});
  store_.FoldNow();
  Remove({{3}, {4}}, v1::REASON_REDACTED);
  const std::string before = store_.Describe();
  ASSERT_TRUE(store_.TryReopen().ok());
  EXPECT_EQ(store_.Describe(), before);
  store_.CrashBeforeCheckpoint();
  EXPECT_EQ(store_.Describe(), before);
  EXPECT_EQ(GoneAt(4), v1::REASON_REDACTED);
  EXPECT_EQ(store_.Info("room").first, Seq{2});
}

TEST_F(RemovalTest, AVerifiedLogHasIdsThatOutlivedTheirMessages) {
  Remove({{2}, {2}});
  store_.FoldNow();  // the id was in memory, and comes to disk behind its removal
  EXPECT_THAT(store_.Differences(), testing::IsEmpty());
}

TEST_F(RemovalTest, VerifyNamesAStubThatNobodyAskedFor) {
  Remove({{2}, {2}});
  for (const std::uint64_t seq : {2, 3}) {
    const auto stored = store_.log().ReadSeq(store_.IdOf("room"), {seq});
    Write(seq, MakeStub(*stored, v1::REASON_RETENTION));
  }
  EXPECT_THAT(store_.Differences(),
              testing::ElementsAre("log: seq 3 of channel room: a stub / a message: "
                                   "nothing says that it was removed"));
}

TEST_F(RemovalTest, VerifyNamesContentThatShouldBeGone) {
  const auto stored = store_.log().ReadSeq(store_.IdOf("room"), {2});
  Remove({{1}, {3}});
  Write(2, *stored);
  EXPECT_THAT(store_.Differences(),
              testing::ElementsAre("log: seq 2 of channel room: a message / a stub: "
                                   "the journal says that it was removed"));
}

// The write-ahead log, which has the stub, is read before the table that has the content.
TEST_F(RemovalTest, ARecoveryBringsNothingBack) {
  ASSERT_TRUE(store_.database().Flush().ok());
  Remove({{2}, {2}}, v1::REASON_REDACTED);
  store_.Erase(Family::kLog, keys::Log({3}));
  store_.Recover();
  EXPECT_EQ(GoneAt(1), std::nullopt);
  EXPECT_EQ(GoneAt(2), v1::REASON_REDACTED);
  EXPECT_EQ(GoneAt(3), std::nullopt) << "the table has it";
  EXPECT_THAT(store_.Differences(), testing::IsEmpty());
}

TEST_F(RemovalTest, ARecoveryThatCutsTheEndLeavesNoMoreRemovedThanThereIs) {
  Remove({{1}, {4}});
  store_.Erase(Family::kLog, keys::Log({4}));
  store_.Recover();
  EXPECT_EQ(store_.Info("room").last, Seq{3});
  EXPECT_EQ(store_.Info("room").first, Seq{4});
  store_.Publish("room", "five", {.id = "m-5"});
  EXPECT_EQ(GoneAt(4), std::nullopt) << "another message, of the number that was removed";
  EXPECT_THAT(store_.Differences(), testing::IsEmpty());
}

TEST_F(RemovalTest, ErasedItsBytesLeaveTheDisk) {
  const std::string secret = "k7Qz!w9#Lm2@xV5^";  // which compression leaves as it is
  store_.Publish("room", secret, {.id = "m-5"});
  const auto on_disk = [&] {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store_.directory())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.find(secret) != std::string::npos) files.push_back(entry.path().filename());
    }
    return files;
  };
  ASSERT_TRUE(store_.database().Flush().ok());
  EXPECT_THAT(on_disk(), testing::SizeIs(1));
  Remove({{5}, {5}}, v1::REASON_REDACTED, true);
  store_.Reopen();  // it was not done, and is gone on with
  EXPECT_THAT(on_disk(), testing::Not(testing::IsEmpty()));
  Forgetter forgetter(store_.database());
  Eraser eraser(store_.database(), forgetter);
  ASSERT_TRUE(eraser.Step().ok());
  EXPECT_THAT(on_disk(), testing::IsEmpty());
  EXPECT_EQ(GoneAt(5), v1::REASON_REDACTED);
}

}  // namespace
}  // namespace ackwire
