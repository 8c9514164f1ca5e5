#include "tests/faults/damages.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/faults/check_recovery.h"
#include "tests/faults/lived_directory.h"
#include "tests/faults/naive_ledger.h"
#include "tests/unit/manual_clock.h"
#include "tests/unit/temporary_directory.h"

namespace ackwire {
namespace {

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : seed_(seed), rng_(seed), directory_(scratch_.path() / "data") {}

  Damaged Go() {
    const auto file = static_cast<FileKind>(seed_ % kFileKinds);
    lived_ =
        Live(seed_, directory_, file == FileKind::kWal ? Leaves::kWriteAheadLog : Leaves::kAny);
    out_.counts = lived_.counts;
    out_.problems = lived_.problems;
    if (!out_.problems.empty()) return std::move(out_);
    std::ofstream(directory_ / "lock");  // every start opens it
    Harm();
    const Files before = ReadFiles(directory_);
    Start();
    if (out_.outcome == DamageOutcome::kRefused) CheckUnchanged(before);
    if (WantsRecovery()) Recover();
    return std::move(out_);
  }

 private:
  void Problem(const std::string& what) { out_.problems.push_back(what); }

  void Silent(const std::string& what) {
    out_.outcome = DamageOutcome::kSilent;
    Problem("SILENT: " + what);
  }

  // The next kind of file that there is, of those that are this seed's turn.
  void Harm() {
    const auto damage = static_cast<DamageKind>(seed_ / kFileKinds % kDamageKinds);
    for (std::uint64_t i = 0; i < kFileKinds; ++i) {
      const auto file = static_cast<FileKind>((seed_ + i) % kFileKinds);
      const auto done = DamageFile(directory_, lived_.family_of, file, damage, rng_);
      if (!done) continue;
      out_.damage = done;
      return;
    }
  }

  void Start() {
    const auto store =
        Store::Open({.directory = directory_, .clock = clock_, .seed = 3, .boot_id = "boot"});
    if (!store.ok()) return Refused(store.status());
    const auto position = (*store)->database().LastPosition();
    const auto number = (*store)->database().LastNumber();
    if (!position.ok() || !number.ok()) return Found();
    if (position->value == lived_.log.messages.size() &&
        number->value == lived_.log.records.size()) {
      return CompareAnswers(**store);
    }
    CompareBeginning(**store);
  }

  void Found() { out_.outcome = DamageOutcome::kFoundAtRead; }

  void Refused(const Status& status) {
    out_.outcome = DamageOutcome::kRefused;
    const std::string message = MessageOf(status);
    // A format that this server does not know is refused by another code.
    const bool format = out_.damage->path == "format";
    if (status.code() != StatusCode::kDataLoss &&
        !(format && status.code() == StatusCode::kFailedPrecondition)) {
      Problem("refused, but not for damage: " + status.ToString());
    }
    const std::string advice = format ? "format" : "ackctl recover";
    if (message.find(advice) == std::string::npos) Problem("a refusal without advice: " + message);
  }

  void CheckUnchanged(const Files& before) {
    const Files after = ReadFiles(directory_);
    if (after == before) return;
    for (const auto& [path, content] : after) {
      const auto found = before.find(path);
      if (found == before.end()) Problem("the refusal made " + path);
      if (found != before.end() && found->second != content) Problem("the refusal changed " + path);
    }
    for (const auto& [path, content] : before) {
      if (!after.contains(path)) Problem("the refusal removed " + path);
    }
  }

  void CompareAnswers(Store& store) {
    const Answers answers = Ask(store, lived_.log);
    std::uint64_t lost = 0;
    std::string wrong;
    std::uint64_t wrongs = 0;
    for (const auto& [question, expected] : lived_.answers) {
      const auto found = answers.find(question);
      const std::string answer = found == answers.end() ? "not there" : found->second;
      if (answer == expected) continue;
      if (answer == kDataLossAnswer) {
        ++lost;
      } else if (wrongs++ == 0) {
        wrong = question + ": {" + answer.substr(0, 200) + "}, expected {" +
                expected.substr(0, 200) + "}";
      }
    }
    if (wrongs != 0) return Silent(std::to_string(wrongs) + " wrong answers, first " + wrong);
    if (lost != 0) Found();
  }

