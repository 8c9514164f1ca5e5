// Pages of lists: how many are asked for, and behind which name the page begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kPageSizeDefault = 100;
inline constexpr std::size_t kPageSizeMax = 1000;  // more is cut to that

struct PageQuery {
  std::size_t size = kPageSizeDefault;
  std::string after;  // the last name of the page before; empty: from the beginning
};

//   kInvalidArgument  the token is not one that MakePageToken made
[[nodiscard]] StatusOr<PageQuery> ParsePage(std::uint32_t page_size, const std::string& page_token);
[[nodiscard]] Status BadPageToken();

// The token of the page after the one that ends with `last`.
[[nodiscard]] std::string MakePageToken(const std::string& last);

}  // namespace ackwire
