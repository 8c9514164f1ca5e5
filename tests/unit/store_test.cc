#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open() {
    auto store =
        Store::Open({.directory = directory_.path() / "data",
                     .clock = clock_,
                     .min_free_bytes = min_free_bytes_,
                     .env = env_,
                     .disk_changed = [this](const Status& disk) { told_.push_back(disk); }})
            .value();
    store->Start({.committed = [](const SharedGroup&) {},
                  .failed = [this](const Status& why) { failed_.set_value(why); }});
    return store;
  }

  static Status Submit(Store& store, Work work) {
    std::promise<Status> answer;
    std::visit(
        [&answer](auto& each) {
          each.done = [&answer](const auto& outcome) {
            if constexpr (std::is_same_v<std::decay_t<decltype(outcome)>, Status>) {
              answer.set_value(outcome);
            } else {
              answer.set_value(outcome.status());
            }
          };
        },
        work);
    store.Submit(std::move(work));
    return answer.get_future().get();
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  std::uint64_t min_free_bytes_ = 0;
  rocksdb::Env* env_ = nullptr;  // the machine's
  std::vector<Status> told_;     // of the disk
  std::promise<Status> failed_;
};

TEST_F(StoreTest, LeavesNothingToFoldWhenItIsClosed) {
  auto store = Open();
  EXPECT_TRUE(Submit(*store, TestStore::PublishWorkOf("room/1", "hi")).ok());
  store.reset();
  Rng rng(1);
  const auto database =
      Database::Open(DataDirectory::Open(directory_.path() / "data").value(), {.rng = rng}).value();
  Derived derived(*database);
  ASSERT_TRUE(derived.Recover().ok());
  EXPECT_EQ(derived.last_position(), Position{1});
  EXPECT_FALSE(derived.Freeze().has_value());
}

TEST_F(StoreTest, RefusesWhatComesAfterItStoppedWriting) {
  const auto store = Open();
  store->StopWriting();
  const Status late = Submit(*store, TestStore::PublishWorkOf("room/1", "hi"));
  EXPECT_EQ(late.code(), StatusCode::kUnavailable);
  store->StopWriting();
}

TEST_F(StoreTest, RefusesOnlyToPublishWhenTheDiskIsAlmostFull) {
  min_free_bytes_ = ~0ULL;
  const auto store = Open();
  const Status refused = Submit(*store, TestStore::PublishWorkOf("room", "hi"));
  EXPECT_TRUE(IsDiskFull(refused)) << refused;
  EXPECT_THAT(MessageOf(refused), HasSubstr("bytes free, fewer than --min-free-bytes"));
  EXPECT_TRUE(IsDiskFull(store->CheckFreeDisk()));
  EXPECT_TRUE(Submit(*store, TestStore::SubscribeWorkOf({{"alice", "room", {}}})).ok());
  store::Event opened;
  opened.set_client("alice");
  opened.mutable_session_opened()->set_transport("websocket");
  EXPECT_TRUE(Submit(*store, TestStore::JournalWorkOf({opened})).ok());
  EXPECT_EQ(store->derived().last_position(), Position{0});
}

// The machine's files, on a disk with as much room as a test says.
class RoomEnv final : public rocksdb::EnvWrapper {
 public:
  RoomEnv() : EnvWrapper(rocksdb::Env::Default()) {}
  const char* Name() const override { return "RoomEnv"; }
  rocksdb::Status GetFreeSpace(const std::string& /*path*/, std::uint64_t* bytes) override {
    *bytes = free_bytes;
    return rocksdb::Status::OK();
  }
  std::atomic<std::uint64_t> free_bytes = 0;
};

TEST_F(StoreTest, TellsOnceThatTheDiskIsFullAndOnceThatItHasRoomAgain) {
  RoomEnv env;
  env.free_bytes = 1000;
  env_ = &env;
  min_free_bytes_ = 1000;
  const auto store = Open();
  const auto publish = [&store] { return Submit(*store, TestStore::PublishWorkOf("room", "hi")); };
  EXPECT_TRUE(publish().ok());
  EXPECT_TRUE(told_.empty());
  env.free_bytes = 999;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsDiskFull(publish()));
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_THAT(MessageOf(told_[0]), HasSubstr("has 999 bytes free"));
  env.free_bytes = 1000;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(publish().ok());
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_TRUE(told_[1].ok());
}

TEST_F(StoreTest, IsRefusedWhileAnotherHasTheDirectory) {
  const auto store = Open();
  const auto second = Store::Open({.directory = directory_.path() / "data", .clock = clock_});
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(StoreTest, ClosesWithoutHavingBeenStarted) {
  EXPECT_TRUE(Store::Open({.directory = directory_.path() / "data", .clock = clock_}).ok());
}

TEST_F(StoreTest, TakesNoMoreWritesWhenTheTailCannotBeMoved) {
  const std::filesystem::path data = directory_.path() / "data";
  const auto store = Store::Open({.directory = data, .clock = clock_}).value();
  Status why;
  store->StartByHand({.committed = [](const SharedGroup&) {},
                      .failed = [&why](const Status& status) { why = status; }});
  std::ofstream(data / "ingest") << "a file where the sorted runs' directory should be";
  Status answer;
  const auto publish = [&] {
    Work work = TestStore::PublishWorkOf("room/1", "hi");
    std::get<PublishWork>(work).done = [&answer](const auto& outcome) {
      answer = outcome.status();
    };
    store->Submit(std::move(work));
    store->WriterStep();
  };
  publish();
  EXPECT_TRUE(answer.ok()) << answer;
  store->BackgroundStep(0);
  EXPECT_THAT(MessageOf(why), HasSubstr("ingest"));
  publish();
  EXPECT_EQ(answer, why);
}

}  // namespace
}  // namespace ackwire
