#include "tools/ackbench/workload.h"

#include <fmt/format.h>

#include "store/rng.h"

namespace ackwire::bench {
namespace {

constexpr std::size_t kOffsets = 1U << 16U;
constexpr std::size_t kIdBytes = 22;

// Does not compress: what is measured must not depend on how repetitive the payloads are.
std::string MakeNoise(std::size_t bytes) {
  Rng rng(1);
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(rng.Next());
  return noise;
}

}  // namespace

Workload::Workload(const Options& options)
    : options_(options), noise_(MakeNoise(options.payload_bytes + kOffsets)) {}

v1::Message Workload::Draft(std::uint64_t number) const {
  constexpr std::uint64_t kStride = 4099;  // prime: neighbours share no bytes
  v1::Message draft;
  draft.set_channel(fmt::format("bench/{:07}", number % options_.channels));
  draft.set_message_id(fmt::format("message-{:0{}}", number, kIdBytes - 8));
  draft.set_kind(v1::KIND_CREATED);  // as the server does: without a kind it would be a lost one
  draft.set_sender("bench");
  draft.set_payload(noise_.data() + number * kStride % kOffsets, options_.payload_bytes);
  return draft;
}

std::size_t Workload::bytes_of_one() const { return options_.payload_bytes + kIdBytes; }

}  // namespace ackwire::bench
