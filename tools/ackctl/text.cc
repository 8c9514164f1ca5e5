#include "tools/ackctl/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <iterator>

namespace ackwire::ctl {
namespace {

struct Decoded {
  char32_t point = 0;
  std::size_t bytes = 0;  // 0: not UTF-8 here
};

// The first character of a text that is not empty.
Decoded DecodeFirst(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return {};
  char32_t point = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (bytes == 3 && point < 0x800) || (bytes == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (overlong || surrogate || point > 0x10FFFF) return {};
  return {point, bytes};
}

struct Range {
  char32_t first, last;
};

bool IsIn(char32_t point, const auto& ranges) {
  return std::any_of(std::begin(ranges), std::end(ranges), [&](const Range& range) {
    return point >= range.first && point <= range.last;
  });
}

std::size_t WidthOf(char32_t point) {
  static constexpr std::array<Range, 8> kNone = {{{0x0300, 0x036F},
                                                  {0x0483, 0x0489},
                                                  {0x1AB0, 0x1AFF},
                                                  {0x1DC0, 0x1DFF},
                                                  {0x200B, 0x200F},
                                                  {0x20D0, 0x20FF},
                                                  {0xFE00, 0xFE0F},
                                                  {0xFE20, 0xFE2F}}};
  static constexpr std::array<Range, 11> kTwo = {{{0x1100, 0x115F},
                                                  {0x2E80, 0x303E},
                                                  {0x3041, 0xA4CF},
                                                  {0xAC00, 0xD7A3},
                                                  {0xF900, 0xFAFF},
                                                  {0xFE30, 0xFE6F},
                                                  {0xFF00, 0xFF60},
                                                  {0xFFE0, 0xFFE6},
                                                  {0x1F300, 0x1F64F},
                                                  {0x1F680, 0x1F9FF},
                                                  {0x20000, 0x3FFFD}}};
  if (IsIn(point, kNone)) return 0;
  return IsIn(point, kTwo) ? 2 : 1;
}

bool MovesText(char32_t point) {
  static constexpr std::array<Range, 6> kMoves = {{{0x00, 0x1F},
                                                   {0x7F, 0x9F},
                                                   {0x200E, 0x200F},
                                                   {0x2028, 0x202E},
                                                   {0x2066, 0x2069},
                                                   {0xFEFF, 0xFEFF}}};
  return IsIn(point, kMoves);
}

std::string EscapeOf(char32_t point) {
  switch (point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return point < 0x80 ? fmt::format("\\x{:02x}", static_cast<std::uint32_t>(point))
                          : fmt::format("\\u{:04x}", static_cast<std::uint32_t>(point));
  }
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    if (next.bytes == 0) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    width += next.bytes == 0 ? 1 : WidthOf(next.point);
    text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
  }
  return width;
}

std::string Escape(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    if (next.bytes == 0) {
      escaped += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    } else if (MovesText(next.point)) {
      escaped += EscapeOf(next.point);
    } else {
      escaped += text.substr(0, next.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
  }
  return escaped;
}

std::string FitWidth(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string fitting;
  std::size_t used = 1;  // the ellipsis
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    const std::size_t bytes = std::max<std::size_t>(next.bytes, 1);
    used += next.bytes == 0 ? 1 : WidthOf(next.point);
    if (used > width) break;
    fitting += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return fitting + "…";
}

std::string ShellQuoted(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+=:@,%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace ackwire::ctl
