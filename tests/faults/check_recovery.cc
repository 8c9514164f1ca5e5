#include "tests/faults/check_recovery.h"

#include <algorithm>
#include <map>
#include <optional>

#include "store/difference.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/recover.h"
#include "store/store.h"
#include "store/verify.h"
#include "tests/unit/manual_clock.h"

namespace ackwire {
namespace {

bool Holds(const std::vector<NumberRun>& runs, std::uint64_t number) {
  return std::any_of(runs.begin(), runs.end(), [number](const NumberRun& run) {
    return run.first <= number && number <= run.last;
  });
}

class Checker {
 public:
  Checker(const std::filesystem::path& directory, const Lived& lived)
      : directory_(directory), lived_(lived) {}

  RecoveryFindings Run() {
    if (!Recover() || !Verified()) return std::move(findings_);
    const auto store =
        Store::Open({.directory = directory_, .clock = clock_, .seed = 1, .boot_id = "boot"});
    if (!store.ok()) {
      Problem("recovered, and refused: " + store.status().ToString());
      return std::move(findings_);
    }
    if ((*store)->epoch() == lived_.epoch || (*store)->epoch() != report_.epoch) {
      Problem("recovered, and the epoch is not new, or not the one of the report");
    }
    CheckMessages(**store);
    CheckRuns();
    CheckRecords(**store);
    return std::move(findings_);
  }

 private:
  void Problem(const std::string& what) { findings_.problems.push_back("recover: " + what); }

  bool Recover() {
    const auto damaged = DataDirectory::OpenExisting(directory_);
    if (!damaged.ok()) {
      Problem(MessageOf(damaged.status()));
      return false;
    }
    const auto recovery =
        Recovery::Prepare(**damaged, {.clock = clock_, .seed = 2, .boot_id = "boot"});
    Status status = recovery.status();
    if (status.ok()) {
      report_ = (*recovery)->report();
      status = (*recovery)->Accept("{}\n");
    }
    if (!status.ok()) Problem(MessageOf(status));
    return status.ok();
  }

  bool Verified() {
    const auto made = DataDirectory::OpenExisting(directory_);
    if (!made.ok()) {
      Problem(MessageOf(made.status()));
      return false;
    }
    VerifyOptions options;
    options.scratch = directory_.parent_path() / "verify";
    std::filesystem::create_directory(options.scratch);
    options.differs = [this](const Difference& each) {
      Problem("verify: " + each.family + ": " + each.key + " is " +
              each.stored.value_or("missing") + ", expected " + each.expected.value_or("nothing"));
    };
    const auto verified = Verify(**made, options);
    if (!verified.ok()) Problem("verify: " + MessageOf(verified.status()));
    return verified.ok();
  }

  bool MayBeUnknown(std::uint64_t position, std::uint64_t mark) const {
    return lived_.end != LifeEnd::kClean && position > mark;
  }

  bool NamesSeq(const std::string& channel, Seq seq) const {
    return std::any_of(report_.lost.begin(), report_.lost.end(), [&](const LostRun& run) {
      return run.channel == channel && run.seqs.first <= seq && seq <= run.seqs.last;
    });
  }

  void CheckMessages(Store& store) {
    for (const StoredMessage& expected : lived_.log.messages) {
      const v1::Message& message = expected.message;
      const std::uint64_t position = message.position();
      const std::string what = "seq " + Text(message.seq()) + " of " + message.channel() +
                               " at position " + Text(position);
      const auto found = store.log().ReadAt(expected.position());
      const bool there = found.ok() && found->message.kind() != v1::KIND_UNSPECIFIED;
      const bool named = NamesSeq(message.channel(), expected.seq()) ||
                         Holds(report_.unknown, position) ||
                         Holds(report_.behind_the_end, position);
      if (there && found->message.SerializeAsString() != message.SerializeAsString()) {
        Problem(what + " is another message: " + found->message.ShortDebugString());
      }
      if (there && named) Problem(what + " is there, and is named as lost");
      if (there) continue;
      ++findings_.messages_lost;
      if (!named && !MayBeUnknown(position, lived_.mark.position())) {
        Problem(what + " is lost, and is not named");
      }
    }
  }

