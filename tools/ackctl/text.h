#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text for terminals: what others wrote must not move the cursor, and columns
// must stand under each other whatever the script.
namespace ackwire::ctl {

bool IsUtf8(std::string_view text);

// Columns that a terminal uses for it: 2 for wide East Asian characters and
// emoji, 0 for combining marks.
std::size_t DisplayWidth(std::string_view text);

// Control characters, changes of text direction and bytes that are not UTF-8
// as visible escapes: \n, \x1b, \u202e.
std::string Escape(std::string_view text);

// Cut to at most `width` columns, with an ellipsis where something is missing.
std::string FitWidth(std::string_view text, std::size_t width);

// As one word of a command that may be pasted into a shell.
std::string ShellQuoted(const std::string& text);

}  // namespace ackwire::ctl
