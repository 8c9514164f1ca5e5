#include "delivery/traceparent.h"

namespace ackwire {

bool IsTraceparent(std::string_view text) {
  // version "-" trace-id "-" parent-id "-" flags; a later version may add more behind a "-".
  constexpr std::string_view kShape = "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff";
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !hex) return false;
  }
  const auto all_zero = [&](char part) {
    const std::size_t at = kShape.find(part);
    const std::size_t length = kShape.rfind(part) + 1 - at;
    return text.substr(at, length).find_first_not_of('0') == std::string_view::npos;
  };
  const std::string_view version = text.substr(0, 2);
  if (version == "ff" || all_zero('t') || all_zero('p')) return false;
  return text.size() == kShape.size() || (version != "00" && text[kShape.size()] == '-');
}

}  // namespace ackwire
