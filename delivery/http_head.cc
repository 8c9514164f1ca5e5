#include "delivery/http_head.h"

#include <absl/strings/match.h>

#include <algorithm>

namespace ackwire {
namespace {

constexpr unsigned kBad = 400;
constexpr unsigned kTooLarge = 431;

// What RFC 9110 calls a token: methods, names of fields.
bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool Is(std::string_view text, const char* name) {
  return absl::EqualsIgnoreCase({text.data(), text.size()}, name);
}

bool IsVisible(char c) { return c > ' ' && c != '\x7f'; }

bool IsValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
    return IsVisible(c) || c == ' ' || c == '\t' || beyond_ascii;
  });
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool IsLength(std::string_view text) {
  constexpr std::size_t kDigitsMax = 19;  // below 2^63
  return !text.empty() && text.size() <= kDigitsMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Reads a head line by line, and gathers what decides how long the request is and where it goes.
class HeadReader {
 public:
  HeadRefusal Read(std::string_view head) {
    for (bool first = true;; first = false) {
      const std::size_t end = head.find('\n');
      if (end == std::string_view::npos) return Bad("its head has no end");
      if (end == 0 || head[end - 1] != '\r') return Bad("a line ends with a bare LF, not CR LF");
      const std::string_view line = head.substr(0, end - 1);
      head.remove_prefix(end + 1);
      if (line.empty() && !first) break;
      HeadRefusal refusal = first ? TakeRequestLine(line) : TakeField(line);
      if (refusal.status != 0) return refusal;
    }
    return CheckTogether();
  }

 private:
  static HeadRefusal Bad(const std::string& why) { return {kBad, "not an HTTP request: " + why}; }

  HeadRefusal TakeRequestLine(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
      return Bad("its first line must be METHOD TARGET HTTP/1.1");
    }
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    is_1_0_ = version == "HTTP/1.0";
    if (!IsToken(line.substr(0, first))) return Bad("its method is none");
    if (!std::all_of(target.begin(), target.end(), IsVisible)) {
      return Bad("its target has white space, control characters or bytes beyond ASCII in it");
    }
    if (!is_1_0_ && version != "HTTP/1.1") return Bad("its version must be HTTP/1.1");
    if (LeadsUpwards(target)) {
      return {kBad, "path: must not have `..` in it: what stands between slashes is a name"};
    }
    return {};
  }

  HeadRefusal TakeField(std::string_view line) {
    if (++fields_ > kHttpFieldsMax) {
      return {kTooLarge, "headers: at most " + std::to_string(kHttpFieldsMax) + " fields"};
    }
    if (line.front() == ' ' || line.front() == '\t') {
      return Bad("a header goes on in another line; write it in one");
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
      return Bad("a header must begin with its name and a colon, without white space before it");
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = Trimmed(line.substr(colon + 1));
    if (!IsValue(value)) return Bad("a header has a control character in it");
    if (Is(name, "host")) ++hosts_;
    if (Is(name, "authorization") && ++authorizations_ > 1) {
      // Whoever stands between may have checked the other one.
      return Bad("Authorization: must be given once");
    }
    if (Is(name, "content-length")) {
      if (++lengths_ > 1) return Bad("Content-Length: must be given once");
      if (!IsLength(value)) return Bad("Content-Length: must be a whole number of bytes");
    }
    if (Is(name, "transfer-encoding")) {
      if (++encodings_ > 1 || !Is(value, "chunked")) {
        return Bad("Transfer-Encoding: must be chunked, once");
      }
    }
    return {};
  }

  [[nodiscard]] HeadRefusal CheckTogether() const {
    if (encodings_ > 0 && lengths_ > 0) {
      return Bad("it has Content-Length and Transfer-Encoding; give one of them");
    }
    if (encodings_ > 0 && is_1_0_) return Bad("HTTP/1.0 has no Transfer-Encoding");
    if (hosts_ > 1 || (hosts_ == 0 && !is_1_0_)) return Bad("Host: must be given, once");
    return {};
  }

  bool is_1_0_ = false;
  std::size_t fields_ = 0;
  std::size_t hosts_ = 0;
  std::size_t authorizations_ = 0;
  std::size_t lengths_ = 0;
  std::size_t encodings_ = 0;
};

// Dots and slashes as they are meant: %2e is a dot to whoever puts paths together.
std::string WithDotsAndSlashes(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const std::string_view code = path.substr(at, 3);
    const bool dot = Is(code, "%2e");
    const bool slash = Is(code, "%2f") || Is(code, "%5c");
    out += dot ? '.' : slash || path[at] == '\\' ? '/' : path[at];
    if (dot || slash) at += 2;
  }
  return out;
}

}  // namespace

std::optional<std::size_t> FindHeadEnd(std::string_view bytes, std::size_t from) {
  constexpr std::size_t kBlankLineBytes = 3;
  for (std::size_t at = from - std::min(from, kBlankLineBytes);; ++at) {
    at = bytes.find('\n', at);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view next = bytes.substr(at + 1, 2);
    if (next.starts_with('\n')) return at + 2;  // bare: CheckHead says so
    if (next == "\r\n") return at + kBlankLineBytes;
  }
}

HeadRefusal CheckHead(std::string_view head) { return HeadReader().Read(head); }

bool LeadsUpwards(std::string_view target) {
  const std::string path =
      "/" + WithDotsAndSlashes(target.substr(0, target.find_first_of("?#"))) + "/";
  return path.find("/../") != std::string::npos;
}

}  // namespace ackwire
