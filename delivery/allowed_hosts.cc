#include "delivery/allowed_hosts.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <utility>

namespace ackwire {
namespace {

using Address = boost::asio::ip::address;

std::optional<Address> AddressOfName(const std::string& name) {
  boost::system::error_code ec;
  const Address address = boost::asio::ip::make_address(name, ec);
  if (ec) return std::nullopt;
  return address;
}

// In lower case, without brackets, port and the dot that ends an absolute name; none where that is
// no host at all.
std::optional<std::string> NameOfHost(std::string_view host) {
  std::size_t end = host.rfind(':');
  const bool is_bracketed = host.starts_with('[');
  if (is_bracketed && host.ends_with(']')) end = std::string_view::npos;
  if (end != std::string_view::npos) {
    const std::string_view port = host.substr(end + 1);
    const bool digits =
        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return std::nullopt;
    host = host.substr(0, end);
  }
  if (is_bracketed) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return std::nullopt;
  return absl::AsciiStrToLower(std::string(host));
}

std::vector<std::string> Together(std::string own, std::vector<std::string> more) {
  more.push_back(absl::AsciiStrToLower(own));
  more.emplace_back("localhost");
  return more;
}

}  // namespace

AllowedHosts::AllowedHosts(std::string own, std::vector<std::string> more)
    : names_(Together(std::move(own), std::move(more))) {}

bool AllowedHosts::Allows(std::string_view host, std::string_view local_address) const {
  const std::optional<std::string> name = NameOfHost(host);
  if (!name) return false;
  if (std::find(names_.begin(), names_.end(), *name) != names_.end()) return true;
  const std::optional<Address> address = AddressOfName(*name);
  return address && (address->is_loopback() || *name == local_address);
}

StatusOr<std::string> ParseHostName(const std::string& text) {
  const std::string bare =
      AddressOfName(text) && text.find(':') != std::string::npos ? "[" + text + "]" : text;
  constexpr std::string_view kNoneOfAName = " \t/@*?#,\"\\";
  const std::optional<std::string> name = NameOfHost(bare);
  const bool has_port = !bare.starts_with('[') && bare.find(':') != std::string::npos;
  // What it gives is what Allows makes of a header: no brackets, no dot at the end.
  const bool is_name = name && name->find_first_of("[]") == std::string::npos &&
                       !name->ends_with('.') &&
                       text.find_first_of(kNoneOfAName) == std::string::npos;
  if (is_name && !has_port) return *name;
  return InvalidArgument("must be a host's name or address without a port, such as " +
                         std::string("chat.example.com, got \"") + text + "\"");
}

}  // namespace ackwire
