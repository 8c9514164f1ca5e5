// fault_tests: what a store must survive on a disk that fails on purpose. Prints what was met, and
// ends with 1 when something was wrong, naming the seed or the call.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/faults/damages.h"
#include "tests/faults/disk_image.h"
#include "tests/faults/io_error_cases.h"
#include "tests/faults/torn_tails.h"

namespace ackwire {
namespace {

struct TornTailsOptions {
  std::uint64_t first = 0;
  std::uint64_t seeds = 300;
  bool buffered = false;
};

// A long run that is cut off has said how far it came.
void PrintProgress(std::uint64_t done, std::uint64_t of, const char* what, std::uint64_t failed) {
  const std::uint64_t every = std::max<std::uint64_t>(of / 20, 1);
  if (done % every != 0 || done == of) return;
  fmt::print("{} of {} {}, {} with violations\n", done, of, what, failed);
}

void Add(const Counters& one, Counters& all) {
  for (const auto& [what, count] : one) all[what] += count;
}

// Returns whether all of it was met.
bool PrintCounts(const Counters& all) {
  bool met_all = true;
  for (const auto& [what, count] : all) {
    fmt::print("{:>10}  {}\n", count, what);
    met_all = met_all && count != 0;
  }
  return met_all;
}

// Nothing that was to be met may be missing from many seeds.
constexpr std::uint64_t kSeedsThatMeetAll = 100;

int TestTornTails(const TornTailsOptions& options) {
  const Durability durability = options.buffered ? Durability::kBuffered : Durability::kFsync;
  TornTails all;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed) {
    const TornTails one = RunTornTails(seed, durability);
    all.lost += one.lost;
    all.kept += one.kept;
    Add(one.counts, all.counts);
    for (const std::string& problem : one.problems) fmt::print("seed {}: {}\n", seed, problem);
    if (!one.problems.empty()) {
      ++failed;
      fmt::print("again: fault_tests torn-tails --seeds 1 --first {}{}\n", seed,
                 options.buffered ? " --buffered" : "");
    }
    PrintProgress(seed + 1 - options.first, options.seeds, "seeds", failed);
  }
  const bool met_all = PrintCounts(all.counts);
  fmt::print("{:>10}  works kept\n{:>10}  works lost\n", all.kept, all.lost);
  if (options.seeds >= kSeedsThatMeetAll && !met_all) {
    fmt::print("what was met 0 times was not tested\n");
    return 1;
  }
  if (options.buffered && options.seeds >= kSeedsThatMeetAll && all.lost == 0) {
    fmt::print("nothing was lost with `buffered`: this checker would not notice a loss\n");
    return 1;
  }
  fmt::print("{} seeds, {} with violations\n", options.seeds, failed);
  return failed == 0 ? 0 : 1;
}

struct IoErrorsOptions {
  std::uint64_t first = 1;
  std::uint64_t up_to = 100;
  bool every_way = false;
};

// With fewer, not all is met that is to be met.
constexpr std::uint64_t kNthThatMeetsAll = 100;

int TestIoErrors(const IoErrorsOptions& options) {
  const IoErrorWays ways = options.every_way ? IoErrorWays::kAll : IoErrorWays::kInTurns;
  IoErrorFindings all{.counts = IoErrorLives::NoCounts()};
  std::uint64_t failed = 0;
  for (std::uint64_t nth = options.first; nth <= options.up_to; ++nth) {
    const IoErrorFindings one = RunIoErrorCases(IoErrorCasesOf(nth, ways), nth);
    all.cases += one.cases;
    Add(one.counts, all.counts);
    for (const std::string& problem : one.problems) fmt::print("{}\n", problem);
    if (!one.problems.empty()) {
      ++failed;
      all.problems.insert(all.problems.end(), one.problems.begin(), one.problems.end());
      fmt::print("again: fault_tests io-errors --first {} --up-to {}{}\n", nth, nth,
                 options.every_way ? " --every-way" : "");
    }
    PrintProgress(nth + 1 - options.first, options.up_to + 1 - options.first, "calls", failed);
  }
  const bool met_all = PrintCounts(all.counts);
  fmt::print("{} cases, {} violations\n", all.cases, all.problems.size());
  if (options.first == 1 && options.up_to >= kNthThatMeetsAll && !met_all) {
    fmt::print("what was met 0 times was not tested\n");
    return 1;
  }
  return all.problems.empty() ? 0 : 1;
}

struct DamagesOptions {
  std::uint64_t first = 0;
  std::uint64_t seeds = 40;
};

// Each kind of damage is done to each kind of file within so many seeds.
constexpr std::uint64_t kSeedsThatDamageAll = 40;

void PrintDamage(std::uint64_t seed, const Damaged& one) {
  if (one.damage) {
    fmt::print("seed {}: {} of {} ({}): {}\n", seed, NameOf(one.damage->damage), one.damage->path,
               one.damage->what, NameOf(one.outcome));
  }
  for (const std::string& problem : one.problems) fmt::print("  {}\n", problem);
  fmt::print("again: fault_tests damages --seeds 1 --first {}\n", seed);
}

int TestDamages(const DamagesOptions& options) {
  DamageTable table;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed) {
    const Damaged one = RunDamage(seed);
    table.Add(one);
    if (!one.problems.empty()) {
      ++failed;
      PrintDamage(seed, one);
    }
    PrintProgress(seed + 1 - options.first, options.seeds, "damages", failed);
  }
  table.Print();
  if (options.seeds >= kSeedsThatDamageAll && !table.MetAll()) {
    fmt::print("what was met 0 times was not tested\n");
    return 1;
  }
  fmt::print("{} damages, {} with violations\n", options.seeds, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ackwire

int main(int argc, char** argv) {
  using namespace ackwire;
  CLI::App app{"What a store must survive on a disk that fails on purpose"};
  app.require_subcommand(1);
  TornTailsOptions torn;
  CLI::App* torn_tails = app.add_subcommand("torn-tails", "Power cuts at any call");
  torn_tails->add_option("--first", torn.first, "The first seed")->envname("ACKWIRE_FAULT_SEED");
  torn_tails->add_option("--seeds", torn.seeds, "How many seeds");
  torn_tails->add_flag("--buffered", torn.buffered, "Does not sync, and expects loss");
  IoErrorsOptions io;
  CLI::App* io_errors = app.add_subcommand("io-errors", "Every Nth call to the disk failing");
  io_errors->add_option("--first", io.first, "The first N");
  io_errors->add_option("--up-to", io.up_to, "The last N");
  io_errors->add_flag("--every-way", io.every_way, "All ways of failing for each N");
  DamagesOptions damaged;
  CLI::App* damages = app.add_subcommand("damages", "One file of a data directory is damaged");
  damages->add_option("--first", damaged.first, "The first seed")->envname("ACKWIRE_FAULT_SEED");
  damages->add_option("--seeds", damaged.seeds, "How many seeds");
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // into a file as well: it runs for long
  if (*io_errors) return TestIoErrors(io);
  return *damages ? TestDamages(damaged) : TestTornTails(torn);
}