  // What is named was there.
  void CheckRuns() {
    std::map<std::string, Seq> last;
    for (const StoredMessage& each : lived_.log.messages) last[each.message.channel()] = each.seq();
    for (const LostRun& run : report_.lost) {
      if (run.seqs.last > last[run.channel]) {
        Problem("seq " + Text(run.seqs.last.value) + " of '" + run.channel +
                "' is named as lost and never was");
      }
    }
    for (const auto* runs : {&report_.unknown, &report_.behind_the_end}) {
      for (const NumberRun& run : *runs) {
        if (run.last <= lived_.log.messages.size()) continue;
        Problem("position " + Text(run.last) + " is named as lost and never was");
      }
    }
    for (const NumberRun& run : report_.journal) {
      if (run.last <= lived_.log.records.size()) continue;
      Problem("journal record " + Text(run.last) + " is named as lost and never was");
    }
  }

  void CheckRecords(Store& store) {
    const auto last = store.database().LastPosition();
    if (!last.ok()) return Problem(MessageOf(last.status()));
    std::uint64_t changed = 0;
    for (std::uint64_t number = 1; number <= lived_.log.records.size(); ++number) {
      const std::string what = "journal record " + Text(number);
      const auto row = store.database().Get(Family::kJournal, keys::Journal({number}));
      store::JournalRecord found;
      const bool there = row.ok() && row->has_value() && record::OpenInto(**row, what, found).ok();
      store::JournalRecord expected = lived_.log.records[number - 1];
      // It does not name more of the log than is left.
      expected.set_position(std::min(expected.position(), last->value));
      const bool same = there && found.SerializeAsString() == expected.SerializeAsString();
      const bool named = Holds(report_.journal, number);
      if (named) ++findings_.records_lost;
      if (named && same) Problem(what + " is there, and is named as lost");
      if (named || same || MayBeUnknown(number, lived_.mark.journal_number())) continue;
      const auto differ = there ? ChangedEvents(found, expected) : std::nullopt;
      changed += differ.value_or(0);
      if (differ) continue;
      Problem(what +
              (there ? " is another one, {" + found.ShortDebugString() + "}, expected {" +
                           expected.ShortDebugString() + "}, "
                     : " is lost, ") +
              "and is not named");
    }
    if (changed > report_.events_changed) {
      Problem(Text(changed) + " events are not as they were, of which " +
              Text(report_.events_changed) + " are reported");
    }
  }

  // Without what the writer had counted, and recovery counts anew.
  static std::string WithoutCounts(store::Event event) {
    if (event.has_session_opened()) event.mutable_session_opened()->clear_new_client();
    if (event.has_subscribed()) event.mutable_subscribed()->clear_new_client();
    if (event.has_client_paused()) event.mutable_client_paused()->clear_new_client();
    if (event.has_unsubscribed()) {
      const std::uint64_t channel = event.unsubscribed().channel();
      event.mutable_unsubscribed()->Clear();
      event.mutable_unsubscribed()->set_channel(channel);
    }
    return event.SerializeAsString();
  }

  // How many of the events say something else, which each keep their place and client; none: these
  // are others.
  static std::optional<std::uint64_t> ChangedEvents(const store::JournalRecord& found,
                                                    const store::JournalRecord& expected) {
    if (found.events_size() != expected.events_size()) return std::nullopt;
    std::uint64_t changed = 0;
    for (int i = 0; i < expected.events_size(); ++i) {
      const store::Event& left = found.events(i);
      const store::Event& event = expected.events(i);
      if (left.client() != event.client() || left.at_ms() != event.at_ms()) return std::nullopt;
      if (WithoutCounts(left) != WithoutCounts(event)) ++changed;
    }
    return changed;
  }

  const std::filesystem::path directory_;
  const Lived& lived_;
  const ManualClock clock_;
  RecoveryReport report_;
  RecoveryFindings findings_;
};

}  // namespace

RecoveryFindings CheckRecovery(const std::filesystem::path& directory, const Lived& lived) {
  return Checker(directory, lived).Run();
}

}  // namespace ackwire