  // The log ends early: allowed after the last mark, of an unclean end, and all must agree with it.
  void CompareBeginning(Store& store) {
    const auto log = ReadSurvivingLog(store.database());
    if (!log.ok()) return Found();
    const std::string end = "the log ends at position " + std::to_string(log->messages.size()) +
                            " and record " + std::to_string(log->records.size()) + " of " +
                            std::to_string(lived_.log.messages.size()) + " and " +
                            std::to_string(lived_.log.records.size());
    if (lived_.end == LifeEnd::kClean) return Silent(end + ", after a clean end");
    if (log->messages.size() < lived_.mark.position() ||
        log->records.size() < lived_.mark.journal_number()) {
      return Silent(end + ", though the mark is at " + std::to_string(lived_.mark.position()) +
                    " and " + std::to_string(lived_.mark.journal_number()));
    }
    for (std::size_t i = 0; i < log->messages.size(); ++i) {
      if (log->messages[i].message.SerializeAsString() !=
          lived_.log.messages[i].message.SerializeAsString()) {
        return Silent("position " + std::to_string(i + 1) + " is another message");
      }
    }
    const auto described = DescribeStore({store.derived(), store.log(), store.ledger()});
    if (described.status().code() == StatusCode::kDataLoss) return Found();
    if (!described.ok() || *described != NaiveLedger(*log).Describe()) {
      return Silent(end + ", and what is derived is not what it comes to");
    }
    out_.outcome = DamageOutcome::kEndLost;
  }

  bool WantsRecovery() const {
    return out_.damage->path != "format" &&
           (out_.outcome == DamageOutcome::kRefused || out_.outcome == DamageOutcome::kFoundAtRead);
  }

  void Recover() {
    RecoveryFindings found = CheckRecovery(directory_, lived_);
    for (const std::string& problem : found.problems) Problem(problem);
    out_.messages_lost = found.messages_lost;
    out_.records_lost = found.records_lost;
  }

  const std::uint64_t seed_;
  Rng rng_;
  const TemporaryDirectory scratch_;
  const std::filesystem::path directory_;
  const ManualClock clock_;
  Lived lived_;
  Damaged out_;
};

}  // namespace

const char* NameOf(DamageOutcome outcome) {
  constexpr const char* kNames[kDamageOutcomes] = {"refused", "found at read", "end lost",
                                                   "harmless", "SILENT"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Damaged RunDamage(std::uint64_t seed) { return Run(seed).Go(); }

void DamageTable::Add(const Damaged& one) {
  if (one.damage) ++counts_[{one.damage->file, one.damage->damage, one.outcome}];
  messages_lost_ += one.messages_lost;
  records_lost_ += one.records_lost;
  for (const auto& [what, count] : one.counts) lives_[what] += count;
}

void DamageTable::Print() const {
  fmt::print("{:<34}", "");
  for (std::size_t i = 0; i < kDamageOutcomes; ++i) {
    fmt::print("{:>14}", NameOf(static_cast<DamageOutcome>(i)));
  }
  fmt::print("\n");
  for (std::size_t file = 0; file < kFileKinds; ++file) {
    for (std::size_t damage = 0; damage < kDamageKinds; ++damage) {
      const auto kind = static_cast<FileKind>(file);
      const auto how = static_cast<DamageKind>(damage);
      fmt::print("{:<34}", std::string(NameOf(kind)) + ", " + NameOf(how));
      for (std::size_t i = 0; i < kDamageOutcomes; ++i) {
        const auto found = counts_.find({kind, how, static_cast<DamageOutcome>(i)});
        fmt::print("{:>14}", found == counts_.end() ? 0 : found->second);
      }
      fmt::print("\n");
    }
  }
  fmt::print("{:>10}  messages lost, by the reports of recovery\n{:>10}  journal records lost\n",
             messages_lost_, records_lost_);
  for (const auto& [what, count] : lives_) fmt::print("{:>10}  {}\n", count, what);
}

bool DamageTable::MetAll() const {
  std::map<std::pair<FileKind, DamageKind>, std::uint64_t> done;
  for (const auto& [key, count] : counts_) done[{std::get<0>(key), std::get<1>(key)}] += count;
  const bool lived =
      std::all_of(lives_.begin(), lives_.end(), [](const auto& each) { return each.second != 0; });
  return lived && done.size() == kFileKinds * kDamageKinds;
}

}  // namespace ackwire
