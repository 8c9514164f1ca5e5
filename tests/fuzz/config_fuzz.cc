// What an operator writes. The first letter says what the rest is:
//
//   f  the file of --config, in TOML
//   a  arguments, one a line; and behind a line of ---, the file of --config
//   v  a value of a flag
//   s  a JSON Schema, and behind a line of --- a payload
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "delivery/json_schema.h"
#include "store/limits.h"
#include "tests/fuzz/error_checks.h"
#include "tests/unit/temporary_directory.h"
#include "tools/ackwired/config.h"
#include "tools/ackwired/config_checks.h"
#include "tools/ackwired/policy_file.h"

namespace ackwire::fuzz {
namespace {

constexpr std::string_view kBetween = "\n---\n";

// The folder of the file, with a schema beside it; gone at the end.
class Folder {
 public:
  Folder() { Write("room.schema.json", R"({"type":"object","required":["text"]})"); }

  std::filesystem::path Write(const char* name, std::string_view text) const {
    std::ofstream(directory_.path() / name, std::ios::binary) << text;
    return directory_.path() / name;
  }

 private:
  TemporaryDirectory directory_;
};

const Folder& TheFolder() {
  static const Folder folder;
  return folder;
}

StatusOr<std::vector<ChannelPattern>> Read(std::string_view text) {
  return ReadPolicyFile(TheFolder().Write("policies.toml", text), DeliveryPolicy());
}

template <typename T>
void Add(std::string& out, const char* key, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_same_v<T, Duration>) {
    out += fmt::format("{} = {}\n", key, TomlOf(*value));
  } else {
    out += fmt::format("{} = {}\n", key, *value);
  }
}

// As the file would say it.
std::string Written(const ChannelPattern& pattern) {
  const ChannelPolicy& policy = pattern.policy;
  std::string out = fmt::format("[[channel]]\nmatch = {}\n", TomlOf(pattern.match));
  out += fmt::format("ordering = \"{}\"\n",
                     policy.ordering == Ordering::kOrdered ? "ordered" : "unordered");
  Add<Duration>(out, "ack_wait", policy.ack_wait);
  out += fmt::format("backoff = {}\n", TomlOf(policy.retry.backoff));
  out += fmt::format("max_attempts = {}\n", policy.retry.max_attempts);
  Add(out, "window", policy.window);
  Add(out, "ttl", policy.ttl);
  Add(out, "retention_age", policy.keeping.age);
  Add(out, "retention_messages", policy.keeping.messages);
  if (policy.keeping.bytes) out += fmt::format("retention_bytes = \"{}\"\n", *policy.keeping.bytes);
  Add<Duration>(out, "parked_age", policy.keeping.parked_age);
  Add(out, "subscription_expires_after", policy.keeping.subscription);
  if (!policy.content_types.empty()) {
    out += fmt::format("content_types = {}\n", TomlOf(policy.content_types));
  }
  std::string types;
  for (const std::uint32_t each : policy.types) types += std::to_string(each) + ",";
  if (!types.empty()) out += fmt::format("types = [{}]\n", types);
  if (policy.schema) out += "schema = \"room.schema.json\"\n";
  return out + fmt::format("public = {}\n", policy.is_public);
}
std::string Written(const std::vector<ChannelPattern>& patterns) {
  std::string out;
  for (const ChannelPattern& each : patterns) out += Written(each);
  return out;
}

void CheckPattern(const ChannelPattern& pattern) {
  const ChannelPolicy& policy = pattern.policy;
  CHECK(pattern.match.size() <= kNameBytesMax + 1 && IsUtf8(pattern.match), "a name, or its begin");
  CHECK(!pattern.match.empty() && pattern.match.find('*') >= pattern.match.size() - 1, "* last");
  CHECK(policy.ack_wait > Duration(0), "a time to acknowledge in");
  CHECK(!policy.retry.backoff.empty() && policy.retry.max_attempts > 0, "attempts");
  CHECK(!policy.window || (*policy.window > 0 && *policy.window <= kWindowMax), "1 to 4096");
  CHECK(!policy.ttl || *policy.ttl > Duration(0), "a life");
  for (const std::uint32_t type : policy.types) CHECK(type <= kTypeMax, "16 bits");
}

void CheckPolicyFile(std::string_view text) {
  const auto patterns = Read(text);
  if (!patterns.ok()) {
    CHECK(!patterns.status().message().empty(), "an error says what was wrong");
    const StatusCode code = patterns.status().code();
    CHECK(code == StatusCode::kInvalidArgument || code == StatusCode::kNotFound, "and which kind");
    return;
  }
  for (const ChannelPattern& each : *patterns) CheckPattern(each);
  const std::string written = Written(*patterns);
  const auto shown = ShowPolicies(TheFolder().Write("policies.toml", text));
  const auto of_shown = shown.ok() ? Read(*shown) : shown.status();
  CHECK(of_shown.ok() && Written(*of_shown) == written, "what is shown means the same");
  const auto again = Read(written);
  CHECK(again.ok(), "what was read can be written");
  CHECK(Written(*again) == written, "and is read as it was");
  Policies policies{DeliveryPolicy()};
  CHECK(!policies.keeps_not_all(), "all is kept unless somebody says otherwise");
  policies.Replace(*patterns);
  static_cast<void>(policies.keeps_not_all());
  CHECK(policies.For("no such channel") != nullptr, "each channel has a policy");
  if (!patterns->empty() && !patterns->front().match.ends_with('*')) {
    CHECK(policies.For(patterns->front().match)->ack_wait == patterns->front().policy.ack_wait,
          "the first that fits holds");
  }
}

StatusOr<CommandLine> Parse(const std::vector<std::string>& lines) {
  std::vector<const char*> arguments = {"ackwired"};
  for (const std::string& each : lines) arguments.push_back(each.c_str());
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

void CheckConfig(const Config& config) {
  CHECK(config.delivery.window > 0 && config.delivery.window <= kWindowMax, "1 to 4096");
  CHECK(config.delivery.ack_wait > Duration(0) && !config.delivery.retry.backoff.empty(), "waits");
  CHECK(config.delivery.max_disconnects > 0 && config.delivery.retry.max_attempts > 0, "counts");
  CHECK(config.session.ping_timeout > config.session.ping_interval, "a client is asked before");
  CHECK(config.io_threads > 0 && config.io_threads <= 256, "threads");
  CHECK(!config.journal_keeps.age || *config.journal_keeps.age > Duration(0), "some past");
  static_cast<void>(CheckListeners(config));
}

void CheckArguments(std::string_view text) {
  const std::size_t between = std::min(text.find(kBetween), text.size());
  std::vector<std::string> lines;
  for (std::string_view left = text.substr(0, between); !left.empty();) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    lines.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  if (between < text.size()) {
    const std::string_view file = text.substr(between + kBetween.size());
    lines.push_back("--config=" + TheFolder().Write("ackwired.toml", file).string());
  }
  const auto line = Parse(lines);
  if (!line.ok()) {
    CHECK(!line.status().message().empty(), "an error says what was wrong");
    return;
  }
  if (line->print) {
    CHECK(!line->print->empty(), "there is something to say");
    return;
  }
  CheckConfig(line->config);
  const std::string shown = FormatInForce(line->in_force);
  if (!IsUtf8(shown)) return;  // a path may be any bytes, a file of TOML may not
  const auto again = Parse({"--config=" + TheFolder().Write("shown.toml", shown).string()});
  CHECK(again.ok() && again->in_force.size() == line->in_force.size(), "what is shown is a file");
  for (std::size_t i = 0; i < again->in_force.size(); ++i) {
    CHECK(again->in_force[i].value == line->in_force[i].value, "which says the same");
  }
}

void CheckWrong(const Status& status) {
  CHECK(status.code() == StatusCode::kInvalidArgument, "a value is wrong");
  CHECK(MessageOf(status).starts_with("must "), "and the error says what would be right");
}

void CheckValue(const std::string& text) {
  const auto duration = ParseDuration(text);
  const auto positive = ParsePositiveDuration(text);
  if (duration.ok()) {
    CHECK(*duration >= Duration(0) && *duration <= std::chrono::days(36'500), "a hundred years");
    CHECK(*ParseDuration(FormatDuration(*duration)) == *duration, "a duration can be written");
  } else {
    CheckWrong(duration.status());
  }
  CHECK(positive.ok() == (duration.ok() && *duration > Duration(0)), "none is not positive");
  const auto size = ParseSize(text);
  if (size.ok()) {
    CHECK(*ParseSize(std::to_string(*size)) == *size, "a size is a number of bytes");
    CHECK(*ParseSize(FormatSize(*size)) == *size, "and can be written shorter");
  } else {
    CheckWrong(size.status());
  }
  const auto endpoint = ParseEndpoint(text);
  if (!endpoint.ok()) return CheckWrong(endpoint.status());
  CHECK(!endpoint->host.empty(), "there is a host");
  const auto again = ParseEndpoint(FormatEndpoint(*endpoint));
  CHECK(again.ok() && again->host == endpoint->host && again->port == endpoint->port,
        "an endpoint can be written");
}

void CheckSchema(std::string_view text) {
  constexpr std::size_t kSaidBytesMax = 404;
  const std::size_t end = text.find(kBetween);
  const auto schema = JsonSchema::Parse(text.substr(0, end));
  if (!schema.ok()) return CheckRefusal(schema.status());
  if (end == text.npos) return;
  const std::string_view payload = text.substr(end + kBetween.size());
  const Status status = (*schema)->Check(payload);
  if (status.ok()) return;
  CheckRefusal(status);
  CHECK(status.message().size() <= kSaidBytesMax, "an answer is short");
  CHECK((*schema)->Check(payload) == status, "and the same each time");
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire::fuzz;
  CheckBy({{'f', CheckPolicyFile},
           {'a', CheckArguments},
           {'v', [](std::string_view rest) { CheckValue(std::string(rest)); }},
           {'s', CheckSchema}},
          TextOf(data, size));
  return 0;
}
