#include "store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "store/backup_manifest.h"
#include "store/recovery.h"
#include "store/restore.h"
#include "store/verify.h"
#include "tests/unit/failing_env.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

using std::filesystem::path;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string ContentOf(const path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Every file with what is in it.
std::map<std::string, std::string> Contents(const path& directory) {
  std::map<std::string, std::string> found;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (file.is_regular_file()) found[file.path()] = ContentOf(file.path());
  }
  return found;
}

void FlipMiddleByte(const path& file) {
  std::string bytes = ContentOf(file);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  // A new file: the old one may be shared with the data directory.
  std::filesystem::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
}

class BackupTest : public testing::Test {
 protected:
  explicit BackupTest(rocksdb::Env* env = nullptr) : running_(env) {}

  [[nodiscard]] path backup() const { return running_.directory() / "backup"; }
  [[nodiscard]] path partial() const { return running_.directory() / "backup.partial"; }
  [[nodiscard]] path data() const { return running_.directory() / "data"; }
  [[nodiscard]] path restored() const { return running_.directory() / "restored"; }

  BackupOptions Options() {
    return {.path = backup(), .clock = running_.clock(), .seed = 5, .version = "1.2.3"};
  }
  StatusOr<store::BackupManifest> Make() {
    return MakeBackup(running_.store().database(), Options());
  }
  StatusOr<std::unique_ptr<Restore>> Prepare() {
    return Restore::Prepare(backup(), restored(), {.clock = running_.clock(), .seed = 9});
  }
  void RestoreIt() {
    const auto restore = Prepare();
    ASSERT_TRUE(restore.ok()) << restore.status();
    ASSERT_TRUE((*restore)->Accept().ok());
  }
  StatusOr<std::unique_ptr<Store>> Start(const path& directory) {
    return Store::Open({.directory = directory, .clock = running_.clock(), .boot_id = "boot"});
  }
  // Its differences, as text.
  std::vector<std::string> Verified(const DataDirectory& directory) {
    std::vector<std::string> found;
    const auto report =
        Verify(directory, {.scratch = scratch_.path(),
                           .differs =
                               [&found](const Difference& difference) {
                                 found.push_back(difference.family + ": " + difference.key);
                               },
                           .progress = nullptr});
    EXPECT_TRUE(report.ok()) << report.status();
    return found;
  }

  RunningStore running_;
  TemporaryDirectory scratch_;
};

TEST_F(BackupTest, HoldsWhatTheLogHolds) {
  running_.Subscribe("alice", "room/1");
  running_.Publish("room/1", "one");
  running_.Publish("room/1", "two");
  running_.Record({events::Acked("alice", running_.IdOf("room/1"), {{{1}, {1}}})});
  const auto made = Make();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->position(), 2U);
  EXPECT_EQ(made->journal_number(), 2U);
  EXPECT_EQ(made->epoch(), running_.store().epoch());
  EXPECT_EQ(made->version(), "1.2.3");
  running_.Publish("room/1", "three");

  RestoreIt();
  const auto store = Start(restored());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_NE((*store)->epoch(), running_.store().epoch());
  EXPECT_EQ((*store)->derived().last_position(), Position{2});
  const ChannelId room = running_.IdOf("room/1");
  EXPECT_EQ((*store)->log().ReadSeq(room, {2})->message.payload(), "two");
  EXPECT_EQ((*store)->ledger().Entry("alice", room)->floor(), Seq{1});
}

TEST_F(BackupTest, IsVerified) {
  running_.Subscribe("alice", "room/1");
  running_.Publish("room/1", "one", {.id = "m-1"});
  ASSERT_TRUE(Make().ok());
  const auto made = DataDirectory::OpenExisting(backup(), nullptr, DirectoryKind::kBackup);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(Verified(**made), IsEmpty());
  const auto restore = Prepare();
  ASSERT_TRUE(restore.ok()) << restore.status();
  EXPECT_THAT(Verified((*restore)->made()), IsEmpty());
}

TEST_F(BackupTest, OfAnEmptyLogIsOne) {
  ASSERT_TRUE(Make().ok());
  RestoreIt();
  EXPECT_TRUE(Start(restored()).ok());
}

