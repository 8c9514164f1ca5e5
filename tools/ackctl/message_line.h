#pragma once

#include <cstddef>
#include <string>

#include "ackwire/v1/message.pb.h"

namespace ackwire::ctl {

// Messages as lines under each other. A stream has no end to measure its columns
// at, so they have usual widths, and what is wider moves only its own line.
class MessageLines {
 public:
  struct Options {
    bool with_log_place = false;  // position and channel too
    bool color = false;
    std::size_t width = 0;  // cut the line there; 0: never
  };

  explicit MessageLines(const Options& options) : options_(options) {}

  std::string Titles() const;
  std::string Line(const v1::Message& message) const;

 private:
  const Options options_;
};

}  // namespace ackwire::ctl
