#include "tests/faults/lived_directory.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <fstream>
#include <utility>

#include "store/watermark.h"
#include "tests/faults/check_start.h"
#include "tests/faults/fault_env.h"
#include "tests/faults/workload.h"
#include "tests/unit/manual_clock.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kLivesMax = 3;
constexpr std::uint64_t kStepsMin = 20;
constexpr std::uint64_t kStepsMax = 100;
// What a mark may be behind, while commits are taken.
constexpr Duration kBehindMax{100};

// Keeps the first error.
void Then(rocksdb::Status& status, const rocksdb::Status& next) {
  if (status.ok()) status = next;
}

class Liver {
 public:
  Liver(std::uint64_t seed, std::filesystem::path directory, Leaves leaves)
      : rng_(seed),
        directory_(std::move(directory)),
        leaves_(leaves),
        env_(seed, Compactions::kByThread),
        workload_(rng_) {
    lived_.counts = {{"commits", 0},      {"flushes", 0},     {"derived batches", 0},
                     {"derived runs", 0}, {"compactions", 0}, {"clean ends", 0},
                     {"kills", 0},        {"power cuts", 0},  {"ends in a call", 0}};
  }

  Lived Run() {
    const std::uint64_t lives = 1 + rng_.Next() % kLivesMax;
    for (std::uint64_t life = 1; life <= lives && Start(); ++life) LiveOn(life == lives);
    if (lived_.problems.empty()) Export("");
    if (lived_.problems.empty()) ReadMark();
    if (lived_.problems.empty() && Start()) {
      lived_.answers = Ask(*store_, lived_.log);
      lived_.epoch = store_->epoch();
    }
    store_.reset();
    return std::move(lived_);
  }

 private:
  void Problem(const std::string& what) { lived_.problems.push_back(what); }

  void LiveOn(bool last) {
    const std::uint64_t steps = kStepsMin + rng_.Next() % (kStepsMax - kStepsMin);
    lived_.end = static_cast<LifeEnd>(rng_.Next() % 3);
    const bool leaves_log = last && leaves_ == Leaves::kWriteAheadLog;
    if (leaves_log && lived_.end == LifeEnd::kClean) lived_.end = LifeEnd::kKill;
    if (lived_.end != LifeEnd::kClean && rng_.Next() % 2 == 0) {
      env_.disk().Order(
          {.nth = 1 + rng_.Next() % 400, .calls = kIoChanges, .kind = FaultKind::kStop});
    }
    for (std::uint64_t i = 0; i < steps && !env_.disk().stopped(); ++i) {
      if (last && i == steps / 2) {
        Flush(Family::kLog);
        Flush(Family::kJournal);
      }
      Step();
    }
    if (leaves_log && !env_.disk().stopped()) Commit();
    End();
  }

  bool Start() {
    auto store = Store::Open({.directory = "/data",
                              .clock = clock_,
                              .seed = rng_.Next(),
                              .boot_id = "boot",
                              .env = &env_});
    if (!store.ok()) {
      Problem("undamaged, and refused: " + store.status().ToString());
      return false;
    }
    store_ = *std::move(store);
    StartFindings found = CheckStart(*store_, asked_);
    for (const std::string& problem : found.problems) Problem("undamaged: " + problem);
    if (found.asked.lost != 0) Problem("undamaged, and answered works are lost");
    lived_.log = std::move(found.log);
    ledger_ = NaiveLedger(lived_.log);
    store_->StartByHand({.committed = [this](const SharedGroup& group) { Committed(*group); },
                         .failed = [](const Status&) {}});
    return lived_.problems.empty();
  }

  void Committed(const CommittedGroup& group) {
    ledger_.Apply(group);
    committed_.push_back({clock_.Now(), group.last, group.number});
  }

  // As much time as a rest of the writer, after which it brings the watermark up to date.
  void Pass(std::uint64_t ms) {
    for (; rested_ms_ + ms >= kRestMs; rested_ms_ = 0) {
      const std::uint64_t rest = kRestMs - rested_ms_;
      clock_.Advance(Duration(static_cast<std::int64_t>(rest)));
      ms -= rest;
      (void)store_->WriterStep();  // nothing is queued
      if (env_.disk().stopped()) return;
    }
    clock_.Advance(Duration(static_cast<std::int64_t>(ms)));
    rested_ms_ += ms;
  }

  void Step() {
    Pass(rng_.Next() % 80);
    if (env_.disk().stopped()) return;
    switch (rng_.Next() % 16) {
      case 0:
        ++lived_.counts["derived batches"];
        return store_->BackgroundStep();
      case 1:
        ++lived_.counts["derived runs"];
        return store_->BackgroundStep(0);
      case 2:
      case 3:
        return MoveSomeFamily();
      default:
        Commit();
    }
  }

