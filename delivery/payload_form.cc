#include "delivery/payload_form.h"

#include <absl/strings/match.h>

namespace ackwire {

PayloadForm FormOf(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const auto end = content_type.find_last_not_of(" \t");
  content_type = content_type.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const absl::string_view type(content_type.data(), content_type.size());
  if (absl::EqualsIgnoreCase(type, "application/json")) return PayloadForm::kJson;
  if (absl::StartsWithIgnoreCase(type, "text/")) return PayloadForm::kText;
  return PayloadForm::kBytes;
}

}  // namespace ackwire
