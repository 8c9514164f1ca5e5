// What the store makes of I/O errors; tests/faults goes through all of them.
#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include <thread>

#include "store/store.h"
#include "tests/faults/fault_env.h"
#include "tests/unit/manual_clock.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

class FailingDisk : public testing::Test {
 protected:
  StatusOr<std::unique_ptr<Store>> Open(FaultEnv& env) {
    return Store::Open({.directory = "/data", .clock = clock_, .boot_id = "boot", .env = &env});
  }
  void ExpectNoDamage(FaultEnv& env, const Fault& fault) {
    env.disk().Order(fault);
    const Status status = Open(env).status();
    EXPECT_TRUE(env.disk().hit());
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable) << status;
    env.disk().Restart();
  }

  ManualClock clock_;
  FaultEnv env_{1};
};

TEST_F(FailingDisk, IsNotDamageToAFirstStart) {
  for (std::uint64_t nth = 1; nth <= 30; ++nth) {
    FaultEnv env(nth);
    ExpectNoDamage(env, {.nth = nth});
  }
}

TEST_F(FailingDisk, IsNotDamageToAStart) {
  {
    auto store = Open(env_).value();
    store->StartByHand({.committed = [](const SharedGroup&) {}, .failed = [](const Status&) {}});
    store->Submit(TestStore::PublishWorkOf("room", "one"));
    ASSERT_TRUE(store->WriterStep());
    store->StopByHand();
  }
  for (std::uint64_t nth = 1; nth <= 20; ++nth) {
    ExpectNoDamage(env_, {.nth = nth, .calls = kIoStat});
  }
}

TEST_F(FailingDisk, IsNotWrittenToAgainWhenItHasRoom) {
  const auto store = Open(env_).value();
  const auto write = [&store] {
    rocksdb::WriteBatch batch;
    batch.Put(store->database().handle(Family::kMeta), "key", "value");
    return store->database().Write(batch, Sync::kYes);
  };
  env_.disk().Order({.calls = kIoSync, .kind = FaultKind::kNoSpace});
  ASSERT_EQ(write().code(), StatusCode::kUnavailable);
  // RocksDB would try in a thread of its own.
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(write().code(), StatusCode::kUnavailable);
    std::this_thread::yield();
  }
}

TEST_F(FailingDisk, LeavesNothingThatAPowerCutTakesAfterTheNextStart) {
  const auto commit = [](Store& store, const char* payload) {
    store.StartByHand({.committed = [](const SharedGroup&) {}, .failed = [](const Status&) {}});
    store.Submit(TestStore::PublishWorkOf("room", payload));
    (void)store.WriterStep();
  };
  {
    const auto store = Open(env_).value();
    env_.disk().Order({.calls = kIoSync});
    commit(*store, "not synced");
    env_.disk().Crash();
  }
  env_.disk().Restart();
  {
    const auto store = Open(env_).value();
    ASSERT_EQ(store->derived().last_position(), Position{1}) << "it can be read";
    commit(*store, "synced");
    Rng rng(1);
    env_.disk().PowerCut(rng);
  }
  env_.disk().Restart();
  const auto store = Open(env_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->derived().last_position(), Position{2});
}

TEST_F(FailingDisk, KeepsNoRunOutOfSightThatItCouldNotRead) {
  for (std::uint64_t nth = 1; nth <= 40; ++nth) {
    FaultEnv env(nth);
    auto store = Open(env).value();
    store->StartByHand({.committed = [](const SharedGroup&) {}, .failed = [](const Status&) {}});
    store->Submit(TestStore::PublishWorkOf("room", "one"));
    ASSERT_TRUE(store->WriterStep());
    env.disk().Order({.nth = nth, .calls = kIoRead});
    store->BackgroundStep(0);
    env.disk().Crash();
    store.reset();
    env.disk().Restart();
    store = Open(env).value();
    EXPECT_TRUE(store->log().ReadSeq(ChannelId{1}, Seq{1}).ok()) << "read " << nth;
    EXPECT_EQ(store->derived().LastOf(ChannelId{1}), Seq{1}) << "read " << nth;
  }
}

}  // namespace
}  // namespace ackwire
