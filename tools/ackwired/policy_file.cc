#include "tools/ackwired/policy_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "delivery/json_schema.h"
#include "delivery/text_file.h"
#include "store/limits.h"
#include "tools/ackwired/config_values.h"
#include "tools/ackwired/nearest_name.h"
#include "tools/ackwired/toml.h"

namespace ackwire {
namespace {

constexpr std::size_t kPatternsMax = 1000;
constexpr std::size_t kItemsMax = 100;  // of an array

// One [[channel]] table, read key by key: the first thing wrong is kept, and what it was about.
class PolicyTable {
 public:
  PolicyTable(const toml::table& table, const std::filesystem::path& file)
      : table_(table), file_(file) {}

  [[nodiscard]] const Status& status() const { return status_; }

  // `parse` makes of the text what `out` takes.
  template <typename T, typename Out>
  void Text(const char* key, Out& out, StatusOr<T> (*parse)(const std::string&)) {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    const std::optional<std::string> text = node->value_exact<std::string>();
    if (!text) return Wrong(*node, key, "must be a text in quotes");
    StatusOr<T> parsed = parse(*text);
    if (!parsed.ok()) return Wrong(*node, key, MessageOf(parsed.status()));
    out = *std::move(parsed);
  }

  struct Range {
    std::int64_t min = 0;
    std::int64_t max = 0;
  };
  template <typename T>
  void Number(const char* key, Range range, std::optional<T>& out) {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    if (const auto number = NumberOf(*node, key, range)) out = static_cast<T>(*number);
  }
  template <typename T>
  void Number(const char* key, Range range, T& out) {
    std::optional<T> number;
    Number(key, range, number);
    if (number) out = *number;
  }

  void Flag(const char* key, bool& out) {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    const std::optional<bool> flag = node->value_exact<bool>();
    if (!flag) return Wrong(*node, key, "must be true or false");
    out = *flag;
  }

  // An array, each of whose items `read` takes, which returns false for one that is wrong.
  template <typename Read>
  void Items(const char* key, Read read) {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    const toml::array* items = node->as_array();
    if (items != nullptr && items->size() > kItemsMax) {
      return Wrong(*node, key, fmt::format("has at most {} items", kItemsMax));
    }
    if (items == nullptr || items->empty()) {
      return Wrong(*node, key, "must be an array with something in it, such as [\"1s\", \"5s\"]");
    }
    for (const toml::node& item : *items) {
      if (!read(item)) return;
    }
  }

  [[nodiscard]] std::optional<std::int64_t> NumberOf(const toml::node& node, const char* key,
                                                     Range range) {
    const std::optional<std::int64_t> number = node.value_exact<std::int64_t>();
    if (number && *number >= range.min && *number <= range.max) return number;
    Wrong(node, key, fmt::format("must be a whole number from {} to {}", range.min, range.max));
    return std::nullopt;
  }

  // What was not asked for is not known.
  void CheckNoOthers() {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (taken_.contains(name)) continue;
      const std::string others =
          fmt::format("; there are {}. Keys of the server stand before the first [[channel]]",
                      fmt::join(taken_, ", "));
      return Wrong(
          node, name.c_str(),
          "is no key of a channel" + Suggestion(name, {taken_.begin(), taken_.end()}, others));
    }
  }

  void Wrong(const toml::node& node, const char* key, const std::string& what) {
    if (!status_.ok()) return;
    status_ = InvalidArgument(
        fmt::format("{}:{}: {}: {}", file_.string(), node.source().begin.line, key, what));
  }

  void Require(const char* key) {
    if (!table_.contains(key)) Wrong(table_, key, "is missing: it says which channels are meant");
  }

 private:
  const toml::node* Take(const char* key) {
    taken_.insert(key);
    return table_.get(key);
  }

