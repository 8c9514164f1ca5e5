#include "tools/ackwired/settings_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "delivery/text_file.h"
#include "tools/ackwired/nearest_name.h"
#include "tools/ackwired/toml.h"

namespace ackwire {
namespace {

constexpr std::string_view kChannel = "channel";

std::optional<std::string> TextOf(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

std::optional<FileSetting> SettingOf(const toml::node& node) {
  FileSetting setting{.line = node.source().begin.line};
  const toml::array* items = node.as_array();
  setting.is_array = items != nullptr;
  if (items == nullptr) {
    const std::optional<std::string> text = TextOf(node);
    if (!text) return std::nullopt;
    setting.text = *text;
    return setting;
  }
  for (const toml::node& item : *items) {
    const std::optional<std::string> text = TextOf(item);
    if (!text) return std::nullopt;
    setting.text += (&item == items->get(0) ? "" : ",") + *text;
  }
  return setting;
}

Status WrongKey(const std::filesystem::path& file, const toml::node& node, std::string_view key,
                const std::string& what) {
  return InvalidArgument(
      fmt::format("{}:{}: {}: {}", file.string(), node.source().begin.line, key, what));
}

StatusOr<std::map<std::string, FileSetting>> SettingsOf(const toml::table& document,
                                                        const std::filesystem::path& file,
                                                        const std::vector<std::string>& known) {
  std::map<std::string, FileSetting> settings;
  for (const auto& [toml_key, node] : document) {
    const std::string key(toml_key.str());
    if (key == kChannel) continue;
    if (key == "config") {
      return WrongKey(file, node, key, "is said by --config or ACKWIRE_CONFIG only");
    }
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::vector<std::string> names = known;
      names.emplace_back(kChannel);
      return WrongKey(file, node, key,
                      "is no key of this file" +
                          Suggestion(key, names,
                                     "; keys are named as the flags of ackwired --help, with _ "
                                     "for -"));
    }
    std::optional<FileSetting> setting = SettingOf(node);
    if (!setting) {
      return WrongKey(file, node, key,
                      "must be a text in quotes, a whole number, true or false, or an array of "
                      "these");
    }
    settings.emplace(key, *std::move(setting));
  }
  return settings;
}

}  // namespace

StatusOr<std::map<std::string, FileSetting>> ReadSettingsFile(
    const std::filesystem::path& file, const std::vector<std::string>& known) {
  const StatusOr<std::string> text = ReadTextFile(file, "--config");
  if (!text.ok()) return text.status();
  try {
    return SettingsOf(toml::parse(*text, file.string()), file, known);
  } catch (const toml::parse_error& error) {
    return InvalidArgument(
        fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
  }
}

}  // namespace ackwire
