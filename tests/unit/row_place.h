// Where the rows that a test has written are to stand: its tests are run for each place.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "tests/unit/store_fixture.h"

namespace ackwire {

struct RowPlace {
  std::string name;
  std::function<void(TestStore&)> move;
};
inline void PrintTo(const RowPlace& place, std::ostream* out) { *out << place.name; }

}  // namespace ackwire