  const toml::table& table_;
  const std::filesystem::path& file_;
  std::set<std::string> taken_;
  Status status_;
};

StatusOr<std::string> ParseMatch(const std::string& text) {
  const std::string name = text.substr(0, text.size() - (text.ends_with('*') ? 1 : 0));
  Status status = name.empty() && !text.empty() ? OkStatus() : CheckChannelName(name);
  if (status.ok()) return text;
  return InvalidArgument("must be a channel's name, or what names begin with and then *, got \"" +
                         text + "\"");
}

StatusOr<Ordering> ParseOrdering(const std::string& text) {
  if (text == "ordered") return Ordering::kOrdered;
  if (text == "unordered") return Ordering::kUnordered;
  return InvalidArgument("must be ordered or unordered, got \"" + text + "\"");
}

StatusOr<std::string> ParseMediaType(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto is_of_a_type = [](char c) { return c > ' ' && c <= '~' && c != ';' && c != ','; };
  const bool is_type = slash != 0 && slash < text.size() - 1 &&
                       text.find('/', slash + 1) == std::string::npos &&
                       std::all_of(text.begin(), text.end(), is_of_a_type);
  if (is_type) return text;
  return InvalidArgument("must be a type such as application/json, without parameters, got \"" +
                         text + "\"");
}

// An array of texts, each parsed.
template <typename T>
void ReadTexts(PolicyTable& table, const char* key, std::vector<T>& out,
               StatusOr<T> (*parse)(const std::string&)) {
  std::vector<T> read;
  table.Items(key, [&](const toml::node& item) {
    StatusOr<T> value = parse(item.value_exact<std::string>().value_or(""));
    if (!value.ok()) table.Wrong(item, key, "each " + MessageOf(value.status()));
    if (value.ok()) read.push_back(*std::move(value));
    return value.ok();
  });
  if (!read.empty()) out = std::move(read);
}

StatusOr<std::string> ParseFileName(const std::string& text) {
  if (!text.empty()) return text;
  return InvalidArgument("must name a file beside this one, got nothing");
}

void ReadTypes(PolicyTable& table, std::vector<std::uint32_t>& out) {
  table.Items("types", [&](const toml::node& item) {
    const auto type = table.NumberOf(item, "types", {0, kTypeMax});
    if (type) out.push_back(static_cast<std::uint32_t>(*type));
    return type.has_value();
  });
}

void ReadSchema(PolicyTable& table, const toml::table& source, const std::filesystem::path& file,
                std::shared_ptr<const JsonSchema>& out) {
  std::string name;
  table.Text("schema", name, &ParseFileName);
  if (name.empty()) return;
  const std::filesystem::path beside = file.parent_path() / name;
  const StatusOr<std::string> text = ReadTextFile(beside, "schema");
  if (!text.ok()) return table.Wrong(*source.get("schema"), "schema", MessageOf(text.status()));
  StatusOr<std::shared_ptr<const JsonSchema>> schema = JsonSchema::Parse(*text);
  if (!schema.ok()) {
    return table.Wrong(*source.get("schema"), "schema",
                       beside.string() + ": " + MessageOf(schema.status()));
  }
  out = *std::move(schema);
}

StatusOr<ChannelPattern> ReadChannel(const toml::table& source, const std::filesystem::path& file,
                                     const DeliveryPolicy& flags) {
  PolicyTable table(source, file);
  ChannelPattern pattern{.match = {}, .policy = PolicyOf(flags)};
  ChannelPolicy& policy = pattern.policy;
  constexpr std::int64_t kAttemptsMax = 1'000'000;
  constexpr std::int64_t kMessagesMax = 1'000'000'000'000;
  table.Require("match");
  table.Text("match", pattern.match, &ParseMatch);
  table.Text("ordering", policy.ordering, &ParseOrdering);
  table.Text("ack_wait", policy.ack_wait, &ParsePositiveDuration);
  ReadTexts(table, "backoff", policy.retry.backoff, &ParseDuration);
  table.Number("max_attempts", {1, kAttemptsMax}, policy.retry.max_attempts);
  table.Number("window", {1, kWindowMax}, policy.window);
  table.Text("ttl", policy.ttl, &ParsePositiveDuration);
  table.Text("retention_age", policy.keeping.age, &ParsePositiveDuration);
  table.Number("retention_messages", {1, kMessagesMax}, policy.keeping.messages);
  table.Text("retention_bytes", policy.keeping.bytes, &ParseSize);
  table.Text("parked_age", policy.keeping.parked_age, &ParsePositiveDuration);
  table.Text("subscription_expires_after", policy.keeping.subscription, &ParsePositiveDuration);
  ReadTexts(table, "content_types", policy.content_types, &ParseMediaType);
  ReadTypes(table, policy.types);
  ReadSchema(table, source, file, policy.schema);
  table.Flag("public", policy.is_public);
  table.CheckNoOthers();
  if (!table.status().ok()) return table.status();
  return pattern;
}

}  // namespace

StatusOr<std::vector<ChannelPattern>> ReadPolicyFile(const std::filesystem::path& file,
                                                     const DeliveryPolicy& flags) {
  const StatusOr<std::string> text = ReadTextFile(file, "--config");
  if (!text.ok()) return text.status();
  std::vector<ChannelPattern> patterns;
  try {
    const toml::table document = toml::parse(*text, file.string());
    const toml::node* channels = document.get("channel");
    if (channels == nullptr) return patterns;  // other keys are the server's (settings_file.h)
    if (!channels->is_array_of_tables()) {
      return InvalidArgument(
          fmt::format("{}:{}: channel: must be a table of its own for each "
                      "pattern: [[channel]]",
                      file.string(), channels->source().begin.line));
    }
    for (const toml::node& channel : *channels->as_array()) {
      StatusOr<ChannelPattern> pattern = ReadChannel(*channel.as_table(), file, flags);
      if (!pattern.ok()) return pattern.status();
      patterns.push_back(*std::move(pattern));
      if (patterns.size() > kPatternsMax) {
        return InvalidArgument(fmt::format("{}:{}: channel: there are at most {} patterns",
                                           file.string(), channel.source().begin.line,
                                           kPatternsMax));
      }
    }
  } catch (const toml::parse_error& error) {
    return InvalidArgument(
        fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
  }
  return patterns;
}

StatusOr<std::string> ShowPolicies(const std::filesystem::path& file) {
  const StatusOr<std::string> text = ReadTextFile(file, "--config");
  if (!text.ok()) return text.status();
  std::ostringstream out;
  try {
    toml::table document = toml::parse(*text, file.string());
    toml::array* channels = document.get_as<toml::array>("channel");
    if (channels == nullptr) return std::string();
    for (toml::node& channel : *channels) {
      toml::table& table = *channel.as_table();
      const auto schema = table["schema"].value<std::string>();
      if (!schema) continue;
      const auto beside = std::filesystem::absolute(file).parent_path() / *schema;
      table.insert_or_assign("schema", beside.string());
    }
    out << toml::table{{"channel", *channels}} << "\n";
  } catch (const toml::parse_error& error) {
    return InvalidArgument(std::string(error.description()));
  }
  return out.str();
}

}  // namespace ackwire
