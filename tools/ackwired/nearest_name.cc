#include "tools/ackwired/nearest_name.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ackwire {
namespace {

// Longer ones are no slip of the finger.
constexpr std::size_t kGuessedBytesMax = 100;
constexpr std::size_t kLettersToAChange = 3;

char Plain(char c) { return c == '-' ? '_' : c; }

// Levenshtein's distance, a row of the table at a time.
std::size_t ChangesBetween(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t changed = diagonal + (Plain(from[i - 1]) == Plain(to[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> NearestName(std::string_view name,
                                       const std::vector<std::string>& known) {
  if (name.size() > kGuessedBytesMax) return std::nullopt;
  std::optional<std::string> nearest;
  std::size_t changes_max = std::max<std::size_t>(name.size() / kLettersToAChange, 1);
  for (const std::string& each : known) {
    const std::size_t changes = ChangesBetween(name, each);
    if (changes > changes_max || (nearest && changes == changes_max)) continue;
    changes_max = changes;
    nearest = each;
  }
  return nearest;
}

std::string Suggestion(std::string_view name, const std::vector<std::string>& known,
                       const std::string& otherwise) {
  const std::optional<std::string> nearest = NearestName(name, known);
  return nearest ? ": is " + *nearest + " meant?" : otherwise;
}

}  // namespace ackwire
