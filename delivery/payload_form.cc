#include "delivery/payload_form.h"

#include <absl/strings/match.h>

namespace ackwire {

std::string_view MediaTypeOf(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const auto end = content_type.find_last_not_of(" \t");
  return content_type.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

PayloadForm FormOf(std::string_view content_type) {
  const std::string_view media_type = MediaTypeOf(content_type);
  const absl::string_view type(media_type.data(), media_type.size());
  if (absl::EqualsIgnoreCase(type, "application/json")) return PayloadForm::kJson;
  if (absl::StartsWithIgnoreCase(type, "text/")) return PayloadForm::kText;
  return PayloadForm::kBytes;
}

}  // namespace ackwire
