// What a command of ackbench is: its arguments are declared to CLI11 by an Add... function; when it
// is the one chosen, `Chosen` holds what to run. A command that fails throws std::runtime_error.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>

namespace ackwire::bench {

struct Context {
  bool json = false;
  bool color = false;
};
using Chosen = std::function<void(const Context&)>;

void AddStore(CLI::App& app, Chosen& chosen);
void AddFill(CLI::App& app, Chosen& chosen);
void AddStart(CLI::App& app, Chosen& chosen);
void AddSubscribers(CLI::App& app, Chosen& chosen);

// Where a benchmark keeps its data: a new directory below `base`, removed at the end.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::filesystem::path& base);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace ackwire::bench
