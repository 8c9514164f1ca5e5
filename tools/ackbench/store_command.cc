#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <vector>

#include "tools/ackbench/command.h"
#include "tools/ackbench/raw_puts.h"
#include "tools/ackbench/store_load.h"
#include "tools/ackbench/usage.h"
#include "tools/ackbench/workload.h"
#include "tools/ackctl/progress_bar.h"
#include "tools/ackctl/table.h"

namespace ackwire::bench {
namespace {

constexpr std::uint64_t kRawMessagesMax = 1'000'000;
constexpr std::uint64_t kRawRows = 100'000;

struct Options {
  std::uint64_t messages = 1'000'000;
  std::vector<std::uint64_t> channels = {1000};
  std::size_t payload_bytes = 256;
  std::uint64_t step = 1'000'000;
  std::filesystem::path directory = std::filesystem::temp_directory_path();
};

struct Step {
  std::uint64_t to = 0;  // messages after this step
  double per_second = 0;
};

// The figures of one number of channels.
struct Result {
  std::uint64_t channels = 0;
  double first_per_second = 0;  // the first message of each channel, which makes the channel
  double puts = 0;              // of RocksDB alone, one by one
  double batches_before = 0;
  double batches_after = 0;
  std::vector<Step> steps;
  double group = 0;  // messages in a commit, on average
  double write_amplification = 0;
  double cpu_micros = 0;  // of all threads, for one message

