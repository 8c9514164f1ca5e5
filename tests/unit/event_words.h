// Journal events in words, for tests to compare.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/records.pb.h"

namespace ackwire {

using Happened = std::vector<std::string>;

inline std::string InWords(int reason) {
  std::string name = v1::Reason_Name(static_cast<v1::Reason>(reason)).substr(7);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

template <typename Run>
std::string InWords(const Run& run) {
  const std::string first = std::to_string(run.first());
  return run.first() == run.last() ? first : first + "-" + std::to_string(run.last());
}

// As in `nack 1 counted`, `recalled 2-3`, `acked 1-3`, `parked 1 rejected`.
inline void Describe(const store::Event& event, Happened& happened) {
  for (const auto& channel : event.acked().channels()) {
    for (const auto& run : channel.runs()) happened.push_back("acked " + InWords(run));
    for (const auto seq : channel.unparked()) {
      happened.push_back("acked " + std::to_string(seq) + ", unparked");
    }
    for (const auto& run : channel.replayed()) {
      happened.push_back("acked " + InWords(run) + ", replayed");
    }
  }
  for (const auto& channel : event.failed().channels()) {
    for (const auto& run : channel.runs()) {
      happened.push_back(InWords(event.failed().reason()) + " " + InWords(run) +
                         (channel.counted() ? " counted" : "") +
                         (channel.replay() != 0 ? ", replayed" : ""));
    }
  }
  const store::ReplayOutcome& outcome = event.replay_outcome();
  for (const auto& run : outcome.runs()) {
    std::string how = "replay " + std::to_string(outcome.replay()) + ": " + InWords(run) + " " +
                      store::ReplayOutcome::Kind_Name(outcome.kind());
    if (outcome.reason() != 0) how += " " + InWords(outcome.reason());
    happened.push_back(how);
  }
  if (event.has_parked()) {
    happened.push_back("parked " + std::to_string(event.parked().seq()) + " " +
                       InWords(event.parked().reason()));
  }
  for (const auto& run : event.abandoned().runs()) {
    happened.push_back(InWords(event.abandoned().reason()) + " " + InWords(run));
  }
}

}  // namespace ackwire
