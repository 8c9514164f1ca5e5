#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/ackctl/progress_bar.h"

namespace ackwire::ctl {

// How far long work of several stages has come: a progress bar for each, on a terminal.
class StageProgress {
 public:
  void Update(const std::string& stage, std::uint64_t done, std::uint64_t total) {
    if (!bar_ || stage != stage_) {
      stage_ = stage;
      bar_.emplace(total, width_);
    }
    bar_->Update(done);
  }
  // What is printed next starts on a line of its own.
  void Clear() { bar_.reset(); }

 private:
  const std::size_t width_ = ProgressWidth();
  std::string stage_;
  std::optional<ProgressBar> bar_;
};

}  // namespace ackwire::ctl
