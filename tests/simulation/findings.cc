#include "tests/simulation/findings.h"

#include <cstdio>

namespace ackwire {
namespace {

// After so many, more of one seed tell nothing new.
constexpr std::size_t kViolationsMax = 5;

Counters Zeros(const std::vector<std::string>& kinds) {
  Counters counters;
  for (const std::string& kind : kinds) counters[kind] = 0;
  return counters;
}

const char* const kReplayEvents[] = {"replays",
                                     "replays of acked ones too",
                                     "replays paused",
                                     "replays resumed",
                                     "replays cancelled",
                                     "replays given another rate",
                                     "replays gone on with after a start",
                                     "replays begun by a later life",
                                     "replayed",
                                     "replayed again after a start",
                                     "replayed and acked",
                                     "replayed and failed",
                                     "skipped by a replay",
                                     "acked by a replay, and never before",
                                     "attempts of replays that failed"};

}  // namespace

Findings::Findings()
    : faults(Zeros({"kill -9",
                    "power cut",
                    "disk stopped in a call",
                    "disk stopped in a start",
                    "write failed: EIO",
                    "write failed: ENOSPC",
                    "write failed: short",
                    "writer late",
                    "relay late",
                    "sink full",
                    "I/O thread late",
                    "read late",
                    "reads out of order",
                    "background late",
                    "replays late",
                    "clock set forward",
                    "clock set back between starts",
                    "publisher's answer lost",
                    "writer's queue full",
                    "connection lost",
                    "connection lost unnoticed",
                    "socket takes no bytes",
                    "pings unanswered",
                    "client says nothing more"})),
      events(Zeros({"starts",
                    "clean stops",
                    "messages published",
                    "duplicates answered",
                    "payload conflicts refused",
                    "wrong expected seqs refused",
                    "messages expired",
                    "commits",
                    "commits in doubt, and there",
                    "commits handed over",
                    "derived rows written",
                    "families flushed",
                    "sessions opened",
                    "sessions resumed",
                    "sessions not resumed",
                    "takeovers",
                    "closed 4001: ping timeout",
                    "closed 4002: slow consumer",
                    "closed 4004: by an operator",
                    "closed 4005: internal",
                    "closed 4006: connect timeout",
                    "closed 4500: replaced",
                    "deliveries",
                    "redeliveries",
                    "acked by number",
                    "acked up to",
                    "acks confirmed",
                    "acked after the attempt ended",
                    "acked when parked",
                    "unknown numbers refused",
                    "nacked",
                    "nacked for good",
                    "working",
                    "attempts timed out",
                    "attempts recalled",
                    "attempts ended by a disconnection",
                    "parked: rejected",
                    "parked: max attempts",
                    "parked: disconnections",
                    "subscribed from new",
                    "subscribed from first",
                    "subscribed from a seq",
                    "subscribed by connect",
                    "subscribed elsewhere",
                    "told of a subscription made elsewhere",
                    "unsubscribed",
                    "unsubscribed elsewhere",
                    "unsubscribed from nothing",
                    "paused",
                    "resumed",
                    "paused while connected",
                    "dismissed",
                    "explained while connected",
                    "explained while offline",
                    "store compared with its journal"})) {
  for (const char* const kind : kReplayEvents) events[kind] = 0;
}

void Findings::Violate(const std::string& rule, const std::string& what) {
  if (trace) std::fprintf(stderr, "VIOLATION %s: %s\n", rule.c_str(), what.c_str());
  if (violations.size() < kViolationsMax) violations.push_back(rule + ": " + what);
}

void Findings::Note(std::string_view what) {
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  for (const char byte : what) digest = (digest ^ static_cast<unsigned char>(byte)) * kPrime;
  if (trace) std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
}

void Findings::Add(const Findings& other) {
  for (const auto& [kind, count] : other.faults) faults[kind] += count;
  for (const auto& [kind, count] : other.events) events[kind] += count;
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
}

}  // namespace ackwire
