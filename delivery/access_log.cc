#include "delivery/access_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "delivery/strict_json.h"

namespace ackwire {
namespace {

std::string QuotedText(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

std::string_view OrDash(const std::string& text) {
  return text.empty() ? std::string_view("-") : std::string_view(text);
}

}  // namespace

std::string ShownTarget(std::string_view target) {
  constexpr std::size_t kShownMax = 512;
  const std::size_t question = target.find('?');
  const std::string path(target.substr(0, std::min(question, kShownMax)));
  // Not even its names: what stands before a `=` may be the padding of a token.
  return question == std::string_view::npos ? path : path + "?*";
}

std::string AccessLine(const AccessEntry& entry) {
  return fmt::format("access {} {} {} {} B {} ms from {} id {}", OrDash(entry.method),
                     OrDash(entry.target), entry.status, entry.bytes, entry.took.count(),
                     entry.remote_address, entry.request_id);
}

std::string AccessMembers(const AccessEntry& entry) {
  return fmt::format(
      R"("requestId":{},"remoteAddress":{},"method":{},"target":{},"status":{},"bytes":{},)"
      R"("tookMs":{})",
      QuotedText(entry.request_id), QuotedText(entry.remote_address), QuotedText(entry.method),
      QuotedText(entry.target), entry.status, entry.bytes, entry.took.count());
}

}  // namespace ackwire
