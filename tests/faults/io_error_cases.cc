#include "tests/faults/io_error_cases.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <set>
#include <span>
#include <sstream>

#include "store/check.h"

namespace ackwire {
namespace {

// A case takes a tenth of a second; more than this is a store that waits for ever.
constexpr unsigned kHangsAfterSeconds = 60;

// What a process at work tells those who watch it, even when it is aborted.
struct Progress {
  std::atomic<std::uint32_t> at = 0;  // which case
  std::atomic<IoErrorPhase> phase = IoErrorPhase::kStarts;
};

struct Calls {
  const char* name;
  std::uint32_t bits;
};
constexpr std::uint32_t kReads = kIoOpen | kIoRead;
constexpr std::uint64_t kReadsOfQuestions = 16;
constexpr std::array<Calls, 6> kCalls = {{
    {"calls", kIoAll},
    {"reads", kReads},
    {"writes", kIoWrite},
    {"syncs", kIoSync | kIoSyncDirectory},
    {"links", kIoLink},  // few: among the others they would hardly be hit
    {"other calls", kIoAll & ~(kIoOpen | kIoRead | kIoWrite | kIoSync | kIoSyncDirectory)},
}};

// The calls that can fail like this.
std::uint32_t CallsThatFailBy(FaultKind kind) {
  if (kind == FaultKind::kShortWrite) return kIoWrite;
  return kind == FaultKind::kNoSpace ? kIoChanges : kIoAll;
}

// What a process wrote: lines of counts and problems, and what it said on stderr.
struct Told {
  Counters counts;
  std::vector<std::string> problems;
  std::string said;
};

Told ReadAll(int from) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(from, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  Told told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("problem\t")) {
      told.problems.push_back(line.substr(8));
    } else if (line.starts_with("count\t")) {
      const std::size_t tab = line.rfind('\t');
      told.counts[line.substr(6, tab - 6)] += std::strtoull(line.c_str() + tab, nullptr, 10);
    } else {
      told.said += line + "\n";
    }
  }
  return told;
}

// The assertion of RocksDB in what an aborted process said; empty: there is none.
std::string AssertionIn(const std::string& said) {
  const std::size_t begin = said.find("./");
  const bool rocks = said.find("rocksdb::") != std::string::npos;
  const std::size_t end = said.find("' failed.");
  if (!rocks || end == std::string::npos || begin == std::string::npos) return "";
  return said.substr(begin, end - begin + 1);
}

// Some cases in one directory, in one process.
class Batch {
 public:
  Batch(std::span<const IoErrorCase> cases, std::uint64_t seed, Progress& progress)
      : cases_(cases), seed_(seed), progress_(progress) {}

  void Run(IoErrorFindings& findings) {
    // Again without destroying what RocksDB could not destroy: what is on disk must be right.
    while (!RunOnce(findings)) {
    }
  }

