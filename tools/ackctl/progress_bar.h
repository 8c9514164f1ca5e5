#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace ackwire::ctl {

// How far long work has come, as one line that is drawn over itself on stderr.
//
// Threads: one at a time.
// Bounds:  at most ten redraws a second, whatever the rate of Update.
class ProgressBar {
 public:
  using Clock = std::chrono::steady_clock;

  // Draws nothing when `width` is 0: a pipe, or a file.
  ProgressBar(std::uint64_t total, std::size_t width);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  // wipes the line: what follows starts on a clean one

  void Update(std::uint64_t done);

 private:
  const std::uint64_t total_;
  const std::size_t width_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_{};
  bool is_drawn_ = false;
};

// "[########----------]  44%  14800/33403  21500/s  ETA 1s", at most `width` columns.
std::string ProgressLine(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds elapsed,
                         std::size_t width);

// Columns of the terminal that a progress bar may use: 0 unless both stdout and
// stderr are one.
std::size_t ProgressWidth();

}  // namespace ackwire::ctl
