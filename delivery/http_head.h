// The head of a request as its bytes came, looked at before anything parses it. Whatever two
// parsers may read in two ways, so that one passes on what the other never saw (request
// smuggling), is refused.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ackwire {

inline constexpr std::uint32_t kHttpHeaderBytesMax = 32 * 1024;
inline constexpr std::size_t kHttpFieldsMax = 100;

// Where the head that `bytes` begin with ends, behind its blank line; none: it is not whole. What
// is before `from` was looked at already, without success.
[[nodiscard]] std::optional<std::size_t> FindHeadEnd(std::string_view bytes, std::size_t from = 0);

// Why a request is refused before anything is done about it; status 0: it is not.
struct HeadRefusal {
  unsigned status = 0;
  std::string message;
};

// `head` with its blank line. 400: bare LF or CR, control characters, a line that goes on in the
// next (obs-fold), white space before a colon, Content-Length that is doubled, no number or beside
// Transfer-Encoding, another encoding than chunked, no Host or two, two Authorizations, `..` in
// the path. 431: more than kHttpFieldsMax fields.
[[nodiscard]] HeadRefusal CheckHead(std::string_view head);

// True when a path has `..` between slashes, percent-encoded ones and dots included.
[[nodiscard]] bool LeadsUpwards(std::string_view target);

}  // namespace ackwire
