#include "delivery/request_id.h"

#include <algorithm>
#include <string_view>

#include "store/message_id.h"

namespace ackwire {
namespace {

bool IsSaneId(std::string_view id) {
  constexpr std::size_t kBytesMax = 64;
  return !id.empty() && id.size() <= kBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace

std::string RequestIdOf(const HttpRequest& request, Rng& rng) {
  std::string id = request.Header("X-Request-Id");
  return IsSaneId(id) ? id : MakeRandomHex(rng);
}

}  // namespace ackwire
