#include "store/background_listener.h"

#include <gtest/gtest.h>

#include "store/database.h"

namespace ackwire {
namespace {

Status Failed(const std::string& what) { return Error(StatusCode::kUnavailable, what); }

TEST(BackgroundListener, KeepsTheFirstThingThatFailed) {
  BackgroundListener listener;
  EXPECT_TRUE(listener.first().ok());
  rocksdb::Status error = rocksdb::Status::IOError("the disk is gone");
  listener.OnBackgroundError(rocksdb::BackgroundErrorReason::kFlush, &error);
  listener.WhenRowsMove([] { return Failed("no mark"); });
  listener.OnFlushCompleted(nullptr, {});
  EXPECT_NE(MessageOf(listener.first()).find("the disk is gone"), std::string::npos);
}

TEST(BackgroundListener, PassesOnThatRowsMovedAndKeepsWhatThatSays) {
  BackgroundListener listener;
  listener.OnFlushCompleted(nullptr, {});
  EXPECT_TRUE(listener.first().ok()) << "nobody asked to be told";
  listener.WhenRowsMove([] { return Failed("no mark"); });
  EXPECT_EQ(MessageOf(listener.RowsMoved()), "no mark");
  EXPECT_TRUE(listener.first().ok()) << "whoever moved them has been told";
  listener.OnFlushCompleted(nullptr, {});
  EXPECT_EQ(MessageOf(listener.first()), "no mark");
}

TEST(BackgroundListener, TellsNobodyAnyMore) {
  BackgroundListener listener;
  listener.WhenRowsMove([] { return Failed("no mark"); });
  listener.WhenRowsMove(nullptr);
  EXPECT_TRUE(listener.RowsMoved().ok());
}

TEST(BackgroundListener, LetsNothingBeTriedAgain) {
  BackgroundListener listener;
  bool again = true;
  listener.OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason::kFlush, rocksdb::Status::NoSpace(),
                                &again);
  EXPECT_FALSE(again);
}

TEST(FileList, HasNamesWithSixDigits) {
  EXPECT_EQ(Database::FileList::NameOf(5), "MANIFEST-000005");
  EXPECT_EQ(Database::FileList::NumberOf("MANIFEST-000005"), 5U);
  EXPECT_EQ(Database::FileList::NumberOf("MANIFEST-1234567"), 1234567U);
  EXPECT_EQ(Database::FileList::NumberOf("000005.sst"), 0U);
}

}  // namespace
}  // namespace ackwire
