#include "tools/ackwired/paging.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "store/limits.h"

namespace ackwire {

StatusOr<PageQuery> ParsePage(std::uint32_t page_size, const std::string& page_token) {
  PageQuery page;
  if (page_size != 0) page.size = std::min<std::size_t>(page_size, kPageSizeMax);
  if (page_token.empty()) return page;
  if (!absl::WebSafeBase64Unescape(page_token, &page.after) ||
      MakePageToken(page.after) != page_token || !CheckChannelName(page.after).ok()) {
    return BadPageToken();
  }
  return page;
}

Status BadPageToken() {
  return InvalidArgument(
      "page_token: must be the next_page_token of the page before, or empty for the first page");
}

std::string MakePageToken(const std::string& last) { return absl::WebSafeBase64Escape(last); }

}  // namespace ackwire
