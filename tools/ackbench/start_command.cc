#include <fmt/format.h>

#include <boost/json.hpp>
#include <csignal>
#include <stdexcept>

#include "tools/ackbench/command.h"
#include "tools/ackbench/server_process.h"
#include "tools/ackctl/table.h"

namespace ackwire::bench {
namespace {

struct Options {
  std::filesystem::path directory = std::filesystem::temp_directory_path();
  std::uint64_t messages = 5'000'000;
  std::uint64_t channels = 1000;
  double after_stop_max = 0;  // seconds; 0: any
  double after_kill_max = 0;
};

// Too late is a failure, for tests.
void Expect(const char* what, double seconds, double most) {
  if (most == 0 || seconds <= most) return;
  throw std::runtime_error(
      fmt::format("ready after {} in {:.2f} s, not in {:.2f} s", what, seconds, most));
}

void Run(const Options& options, const Context& context) {
  const ScratchDirectory scratch(options.directory);
  const std::filesystem::path data = scratch.path() / "data";
  {
    ServerProcess writer({ProgramBeside("ackbench"), "fill", "--hold", "--dir", data.string(),
                          "--messages", fmt::to_string(options.messages), "--channels",
                          fmt::to_string(options.channels)});
    writer.End(SIGKILL);
  }
  ServerProcess after_kill(AckwiredCommand(data));
  after_kill.End(SIGINT);
  ServerProcess after_stop(AckwiredCommand(data));
  const double megabytes = static_cast<double>(after_stop.resident_bytes()) / 1e6;
  after_stop.End(SIGINT);
  const auto expect = [&] {
    Expect("a clean stop", after_stop.seconds_to_first_line(), options.after_stop_max);
    Expect("kill -9", after_kill.seconds_to_first_line(), options.after_kill_max);
  };
  if (context.json) {
    const boost::json::object out{{"messages", options.messages},
                                  {"channels", options.channels},
                                  {"secondsAfterKill", after_kill.seconds_to_first_line()},
                                  {"secondsAfterStop", after_stop.seconds_to_first_line()}};
    const std::string text = boost::json::serialize(out);
    fmt::print("{}\n", text);
    return expect();
  }
  ctl::Facts facts;
  facts.Add("Messages", fmt::format("{} in {} channels", options.messages, options.channels));
  facts.Add("Ready after kill -9", fmt::format("{:.2f} s", after_kill.seconds_to_first_line()));
  facts.Add("Ready after a clean stop",
            fmt::format("{:.2f} s", after_stop.seconds_to_first_line()));
  facts.Add("Resident then", fmt::format("{:.0f} MB", megabytes));
  fmt::print("{}", facts.Render(context.color));
  expect();
}

}  // namespace

void AddStart(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("start", "How soon ackwired serves, after a clean stop and after kill -9");
  const auto options = std::make_shared<Options>();
  command->add_option("--messages", options->messages, "Messages in its data directory")
      ->capture_default_str();
  command->add_option("--channels", options->channels, "Channels they go round")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--after-stop-max", options->after_stop_max,
                      "Fail if it takes more seconds after a clean stop");
  command->add_option("--after-kill-max", options->after_kill_max,
                      "Fail if it takes more seconds after kill -9");
  command->add_option("--dir", options->directory, "Where to put the data, on the disk to measure")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  command->footer(
      "A process fills the directory and is killed at its last answer; ackwired is started on it,\n"
      "stopped cleanly, and started again. Ready is when it prints where it serves. Files are in\n"
      "the page cache.\n\n"
      "Example: ackbench start --messages 5000000");
  command->callback([&chosen, options] {
    chosen = [options](const Context& context) { Run(*options, context); };
  });
}

}  // namespace ackwire::bench
