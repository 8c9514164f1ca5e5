// Flags are what can be set. Each is an argument of the command line, a variable of the environment
// and a key of the file that --config names; the first of these that gives it holds.
//
// Lifetime: borrows the app, and what the flags are read into.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "store/status.h"
#include "tools/ackwired/config_values.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ackwire {

struct FileSetting;

// A setting that holds, and who said so.
struct InForce {
  std::string key;
  std::string value;   // as TOML; empty: not set
  std::string source;  // such as `flag`, or `file /etc/ackwire/ackwired.toml:3`
};

// As a file for --config, one key a line, each with its source behind it.
[[nodiscard]] std::string FormatInForce(const std::vector<InForce>& settings);

class Flags {
 public:
  // Adds --config as well.
  explicit Flags(CLI::App& app);
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  struct Text {
    const char* name;
    const char* value;
    std::string standard;  // what holds without the flag
    const char* meaning;
  };
  // A vector is given by several flags, by one with commas in it, or by an array in the file.
  template <typename T>
  void Add(const Text& text, T& out, StatusOr<T> (*parse)(const std::string&)) {
    Add(text, {.is_list = IsVector<T>::value,
               .take = [&out, parse](const std::string& value) -> Status {
                 StatusOr<T> parsed = parse(value);
                 if (!parsed.ok()) return parsed.status();
                 out = *std::move(parsed);
                 return OkStatus();
               },
               .show = [&out] { return TomlOf(out); }});
  }

  // Once the command line was parsed: reads each flag from where it is given.
  //   kInvalidArgument  names the flag, or file, line and key; what was wrong and what would be
  //                     right
  //   kNotFound         the file cannot be read
  [[nodiscard]] Status Read();

  // After Read.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] std::vector<InForce> in_force() const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  template <typename T>
  struct IsVector : std::false_type {};
  template <typename T>
  struct IsVector<std::vector<T>> : std::true_type {};

  struct Target {
    bool is_list = false;
    std::function<Status(const std::string&)> take;
    std::function<std::string()> show;
  };
  struct Entry {
    std::string name;  // with its dashes
    Target target;
    const CLI::Option* option = nullptr;
    std::optional<std::string> given;  // on the command line
    std::string source;
  };
  void Add(const Text& text, Target target);
  [[nodiscard]] Status ReadFileName();
  // `in_file`: null where the file has nothing of it.
  [[nodiscard]] Status Take(Entry& entry, const FileSetting* in_file) const;

  CLI::App& app_;
  std::optional<std::string> file_given_;
  std::filesystem::path file_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace ackwire