  void Commit() {
    ++lived_.counts["commits"];
    asked_.BeginGroup();
    for (Work& work : workload_.Next(ledger_)) {
      asked_.Ask(work);
      store_->Submit(std::move(work));
    }
    (void)store_->WriterStep();
    rested_ms_ = 0;
  }

  // As RocksDB would by itself, once there is enough.
  void MoveSomeFamily() {
    const auto family = static_cast<Family>(rng_.Next() % kFamilies);
    if (rng_.Next() % 3 != 0) return Flush(family);
    ++lived_.counts["compactions"];
    rocksdb::DB& rocks = store_->database().rocks();
    Moved(rocks.CompactRange({}, store_->database().handle(family), nullptr, nullptr));
  }

  void Flush(Family family) {
    ++lived_.counts["flushes"];
    Moved(store_->database().rocks().Flush({}, store_->database().handle(family)));
  }

  void Moved(const rocksdb::Status& status) {
    if (!status.ok() && !env_.disk().stopped()) Problem("move rows: " + status.ToString());
  }

  void End() {
    lived_.family_of.clear();
    if (env_.disk().stopped()) ++lived_.counts["ends in a call"];
    if (lived_.end == LifeEnd::kClean) {
      ++lived_.counts["clean ends"];
      store_->StopByHand();
    }
    std::vector<rocksdb::LiveFileMetaData> tables;
    store_->database().rocks().GetLiveFilesMetaData(&tables);
    for (const auto& table : tables) {
      lived_.family_of[table.name.substr(1)] = table.column_family_name;
    }
    switch (lived_.end) {
      case LifeEnd::kClean:
        break;
      case LifeEnd::kKill:
        ++lived_.counts["kills"];
        env_.disk().Crash();
        break;
      case LifeEnd::kPowerCut:
        ++lived_.counts["power cuts"];
        env_.disk().PowerCut(rng_);
    }
    store_.reset();
    env_.disk().Heal();  // of a stop that did not come
    env_.disk().Restart();
  }

  void Export(const std::string& below) {
    std::filesystem::create_directory(directory_.string() + below);
    std::vector<std::string> names;
    rocksdb::Status status = env_.GetChildren("/data" + below, &names);
    for (const std::string& name : names) {
      if (name == "." || name == "..") continue;
      const std::string path = below + "/" + name;
      bool is_directory = false;
      Then(status, env_.IsDirectory("/data" + path, &is_directory));
      if (is_directory) {
        Export(path);
        continue;
      }
      std::string content;
      Then(status, rocksdb::ReadFileToString(&env_, "/data" + path, &content));
      std::ofstream out(directory_.string() + path, std::ios::binary);
      out << content;
      out.close();
      if (!out.good()) Problem("cannot write " + directory_.string() + path);
    }
    if (!status.ok()) Problem("copy the directory: " + status.ToString());
  }

  // A mark is not further behind than it may be.
  void ReadMark() {
    const auto opened = DataDirectory::OpenExisting(directory_);
    if (!opened.ok()) return Problem("undamaged: " + opened.status().ToString());
    const auto mark = Watermark::Read(**opened);
    if (!mark.ok() || !mark->has_value()) return Problem("undamaged, and no mark can be read");
    lived_.mark = **mark;
    for (const Committing& each : committed_) {
      if (each.at + kBehindMax > clock_.Now() && lived_.end != LifeEnd::kClean) break;
      if (each.position.value > lived_.mark.position() ||
          each.number.value > lived_.mark.journal_number()) {
        Problem("the mark is at position " + std::to_string(lived_.mark.position()) +
                " and does not know of " + std::to_string(each.position.value) +
                ", which was written more than 100 ms before the end");
      }
    }
  }

  struct Committing {
    Timestamp at{};
    Position position;
    JournalNumber number;
  };
  static constexpr std::uint64_t kRestMs = 50;

  Rng rng_;
  const std::filesystem::path directory_;
  const Leaves leaves_;
  FaultEnv env_;
  ManualClock clock_;
  Workload workload_;
  AskedWorks asked_;
  NaiveLedger ledger_;  // what the next works are made up from
  std::vector<Committing> committed_;
  std::uint64_t rested_ms_ = 0;  // since the last commit, or mark
  std::unique_ptr<Store> store_;
  Lived lived_;
};

}  // namespace

Lived Live(std::uint64_t seed, const std::filesystem::path& directory, Leaves leaves) {
  return Liver(seed, directory, leaves).Run();
}

}  // namespace ackwire