 private:
  // False when it is to be done again.
  bool RunOnce(IoErrorFindings& findings) {
    std::array<int, 2> pipe{};
    CHECK(::pipe(pipe.data()) == 0, "there is a pipe");
    const pid_t child = ::fork();
    CHECK(child >= 0, "there is a process");
    if (child == 0) {
      ::close(pipe[0]);
      ::dup2(pipe[1], STDERR_FILENO);
      Work(pipe[1]);
      std::_Exit(0);
    }
    ::close(pipe[1]);
    Told told = ReadAll(pipe[0]);
    ::close(pipe[0]);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child, "the process has ended");
    if (status != 0 && MayBeAborted(told, status)) {
      ++findings.counts["aborted by RocksDB: " + AssertionIn(told.said)];
      abandoned_.insert(progress_.at);
      return false;
    }
    if (status != 0) told.problems.push_back(EndOf(status) + "\n" + told.said);
    for (const std::string& problem : told.problems) findings.problems.push_back(problem);
    for (const auto& [what, count] : told.counts) findings.counts[what] += count;
    findings.cases += cases_.size();
    return true;
  }

  void Work(int to) {
    IoErrorLives lives(seed_, progress_.phase);
    for (std::uint32_t i = 0; i < cases_.size(); ++i) {
      progress_.at = i;
      ::alarm(kHangsAfterSeconds);
      lives.Run(cases_[i], abandoned_.contains(i) ? IoErrorLives::End::kAbandoned
                                                  : IoErrorLives::End::kDestroyed);
      ::alarm(0);
      std::string lines;
      for (const auto& [what, count] : lives.TakeCounts()) {
        lines += "count\t" + what + "\t" + std::to_string(count) + "\n";
      }
      const std::vector<std::string> problems = lives.TakeProblems();
      for (const std::string& problem : problems) {
        lines += "problem\t" + cases_[i].Describe() + ": " + problem + "\n";
      }
      CHECK(::write(to, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()),
            "who watches is there");
      if (!problems.empty()) return;  // what follows would fail by it
    }
  }

  // The product's promise is to end; RocksDB may do so for it, once there is nothing left to do.
  bool MayBeAborted(const Told& told, int status) const {
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           progress_.phase == IoErrorPhase::kEnds && !AssertionIn(told.said).empty() &&
           !abandoned_.contains(progress_.at);
  }

  std::string EndOf(int status) const {
    const std::string what = cases_[progress_.at].Describe() + ": ";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return what + "it hangs";
    return what + "the process ended with " +
           (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                : "status " + std::to_string(WEXITSTATUS(status))) +
           " while it " +
           std::array{"started", "ran", "ended"}[static_cast<std::size_t>(progress_.phase.load())];
  }

  const std::span<const IoErrorCase> cases_;
  const std::uint64_t seed_;
  Progress& progress_;
  std::set<std::uint32_t> abandoned_;
};

}  // namespace

std::vector<IoErrorCase> IoErrorCasesOf(std::uint64_t nth, IoErrorWays ways) {
  using From = IoErrorCase::From;
  const bool all_ways = ways == IoErrorWays::kAll;
  std::vector<IoErrorCase> cases;
  std::uint64_t turn = nth;
  for (const Calls& calls : kCalls) {
    const bool all_calls = calls.bits == kIoAll;
    for (const FaultKind kind : {FaultKind::kError, FaultKind::kNoSpace, FaultKind::kShortWrite}) {
      const std::uint32_t bits = calls.bits & CallsThatFailBy(kind);
      // Short writes are counted among writes alone: any write is one.
      const bool short_write = kind == FaultKind::kShortWrite;
      if (bits == 0 || (short_write && all_calls)) continue;
      for (const bool lasting : {false, true}) {
        const Fault fault{.nth = nth, .calls = bits, .kind = kind, .lasting = lasting};
        ++turn;
        if (all_ways || all_calls || short_write || turn % 4 == 0) {
          const From from = all_calls && !all_ways ? static_cast<From>(turn % 3) : From::kStart;
          cases.push_back({from, fault, calls.name});
        }
        if (calls.bits == kReads && (all_ways || lasting == (nth % 2 == 0))) {
          Fault early = fault;
          early.nth = 1 + nth % kReadsOfQuestions;
          cases.push_back({From::kQuestions, early, calls.name});
        }
        if (!all_ways || !all_calls) continue;
        cases.push_back({From::kRunning, fault, calls.name});
        cases.push_back({From::kFirstStart, fault, calls.name});
      }
    }
  }
  return cases;
}

IoErrorFindings RunIoErrorCases(const std::vector<IoErrorCase>& cases, std::uint64_t seed) {
  void* shared =
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED, "there is memory");
  auto* progress = new (shared) Progress;
  IoErrorFindings findings;
  constexpr std::size_t kCasesInOne = 10;
  for (std::size_t first = 0; first < cases.size(); first += kCasesInOne) {
    const std::size_t count = std::min(kCasesInOne, cases.size() - first);
    Batch(std::span(cases).subspan(first, count), seed + first, *progress).Run(findings);
  }
  ::munmap(shared, sizeof(Progress));
  return findings;
}

}  // namespace ackwire
