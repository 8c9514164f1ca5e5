// LogWalk reads all of log and journal, in the order in which it was committed, and does not stop
// at what is wrong: each gap, each damaged row and each seq that is not the next of its channel is
// a difference. What FoldFrom (store/recovery.h) refuses, this describes.
//
// Threads:  one.
// Lifetime: borrows all it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/difference.h"
#include "store/outbox_rows.h"
#include "store/recovery.h"
#include "store/seq_runs.h"
#include "store/status.h"

namespace ackwire {

class LogWalk {
 public:
  struct Options {
    FoldPoint fold_until;  // `fold` is given what a checkpoint here covers
    // Where the journal's base is: of what is before it, `fold` is given the messages alone, then
    // `at_base` is called. Zero: there is no base.
    FoldPoint base = {};
    std::function<Status()> at_base = {};
    OutboxPoint relay;  // up to where the relay has handed everything over
    DifferenceSink differs;
    std::function<Status(const SharedGroup&)> fold;
    std::function<void(std::uint64_t rows)> progress;
  };
  LogWalk(const Database& database, Options options);

  // Whatever is wrong with the rows is a difference; the status is that of `fold`.
  [[nodiscard]] Status Run();

  // Log or journal cannot be read to the end: what lies behind was not looked at.
  [[nodiscard]] bool cut_off() const { return cut_off_; }
  // No difference was found, so all up to `fold_until` was folded.
  [[nodiscard]] bool intact() const { return intact_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] FoldPoint end() const { return end_; }
  // Where the journal was when the relay's checkpoint was made: the checkpoint of a commit without
  // a record does not say it.
  [[nodiscard]] JournalNumber number_at_relay() const { return number_at_relay_; }

 private:
  struct Channel {
    std::string name;
    Seq last;
    SeqRuns stubs;          // in the log
    SeqRuns removed_stubs;  // of these, those that say that they were removed
    SeqRuns removed;        // by the journal
  };

  [[nodiscard]] Status WalkToBase();
  [[nodiscard]] Status WalkLog(std::uint64_t up_to);
  [[nodiscard]] Status WalkRecord(JournalNumber number, std::string_view value);
  void CheckMessage(const StoredMessage& stored);
  // What was removed, and nothing else, is a stub that says so.
  void CheckRemoved();
  [[nodiscard]] Status FoldMessages();
  void Differ(Family family, const std::string& key, std::optional<std::string> stored,
              std::optional<std::string> expected);
  void Advance();

  const Database& database_;
  const Options options_;
  std::unique_ptr<rocksdb::Iterator> log_;
  FoldPoint end_;
  JournalNumber number_at_relay_;
  std::shared_ptr<CommittedGroup> group_ = std::make_shared<CommittedGroup>();
  absl::flat_hash_map<ChannelId, Channel> channels_;
  bool intact_ = true;
  bool cut_off_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace ackwire
