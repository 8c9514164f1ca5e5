#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "tools/ackbench/command.h"
#include "tools/ackbench/store_load.h"
#include "tools/ackbench/workload.h"
#include "tools/ackctl/progress_bar.h"

namespace ackwire::bench {
namespace {

struct Options {
  std::filesystem::path directory;
  std::uint64_t messages = 5'000'000;
  std::uint64_t channels = 1000;
  bool hold = false;
};

void Run(const Options& options, const Context& context) {
  const Workload workload({.channels = options.channels});
  StoreLoad load(options.directory, workload);
  {
    ctl::ProgressBar bar(options.messages, ctl::ProgressWidth());
    load.Publish(0, options.messages, [&](std::uint64_t done) { bar.Update(done); });
  }
  const char* text = context.json ? "{{\"messages\":{}}}\n" : "{} messages are stored\n";
  fmt::print(fmt::runtime(text), options.messages);
  std::fflush(stdout);
  while (options.hold) pause();
}

}  // namespace

void AddFill(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("fill", "Fills a data directory with messages");
  const auto options = std::make_shared<Options>();
  command->add_option("--dir", options->directory, "The data directory, made when missing")
      ->required();
  command->add_option("--messages", options->messages, "Messages to store")->capture_default_str();
  command->add_option("--channels", options->channels, "Channels they go round")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--hold", options->hold, "Keep the directory open until killed");
  command->footer(
      "The directory is one that ackwired can serve afterwards.\n\n"
      "Example: ackbench fill --dir /var/tmp/five-million --messages 5000000");
  command->callback([&chosen, options] {
    chosen = [options](const Context& context) { Run(*options, context); };
  });
}

}  // namespace ackwire::bench
