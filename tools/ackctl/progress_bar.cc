#include "tools/ackctl/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr const char* kWipeLine = "\r\x1b[K";
constexpr std::size_t kBarColumns = 30;
constexpr std::size_t kColumnsDefault = 80;  // of a terminal that does not tell

}  // namespace

ProgressBar::ProgressBar(std::uint64_t total, std::size_t width) : total_(total), width_(width) {}

ProgressBar::~ProgressBar() {
  if (is_drawn_) std::fputs(kWipeLine, stderr);
}

void ProgressBar::Update(std::uint64_t done) {
  const auto now = Clock::now();
  if (width_ == 0 || now - drawn_ < kRedrawEvery) return;
  drawn_ = now;
  is_drawn_ = true;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
  // One column less: a full line would wrap on some terminals.
  fmt::print(stderr, "{}{}", kWipeLine, ProgressLine(done, total_, elapsed, width_ - 1));
  std::fflush(stderr);
}

std::string ProgressLine(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds elapsed,
                         std::size_t width) {
  const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
  const std::size_t filled = std::min<std::size_t>(kBarColumns, percent * kBarColumns / 100);
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 1));
  const std::uint64_t per_second = done * 1000 / ms;
  std::string line = fmt::format("[{:#<{}}{:-<{}}] {:3}%  {}/{}  {}/s", "", filled, "",
                                 kBarColumns - filled, percent, done, total, per_second);
  if (done > 0 && done < total) {
    const std::chrono::milliseconds left{static_cast<std::int64_t>((total - done) * ms / done)};
    line += "  ETA " + FormatDuration(left);
  }
  return FitWidth(line, width);
}

std::size_t ProgressWidth() {
  if (isatty(STDOUT_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return 0;
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : kColumnsDefault;
}

}  // namespace ackwire::ctl