// Publishes as many numbers as it may, without waiting, and counts those that are answered.
class Publisher {
 public:
  explicit Publisher(Store& store) : store_(store), thread_([this] { Run(); }) {}
  ~Publisher() { Stop(); }
  void Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    while (answered_ < asked_) std::this_thread::yield();
  }
  // In all.
  void Allow(std::uint64_t messages) { allowed_ = messages; }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }

 private:
  void Run() {
    constexpr std::uint64_t kInFlightMax = 1000;
    while (!stopping_) {
      if (asked_ == allowed_ || asked_ - answered_ >= kInFlightMax) {
        std::this_thread::yield();
        continue;
      }
      Work work = TestStore::PublishWorkOf("room/" + std::to_string(asked_ % 7),
                                           std::to_string(asked_ + 1));
      std::get<PublishWork>(work).done = [this](const StatusOr<Published>& outcome) {
        EXPECT_TRUE(outcome.ok()) << outcome.status();
        ++answered_;
      };
      ++asked_;
      store_.Submit(std::move(work));
    }
  }

  Store& store_;
  std::atomic<std::uint64_t> allowed_ = 0;
  std::atomic<std::uint64_t> asked_ = 0;
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// While tails are written as sorted runs and ingested.
TEST_F(BackupTest, OfALogUnderWritesHoldsAllThatWasAnsweredBefore) {
  constexpr std::uint64_t kBackups = 3;
  constexpr std::uint64_t kBefore = 2 * kBatchEntriesMax;
  constexpr std::uint64_t kOfABackup = 3 * kBefore;  // most of them while it is made
  Publisher publisher(running_.store());
  for (std::uint64_t i = 0; i < kBackups; ++i) {
    publisher.Allow((i + 1) * kOfABackup);
    while (publisher.answered() < i * kOfABackup + kBefore) std::this_thread::yield();
    const std::uint64_t answered = publisher.answered();
    const auto made = Make();
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_GE(made->position(), answered);
    const auto restore = Prepare();
    ASSERT_TRUE(restore.ok()) << restore.status();
    EXPECT_THAT(Verified((*restore)->made()), IsEmpty());
    const auto rows = Database::OpenReadOnly((*restore)->made());
    ASSERT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ((*rows)->LastPosition()->value, made->position());
    // A prefix: what was asked for first, and nothing left out.
    std::uint64_t last = 0;
    const auto fold = FoldFrom(**rows, {}, [&last](const SharedGroup& group) -> StatusOr<Fold> {
      for (const StoredMessage& stored : group->messages) {
        EXPECT_EQ(stored.message.payload(), std::to_string(++last));
      }
      return Fold::kOn;
    });
    EXPECT_TRUE(fold.ok()) << fold;
    EXPECT_EQ(last, made->position());
    std::filesystem::remove_all(backup());
  }
  publisher.Stop();
}

TEST_F(BackupTest, SharesOnlyWhatIsNeverWrittenAgain) {
  running_.Publish("room/1", "one");
  ASSERT_TRUE(Make().ok());
  int shared = 0;
  for (const auto& file : std::filesystem::directory_iterator(backup() / "db")) {
    const bool is_shared = std::filesystem::hard_link_count(file.path()) > 1;
    EXPECT_TRUE(!is_shared || file.path().extension() == ".sst") << file.path();
    shared += is_shared ? 1 : 0;
  }
  EXPECT_GT(shared, 0);
  RestoreIt();
  for (const auto& file : std::filesystem::recursive_directory_iterator(restored())) {
    if (file.is_regular_file()) {
      EXPECT_EQ(std::filesystem::hard_link_count(file.path()), 1U) << file.path();
    }
  }
}

TEST_F(BackupTest, IsNotChangedByWhatIsRestoredOfIt) {
  running_.Publish("room/1", "one");
  ASSERT_TRUE(Make().ok());
  const auto before = Contents(backup());
  RestoreIt();
  ASSERT_TRUE(Start(restored()).ok());
  EXPECT_EQ(Contents(backup()), before);
}

TEST_F(BackupTest, IsForItsOwnerAlone) {
  ASSERT_TRUE(Make().ok());
  EXPECT_EQ(std::filesystem::status(backup()).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(BackupTest, TakesTheDirectoryThatIsEmpty) {
  std::filesystem::create_directory(backup());
  EXPECT_TRUE(Make().ok());
}

TEST_F(BackupTest, RefusesADirectoryThatIsNotEmpty) {
  std::filesystem::create_directory(backup());
  std::ofstream(backup() / "mine") << "mine";
  const Status status = Make().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("backup is there already, and not empty"));
  EXPECT_FALSE(std::filesystem::exists(partial()));
}

TEST_F(BackupTest, RefusesAPathThatIsNotAbsolute) {
  BackupOptions options = Options();
  options.path = "backup";
  const Status status = MakeBackup(running_.store().database(), options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("directory: \"backup\" is not an absolute path"));
}

TEST_F(BackupTest, RefusesWhatACrashLeft) {
  std::filesystem::create_directory(partial());
  const Status status = Make().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("backup.partial is there already"));
}

TEST_F(BackupTest, ThatIsEndedLeavesNothing) {
  BackupOptions options = Options();
  std::vector<std::string> stages;
  options.progress = [&stages](const std::string& stage, std::uint64_t done, std::uint64_t total) {
    EXPECT_LE(done, total);
    if (stages.empty() || stages.back() != stage) stages.push_back(stage);
    return stage == "check" ? Error(StatusCode::kCancelled, "enough") : OkStatus();
  };
  const Status status = MakeBackup(running_.store().database(), options).status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_THAT(stages, ElementsAre("copy", "check"));
  EXPECT_FALSE(std::filesystem::exists(backup()));
  EXPECT_FALSE(std::filesystem::exists(partial()));
}

