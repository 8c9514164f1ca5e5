// Findings is what one seed, or many, came to: how often each kind of fault and of event was met,
// and what was wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/disk_image.h"

namespace ackwire {

class Findings {
 public:
  // With every kind at zero.
  Findings();

  // REQUIRES of both: the kind is one of those listed in findings.cc.
  void Fault(const std::string& kind) { ++faults.at(kind); }
  void Event(const std::string& kind) { ++events.at(kind); }
  void Violate(const std::string& rule, const std::string& what);
  // Two runs of one seed have the same digest.
  void Note(std::string_view what);

  void Add(const Findings& other);

  [[nodiscard]] bool good() const { return violations.empty(); }

  Counters faults;
  Counters events;
  std::vector<std::string> violations;
  std::uint64_t digest = 14695981039346656037ULL;
  bool trace = false;  // prints what is noted
};

}  // namespace ackwire
