#include "tools/ackctl/argument_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace ackwire::ctl {
namespace {

// Where the two differ by more than case and dashes.
constexpr std::array<std::pair<const char*, const char*>, 9> kArguments = {
    {{"rate_per_second", "--rate"},
     {"rate_per_second", "N"},
     {"from_seq", "--from"},
     {"to_seq", "--to"},
     {"message_id", "--id"},
     {"reasons", "--reason"},
     {"max_clients", "--clients"},
     {"id", "REPLAY"},
     {"directory", "DIR"}}};

std::vector<std::string> CandidatesFor(const std::string& field) {
  std::string flag = "--" + field;
  std::replace(flag.begin(), flag.end(), '_', '-');
  std::string positional = field;
  for (char& c : positional) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<std::string> candidates = {flag, positional};
  for (const auto& [of, argument] : kArguments) {
    if (field == of) candidates.emplace_back(argument);
  }
  return candidates;
}

}  // namespace

std::vector<std::string> ArgumentsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    names.push_back(option->get_name(option->get_positional()));
  }
  return names;
}

std::string NameArgument(const std::string& message, const std::vector<std::string>& arguments) {
  const std::size_t end = message.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.");
  if (end == std::string::npos || message[end] != ':') return message;
  const std::string path = message.substr(0, end);
  for (const std::string& candidate : CandidatesFor(path.substr(path.rfind('.') + 1))) {
    const bool is_one = std::find(arguments.begin(), arguments.end(), candidate) != arguments.end();
    if (is_one) return candidate + message.substr(end);
  }
  return message;
}

}  // namespace ackwire::ctl