TEST_F(BackupTest, LeavesTheServerItsRoom) {
  BackupOptions options = Options();
  options.min_free_bytes = 1ULL << 60U;
  const Status status = MakeBackup(running_.store().database(), options).status();
  EXPECT_TRUE(IsDiskFull(status)) << status;
  EXPECT_FALSE(std::filesystem::exists(partial()));
}

TEST(Backup, ToAFullDiskFailsAloneAndLeavesNothing) {
  FailingEnv env;
  RunningStore running(&env);
  running.Publish("room/1", "one");
  const path backup = running.directory() / "backup";
  env.FillDiskBelow(backup.string() + ".partial/db");
  const auto made =
      MakeBackup(running.store().database(), {.path = backup, .clock = running.clock()});
  EXPECT_TRUE(IsDiskFull(made.status())) << made.status();
  EXPECT_FALSE(std::filesystem::exists(backup));
  EXPECT_FALSE(std::filesystem::exists(backup.string() + ".partial"));
  EXPECT_EQ(running.Publish("room/1", "two").position, Position{2});
}

TEST_F(BackupTest, IsNothingThatAServerOpens) {
  ASSERT_TRUE(Make().ok());
  const auto before = Contents(backup());
  const Status status = Start(backup()).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("is a backup: to make a data directory of it, ackctl "
                                           "restore"));
  EXPECT_EQ(Contents(backup()), before);
}

TEST_F(BackupTest, RestoresNothingOfADamagedFile) {
  running_.Publish("room/1", "one");
  ASSERT_TRUE(Make().ok());
  for (const auto& [file, content] : Contents(backup())) {
    FlipMiddleByte(file);
    const Status status = Prepare().status();
    EXPECT_FALSE(status.ok()) << file;
    EXPECT_THAT(MessageOf(status), HasSubstr(file));
    EXPECT_FALSE(std::filesystem::exists(restored()));
    FlipMiddleByte(file);
  }
  RestoreIt();
}

TEST_F(BackupTest, RestoresNothingWhereAFileIsMissingOrShort) {
  running_.Publish("room/1", "one");
  ASSERT_TRUE(Make().ok());
  for (const auto& [file, content] : Contents(backup())) {
    std::filesystem::remove(file);
    const Status missing = Prepare().status();
    EXPECT_FALSE(missing.ok()) << file;
    EXPECT_THAT(MessageOf(missing), HasSubstr(path(file).filename().string()));
    std::ofstream(file, std::ios::binary) << content.substr(0, content.size() - 1);
    const Status shorter = Prepare().status();
    EXPECT_FALSE(shorter.ok()) << file;
    EXPECT_THAT(MessageOf(shorter), HasSubstr(file));
    EXPECT_FALSE(std::filesystem::exists(restored()));
    std::ofstream(file, std::ios::binary) << content;
  }
  RestoreIt();
}

TEST_F(BackupTest, RestoresNothingOfADataDirectory) {
  const Status status = Restore::Prepare(data(), restored(), {.clock = running_.clock()}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("is a data directory, and not a backup"));
}

TEST_F(BackupTest, RestoresIntoNothingThatIsNotEmpty) {
  ASSERT_TRUE(Make().ok());
  std::filesystem::create_directory(restored());
  std::ofstream(restored() / "mine") << "mine";
  const auto before = Contents(restored());
  const Status status = Prepare().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("is not empty: there is mine"));
  EXPECT_EQ(Contents(restored()), before);
}

TEST_F(BackupTest, RestoresIntoADiskThatIsNew) {
  ASSERT_TRUE(Make().ok());
  std::filesystem::create_directories(restored() / "lost+found");
  RestoreIt();
  EXPECT_TRUE(Start(restored()).ok());
}

TEST_F(BackupTest, LeavesNothingOfARestoreThatIsNotAccepted) {
  ASSERT_TRUE(Make().ok());
  ASSERT_TRUE(Prepare().ok());
  EXPECT_FALSE(std::filesystem::exists(restored()));
  std::filesystem::create_directory(restored());
  ASSERT_TRUE(Prepare().ok());
  EXPECT_TRUE(std::filesystem::is_empty(restored()));
}

TEST_F(BackupTest, NoServerOpensARestoreThatWasCutOff) {
  running_.Publish("room/1", "one");
  ASSERT_TRUE(Make().ok());
  const auto restore = Prepare();
  ASSERT_TRUE(restore.ok()) << restore.status();
  const path cut_off = running_.directory() / "cut-off";
  std::filesystem::copy(restored(), cut_off, std::filesystem::copy_options::recursive);
  const Status status = Start(cut_off).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("is being restored; if nobody is at it"));
}

}  // namespace
}  // namespace ackwire
