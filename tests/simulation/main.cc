// simulation: many seeds of a simulated server, each with faults of every kind. Prints what was met
// and what was wrong, with the command that brings it about again.
#include <fmt/core.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/simulation/findings.h"
#include "tests/simulation/simulation.h"

namespace ackwire {
namespace {

// Nothing that was to be met may be missing from so many seeds.
constexpr std::uint64_t kSeedsThatMeetAll = 3000;
// Each so-manieth seed is run twice, and must be the same both times.
constexpr std::uint64_t kAgainInterval = 500;
constexpr std::uint64_t kFailedSeedsMax = 10;
// A seed takes some 30 ms, and under a sanitizer perhaps a second: this one has got stuck.
constexpr unsigned kSecondsOfSeedMax = 120;

struct Options {
  std::string program;
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  std::uint64_t jobs = 2;
  bool trace = false;
  bool until_violation = false;
};

struct Outcome {
  Findings all;
  std::uint64_t failed = 0;
};

void PrintFailed(std::uint64_t seed, const Options& options,
                 const std::vector<std::string>& violations) {
  for (const std::string& violation : violations) fmt::print("seed {}: {}\n", seed, violation);
  fmt::print("again: {} --seeds 1 --first {}\n", options.program, seed);
  std::fflush(stdout);
}

void RunSeed(std::uint64_t seed, const Options& options, Outcome& outcome) {
  const Trace trace = options.trace ? Trace::kYes : Trace::kNo;
  Findings one = RunSimulation(seed, trace);
  if (seed % kAgainInterval == 0 && RunSimulation(seed, trace).digest != one.digest) {
    one.Violate("reproduction", "the same seed went another way the second time");
  }
  if (!one.good()) {
    ++outcome.failed;
    PrintFailed(seed, options, one.violations);
  }
  one.violations.clear();
  outcome.all.Add(one);
}

using SeedUnderWay = std::atomic<std::uint64_t>;

// The seeds of one worker: each `jobs`th.
Outcome RunShare(const Options& options, std::uint64_t worker, SeedUnderWay& under_way) {
  Outcome outcome;
  for (std::uint64_t i = worker; i < options.seeds; i += options.jobs) {
    under_way = options.first + i;
    if (options.seeds > 1) ::alarm(kSecondsOfSeedMax);
    RunSeed(options.first + i, options, outcome);
    const bool enough =
        options.until_violation ? 1 <= outcome.failed : kFailedSeedsMax <= outcome.failed;
    if (enough) break;
  }
  ::alarm(0);
  return outcome;
}

std::string ToText(const Outcome& outcome) {
  std::ostringstream out;
  out << outcome.failed << '\n';
  for (const auto& [kind, count] : outcome.all.faults)
    out << "fault\t" << kind << '\t' << count << '\n';
  for (const auto& [kind, count] : outcome.all.events)
    out << "event\t" << kind << '\t' << count << '\n';
  return out.str();
}

void AddText(const std::string& text, Outcome& outcome) {
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  outcome.failed += std::stoull(line);
  while (std::getline(in, line)) {
    const auto kind = line.find('\t');
    const auto count = line.rfind('\t');
    Counters& counters = line.starts_with("fault") ? outcome.all.faults : outcome.all.events;
    counters[line.substr(kind + 1, count - kind - 1)] += std::stoull(line.substr(count + 1));
  }
}

struct Worker {
  pid_t pid = 0;
  int from = -1;
  SeedUnderWay* under_way = nullptr;
};

// In memory that the worker shares, so that its seed is known however it ends.
SeedUnderWay* ShareSeed() {
  void* page = ::mmap(nullptr, sizeof(SeedUnderWay), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::runtime_error("mmap");
  return new (page) SeedUnderWay(0);
}

Worker StartWorker(const Options& options, std::uint64_t number) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  SeedUnderWay* under_way = ShareSeed();
  const pid_t pid = ::fork();
  if (pid != 0) {
    ::close(ends[1]);
    return {pid, ends[0], under_way};
  }
  ::close(ends[0]);
  const std::string text = ToText(RunShare(options, number, *under_way));
  const bool written = ::write(ends[1], text.data(), text.size()) >= 0;
  std::fflush(stdout);
  ::_exit(written ? 0 : 1);
}

std::string HowItDied(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("ended: exit code {}", WEXITSTATUS(status));
  if (WTERMSIG(status) == SIGALRM) return fmt::format("ended: stuck for {} s", kSecondsOfSeedMax);
  return fmt::format("ended: signal {}", WTERMSIG(status));
}

Outcome RunWorkers(const Options& options) {
  std::fflush(stdout);
  std::vector<Worker> workers;
  for (std::uint64_t i = 0; i < options.jobs; ++i) workers.push_back(StartWorker(options, i));
  Outcome outcome;
  for (const Worker& worker : workers) {
    std::string text;
    char part[4096];
    for (ssize_t size = 0; (size = ::read(worker.from, part, sizeof part)) > 0;) {
      text.append(part, static_cast<std::size_t>(size));
    }
    int status = 0;
    ::waitpid(worker.pid, &status, 0);
    if (status == 0 && !text.empty()) {
      AddText(text, outcome);
    } else {
      PrintFailed(*worker.under_way, options, {HowItDied(status)});
      ++outcome.failed;
    }
  }
  return outcome;
}

void Print(const char* title, const Counters& counters) {
  fmt::print("{}\n", title);
  for (const auto& [kind, count] : counters) fmt::print("{:>10}  {}\n", count, kind);
}

// Whether each kind was met; says which was not.
bool MetAll(const Counters& counters) {
  bool all = true;
  for (const auto& [kind, count] : counters) {
    if (count != 0) continue;
    fmt::print("never met, and so not tested: {}\n", kind);
    all = false;
  }
  return all;
}

// One seed alone runs in this process, where a debugger has it.
Outcome RunAll(const Options& options) {
  if (options.seeds > 1) return RunWorkers(options);
  SeedUnderWay under_way = 0;
  return RunShare(options, 0, under_way);
}

int Main(const Options& options) {
  const Outcome outcome = RunAll(options);
  Print("faults", outcome.all.faults);
  Print("events", outcome.all.events);
  fmt::print("{} seeds from {}, {} with violations\n", options.seeds, options.first,
             outcome.failed);
  if (outcome.failed != 0) return 1;
  if (options.seeds < kSeedsThatMeetAll) return 0;
  const bool all_faults = MetAll(outcome.all.faults);
  const bool all_events = MetAll(outcome.all.events);
  return all_faults && all_events ? 0 : 1;
}

}  // namespace
}  // namespace ackwire

int main(int argc, char** argv) {
  ackwire::Options options;
  options.program = argv[0];
  CLI::App app{"Simulated servers with faults of every kind, one a seed"};
  app.add_option("--first", options.first, "The first seed")->envname("ACKWIRE_SIM_SEED");
  app.add_option("--seeds", options.seeds, "How many seeds");
  app.add_option("--jobs", options.jobs, "Processes side by side")->check(CLI::PositiveNumber);
  app.add_flag("--trace", options.trace, "Prints all frames and faults to stderr");
  app.add_flag("--until-violation", options.until_violation, "Ends at the first violation");
  CLI11_PARSE(app, argc, argv);
  if (options.seeds == 1) options.jobs = 1;
  return ackwire::Main(options);
}
