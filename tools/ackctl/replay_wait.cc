#include "tools/ackctl/replay_wait.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/progress_bar.h"

namespace ackwire::ctl {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{200};
constexpr std::chrono::minutes kRestartMax{2};

bool IsOver(const v1::Replay& replay) {
  return replay.state() == v1::REPLAY_STATE_DONE || replay.state() == v1::REPLAY_STATE_CANCELLED ||
         replay.state() == v1::REPLAY_STATE_WAITING;
}

}  // namespace

std::uint64_t SkippedOf(const v1::Replay& replay) {
  std::uint64_t count = 0;
  for (const v1::SkippedCount& each : replay.skipped()) count += each.count();
  return count;
}

std::uint64_t OpenOf(const v1::Replay& replay) {
  return replay.total() - replay.acked() - replay.failed() - SkippedOf(replay);
}

v1::Replay WaitFor(v1::Replay replay, const std::function<v1::Replay()>& ask) {
  ProgressBar bar(replay.total(), ProgressWidth());
  auto answered = SteadyClock::now();
  while (!IsOver(replay)) {
    bar.Update(replay.total() - OpenOf(replay));
    std::this_thread::sleep_for(kPollInterval);
    try {
      replay = ask();
      answered = SteadyClock::now();
    } catch (const CommandError& error) {
      const bool gone = error.status() == ExitStatus::kCannotConnect;
      if (!gone || SteadyClock::now() - answered > kRestartMax) throw;
    }
  }
  return replay;
}

void ExpectDelivered(const v1::Replay& replay) {
  if (replay.state() == v1::REPLAY_STATE_CANCELLED) {
    throw CommandError(ExitStatus::kRefused, "the replay was cancelled");
  }
  if (replay.failed() == 0) return;
  throw CommandError(ExitStatus::kRefused,
                     fmt::format("{} of {} deliveries failed again: ackctl failures --open",
                                 replay.failed(), replay.total()));
}

}  // namespace ackwire::ctl