  [[nodiscard]] double batches() const { return (batches_before + batches_after) / 2; }
  [[nodiscard]] double OfPuts(const Step& step) const { return step.per_second / puts; }
  [[nodiscard]] double OfBatches(const Step& step) const { return step.per_second / batches(); }
};

double Timed(const std::function<void()>& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

double Raw(const Options& options, const Workload& workload, RawPuts puts) {
  const ScratchDirectory scratch(options.directory);
  puts.messages = std::min(options.messages, kRawMessagesMax);
  return MeasureRawPuts(scratch.path() / "db",
                        MakeLogRows(workload, std::min(kRawRows, options.messages)), puts);
}

// One message into each channel. Returns the mean size of a commit.
double MakeChannels(const std::filesystem::path& directory, const Workload& workload,
                    Result& result) {
  StoreLoad load(directory, workload);
  const auto count = static_cast<double>(result.channels);
  result.first_per_second =
      count / Timed([&] { load.Publish(0, result.channels, [](std::uint64_t) {}); });
  return count / static_cast<double>(load.commits());
}

void MeasureSteps(const Options& options, const std::filesystem::path& directory,
                  const Workload& workload, Result& result) {
  StoreLoad load(directory, workload);
  ctl::ProgressBar bar(options.messages, ctl::ProgressWidth());
  for (std::uint64_t done = 0; done < options.messages;) {
    const std::uint64_t count = std::min(options.step, options.messages - done);
    const double took = Timed([&] {
      load.Publish(result.channels + done, count, [&](std::uint64_t i) { bar.Update(done + i); });
    });
    done += count;
    result.steps.push_back({done, static_cast<double>(count) / took});
  }
  result.group = static_cast<double>(options.messages) / static_cast<double>(load.commits());
}

Result Measure(const Options& options, std::uint64_t channels) {
  const ScratchDirectory scratch(options.directory);
  const std::filesystem::path data = scratch.path() / "data";
  const Workload workload({.channels = channels, .payload_bytes = options.payload_bytes});
  Result result{.channels = channels};
  (void)MakeChannels(data, workload, result);
  // A raw run before and one after: a disk that slows down meanwhile shows.
  result.batches_before = Raw(options, workload, {.group = kGroupWorksMax, .batched = true});
  const Usage before = UsageNow();
  MeasureSteps(options, data, workload, result);
  const Usage after = UsageNow();
  const auto messages = static_cast<double>(options.messages);
  result.write_amplification = static_cast<double>(after.disk_bytes - before.disk_bytes) /
                               (messages * static_cast<double>(workload.bytes_of_one()));
  result.cpu_micros = (after.cpu_seconds - before.cpu_seconds) * 1e6 / messages;
  const auto group = std::max<std::uint64_t>(static_cast<std::uint64_t>(result.group), 1);
  result.batches_after = Raw(options, workload, {.group = group, .batched = true});
  result.puts = Raw(options, workload, {.group = group, .batched = false});
  return result;
}

void PrintTable(const std::vector<Result>& results, bool color) {
  using ctl::Align;
  ctl::Table table({{"CHANNELS", Align::kRight},
                    {"MESSAGES", Align::kRight},
                    {"STORE/S", Align::kRight},
                    {"PUTS/S", Align::kRight},
                    {"OF PUTS", Align::kRight},
                    {"BATCHED/S", Align::kRight},
                    {"OF BATCHED", Align::kRight},
                    {"COMMIT", Align::kRight},
                    {"WRITE AMP", Align::kRight},
                    {"CPU US", Align::kRight},
                    {"NEW CHANNELS/S", Align::kRight}});
  for (const Result& result : results) {
    for (const Step& step : result.steps) {
      const bool last = &step == &result.steps.back();
      const auto if_last = [last](const std::string& text) { return last ? text : std::string(); };
      table.AddRow({fmt::to_string(result.channels), fmt::to_string(step.to),
                    fmt::format("{:.0f}", step.per_second), fmt::format("{:.0f}", result.puts),
                    fmt::format("{:.2f}", result.OfPuts(step)),
                    fmt::format("{:.0f}", result.batches()),
                    fmt::format("{:.2f}", result.OfBatches(step)),
                    if_last(fmt::format("{:.0f}", result.group)),
                    if_last(fmt::format("{:.2f}", result.write_amplification)),
                    if_last(fmt::format("{:.2f}", result.cpu_micros)),
                    if_last(fmt::format("{:.0f}", result.first_per_second))});
    }
  }
  fmt::print("{}", table.Render(color));
}

void PrintJson(const std::vector<Result>& results) {
  boost::json::array out;
  for (const Result& result : results) {
    boost::json::array steps;
    for (const Step& step : result.steps) {
      steps.push_back({{"messages", step.to},
                       {"storePerSecond", step.per_second},
                       {"ratioToPuts", result.OfPuts(step)},
                       {"ratioToBatches", result.OfBatches(step)}});
    }
    out.push_back({{"channels", result.channels},
                   {"newChannelsPerSecond", result.first_per_second},
                   {"putsPerSecond", result.puts},
                   {"batchedPerSecondBefore", result.batches_before},
                   {"batchedPerSecondAfter", result.batches_after},
                   {"commitMessages", result.group},
                   {"writeAmplification", result.write_amplification},
                   {"cpuMicrosPerMessage", result.cpu_micros},
                   {"steps", steps}});
  }
  const std::string text = boost::json::serialize(boost::json::object{{"store", out}});
  fmt::print("{}\n", text);
}

void Run(const Options& options, const Context& context) {
  std::vector<Result> results;
  for (const std::uint64_t channels : options.channels) {
    results.push_back(Measure(options, channels));
  }
  if (context.json) {
    PrintJson(results);
  } else {
    PrintTable(results, context.color);
  }
}

}  // namespace

void AddStore(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "store", "How fast the store takes messages, against RocksDB alone on the same bytes");
  const auto options = std::make_shared<Options>();
  command->add_option("--messages", options->messages, "Messages to publish")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--channels", options->channels, "Channels; several numbers: a run for each")
      ->delimiter(',')
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000'000}))
      ->capture_default_str();
  command->add_option("--payload-bytes", options->payload_bytes, "Bytes of a message's payload")
      ->check(CLI::Range(0, 256 * 1024))
      ->capture_default_str();
  command->add_option("--step", options->step, "A row of the table for so many messages")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--dir", options->directory, "Where to put the data, on the disk to measure")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  command->footer(
      R"(Every message is synced to disk before it is answered. The channels exist before the
clock runs. RocksDB alone, with the same log rows, at most 1,000,000:

  PUTS/S          one put a message, synced as often as the store's commits, after its run
  BATCHED/S       one batch a sync: the mean of a run before the store's, with the largest
                  commits, and one after it, with commits of the store's size
  OF PUTS, OF BATCHED   the store's rate as a part of these
  COMMIT          messages in one of the store's commits, on average
  WRITE AMP       bytes written to disk for a byte of payload and message id, with all that
                  is derived
  CPU US          microseconds of all threads for a message
  NEW CHANNELS/S  at what rate the channels were made

Example: ackbench store --channels 1000,1000000
         ackbench store --messages 10000000)");
  command->callback([&chosen, options] {
    chosen = [options](const Context& context) { Run(*options, context); };
  });
}

}  // namespace ackwire::bench
