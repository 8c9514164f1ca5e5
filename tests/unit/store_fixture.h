// TestStore is the store on a real RocksDB in a temporary directory, without its threads: a test
// says when something is committed and when the tail goes to disk.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/derived_writer.h"
#include "store/ledger_reader.h"
#include "store/log_reader.h"
#include "store/watermark.h"
#include "store/writer.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/manual_clock.h"
#include "tests/unit/temporary_directory.h"

namespace ackwire {

// What a publisher may say besides channel and payload.
struct PublishOptions {
  std::string id;
  std::string sender = "bob";
  v1::Kind kind = v1::KIND_CREATED;
  Seq refers_to;
  std::optional<Seq> expected_seq;
  std::optional<Duration> ttl;
  bool may_publish_as = false;
};

// It is damage on disk, and says so.
void ExpectDataLoss(const Status& status, const std::string& why);

class TestStore {
 public:
  TestStore() { Open(); }

  // Closes and recovers. The tail is not moved to disk: it is folded again.
  void Reopen();
  [[nodiscard]] Status TryReopen();
  void Close() { open_.reset(); }
  // Moves the tail to disk, with its checkpoint: in turns as a batch and as sorted runs.
  void FoldNow();
  // Moves the tail to disk, loses the checkpoint, and recovers.
  void CrashBeforeCheckpoint();
  // Closes, and says in words what verify finds.
  std::vector<std::string> Differences();
  // Closes, recovers with all that is lost, and opens what is left.
  void Recover();

  static Work PublishWorkOf(const std::string& channel, const std::string& payload,
                            const PublishOptions& options = {});
  static Work SubscribeWorkOf(std::vector<SubscribeRequest> requests);
  static Work JournalWorkOf(std::vector<store::Event> events);

  // One commit. Outcomes are in the works.
  SharedGroup Commit(std::vector<Work>& works);

  [[nodiscard]] StatusOr<Published> TryPublish(const std::string& channel,
                                               const std::string& payload,
                                               const PublishOptions& options = {});
  Published Publish(const std::string& channel, const std::string& payload,
                    const PublishOptions& options = {});
  SubscriptionState Subscribe(const std::string& client, const std::string& channel,
                              StartAt start = {});
  void Record(std::vector<store::Event> events);
  void Ack(const std::string& client, const std::string& channel, SeqRun run);
  void Park(const std::string& client, const std::string& channel, Seq seq);
  void Unsubscribe(const std::string& client, const std::string& channel);

  // Puts a value in a family behind the store's back.
  void Overwrite(Family family, const std::string& key, const std::string& value);
  void Erase(Family family, const std::string& key);
  // The key of the row of `index` on disk that holds this seq; none when no row does.
  std::optional<std::string> IndexKeyOf(ChannelId channel, Seq seq) const;
  // Has that row say another position for this seq. REQUIRES: there is one.
  void OverwriteIndex(ChannelId channel, Seq seq, Position position);

  ChannelId IdOf(const std::string& channel) const;
  ChannelInfo Info(const std::string& channel) const;
  LedgerEntry Entry(const std::string& client, const std::string& channel) const;
  Totals totals() const;
  // Counted from every ledger row, as the totals should be.
  Totals CountTotals() const;
  // All that can be read, as text: two stores in the same state describe themselves alike.
  std::string Describe() const;

  Database& database() { return *open_->database; }
  Derived& derived() { return open_->derived; }
  const LogReader& log() const { return open_->log; }
  const LedgerReader& ledger() const { return open_->ledger; }
  Writer& writer() { return open_->writer; }
  ManualClock& clock() { return clock_; }
  const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  // What lives as long as the database is open.
  struct Opened {
    Opened(std::unique_ptr<Database> opened, std::unique_ptr<Watermark> mark, const Clock& clock,
           Rng& rng)
        : database(std::move(opened)),
          watermark(std::move(mark)),
          derived(*database),
          log(*database, derived),
          ledger(*database, derived),
          writer({*database, derived, log, ledger, clock, rng, *watermark}),
          derived_writer(*database, derived) {}
    std::unique_ptr<Database> database;
    std::unique_ptr<Watermark> watermark;
    Derived derived;
    LogReader log;
    LedgerReader ledger;
    Writer writer;
    DerivedWriter derived_writer;
  };

  void Open();
  std::vector<ChannelInfo> Channels() const;
  std::vector<std::string> Clients() const;

  TemporaryDirectory directory_;
  TemporaryDirectory scratch_;  // of verify
  ManualClock clock_;
  Rng rng_{7};
  int folds_ = 0;
  std::unique_ptr<Opened> open_;
};

}  // namespace ackwire
