#include "tools/ackwired/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>

#include "tools/ackwired/settings_file.h"

namespace ackwire {
namespace {

constexpr const char* kConfigFlag = "--config";
// Values that are longer do not move the sources of all others to the right.
constexpr std::size_t kAlignedColumnsMax = 60;

// `--ack-wait` is `ack_wait` in the file.
std::string KeyOf(const std::string& flag) {
  std::string key = flag.substr(2);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

// And ACKWIRE_ACK_WAIT in the environment.
std::string VariableNameOf(const std::string& flag) {
  std::string name = "ACKWIRE_" + KeyOf(flag);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

// Null where the variable is not there, or empty.
const char* VariableOf(const std::string& flag) {
  const char* value = std::getenv(VariableNameOf(flag).c_str());
  return value == nullptr || *value == '\0' ? nullptr : value;
}

Status Naming(const std::string& what, const Status& status) {
  return status.ok() ? status : Error(status.code(), what + ": " + MessageOf(status));
}

}  // namespace

std::string FormatInForce(const std::vector<InForce>& settings) {
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const InForce& each : settings) {
    lines.push_back(each.value.empty() ? "# " + each.key + " is not set"
                                       : each.key + " = " + each.value);
    if (lines.back().size() <= kAlignedColumnsMax) width = std::max(width, lines.back().size());
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += fmt::format("{:<{}}  # {}\n", lines[i], width, settings[i].source);
  }
  return out;
}

Flags::Flags(CLI::App& app) : app_(app) {
  app_.add_option_function<std::string>(
          kConfigFlag, [this](const std::string& given) { file_given_ = given; },
          "TOML with any of these flags as keys (ack_wait = \"10s\"), and with policies by "
          "channel pattern; SIGHUP reads the policies again")
      ->type_name("FILE");
}

Flags::~Flags() = default;

void Flags::Add(const Text& text, Target target) {
  Entry& entry = *entries_.emplace_back(
      std::make_unique<Entry>(Entry{.name = text.name, .target = std::move(target)}));
  // Several as one with commas; CLI11's own way would pass over the empty elements of each.
  const auto take = [&entry](const std::vector<std::string>& given) {
    entry.given = fmt::format("{}", fmt::join(given, ","));
  };
  CLI::Option& option = *app_.add_option_function<std::vector<std::string>>(text.name, take);
  option.description(text.meaning)->type_name(text.value)->default_str(text.standard);
  option.expected(1)->allow_extra_args(false);
  if (entry.target.is_list) option.take_all();
  entry.option = &option;
}

Status Flags::ReadFileName() {
  const char* variable = VariableOf(kConfigFlag);
  if (!file_given_ && variable == nullptr) return OkStatus();
  StatusOr<std::filesystem::path> path = ParsePath(file_given_ ? *file_given_ : variable);
  if (!path.ok()) return Naming(kConfigFlag, path.status());
  file_ = *std::move(path);
  return OkStatus();
}

Status Flags::Read() {
  if (Status status = ReadFileName(); !status.ok()) return status;
  std::map<std::string, FileSetting> in_file;
  if (!file_.empty()) {
    std::vector<std::string> known;
    for (const auto& entry : entries_) known.push_back(KeyOf(entry->name));
    StatusOr<std::map<std::string, FileSetting>> read = ReadSettingsFile(file_, known);
    if (!read.ok()) return read.status();
    in_file = *std::move(read);
  }
  for (const auto& entry : entries_) {
    const auto found = in_file.find(KeyOf(entry->name));
    Status status = Take(*entry, found == in_file.end() ? nullptr : &found->second);
    if (!status.ok()) return status;
  }
  return OkStatus();
}

Status Flags::Take(Entry& entry, const FileSetting* in_file) const {
  // CLI11 does not tell of a list that is empty.
  if (!entry.given && entry.option->count() > 0) entry.given = "";
  if (entry.given) {
    entry.source = "flag";
    return Naming(entry.name, entry.target.take(*entry.given));
  }
  if (const char* variable = VariableOf(entry.name)) {
    entry.source = "environment: " + VariableNameOf(entry.name);
    return Naming(entry.name + " (" + VariableNameOf(entry.name) + ")",
                  entry.target.take(variable));
  }
  if (in_file == nullptr) {
    entry.source = "default";
    return OkStatus();
  }
  const std::string place = file_.string() + ":" + std::to_string(in_file->line);
  entry.source = "file: " + place;
  const Status status = in_file->is_array && !entry.target.is_list
                            ? InvalidArgument("must be one value, not an array")
                            : entry.target.take(in_file->text);
  return Naming(place + ": " + KeyOf(entry.name), status);
}

std::vector<InForce> Flags::in_force() const {
  std::vector<InForce> out;
  for (const auto& entry : entries_) {
    out.push_back({KeyOf(entry->name), entry->target.show(), entry->source});
  }
  return out;
}

std::vector<std::string> Flags::names() const {
  std::vector<std::string> out = {kConfigFlag};
  for (const auto& entry : entries_) out.push_back(entry->name);
  return out;
}

}  // namespace ackwire
