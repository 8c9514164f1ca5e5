// The messages of a benchmark: message number n is the same whenever it is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ackwire/v1/message.pb.h"

namespace ackwire::bench {

class Workload {
 public:
  struct Options {
    std::uint64_t channels = 1000;
    std::size_t payload_bytes = 256;
  };
  explicit Workload(const Options& options);

  // Messages go round the channels. As a publisher sends it: with an id, not yet numbered.
  [[nodiscard]] v1::Message Draft(std::uint64_t number) const;

  // Payload and message id: what a publisher asks to have kept.
  [[nodiscard]] std::size_t bytes_of_one() const;
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  const Options options_;
  const std::string noise_;  // payloads are cut from it
};

}  // namespace ackwire::bench
