#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tools/ackbench/command.h"
#include "tools/ackbench/server_process.h"
#include "tools/ackbench/subscribers_load.h"
#include "tools/ackctl/progress_bar.h"
#include "tools/ackctl/table.h"

namespace ackwire::bench {
namespace {

// As long as each other: a name is copied with each message, and short ones are copied faster.
constexpr char kEmptyChannel[] = "bench/room-with-nobody";
constexpr char kFullChannel[] = "bench/room-with-people";
constexpr std::uint64_t kWarmUpSubscribers = 100;

struct Options {
  std::uint64_t subscribers = 100'000;
  std::uint64_t in_a_call = 10'000;
  std::uint64_t messages = 200'000;
  std::uint64_t rounds = 9;
  std::size_t payload_bytes = 256;
  double idle_seconds = 15;
  std::filesystem::path directory = std::filesystem::temp_directory_path();
  // Zero: no limit.
  double ratio_min = 0;
  double subscribe_min = 0;
  double growth_mib_max = 0;
  double peak_mib_max = 0;
};

// One round: as many messages into each of the two channels, in messages a second.
struct Round {
  double empty = 0;
  double full = 0;
};

struct Result {
  double subscribed_per_second = 0;
  double mib_before = 0;
  double mib_peak = 0;        // while subscribing
  double mib_after = 0;       // at the last answer
  double mib_after_rest = 0;  // once that is on disk, and the server idle
  std::vector<Round> rounds;

  [[nodiscard]] double growth() const { return mib_after_rest - mib_before; }
  [[nodiscard]] double peak_growth() const { return mib_peak - mib_before; }
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <typename F>
std::vector<double> Each(const std::vector<Round>& rounds, F&& value) {
  std::vector<double> out;
  for (const Round& round : rounds) out.push_back(value(round));
  return out;
}

double EmptyOf(const Round& round) { return round.empty; }
double FullOf(const Round& round) { return round.full; }
double RatioOf(const Round& round) { return round.full / round.empty; }

double Mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1U << 20U); }

void Rest(const Options& options) {
  std::this_thread::sleep_for(std::chrono::duration<double>(options.idle_seconds));
}

// What a server has and any does that was used once is there before the first measurement.
void WarmUp(const Options& options, SubscribersLoad& load) {
  for (const char* channel : {kEmptyChannel, kFullChannel}) {
    (void)load.Publish(channel, std::min<std::uint64_t>(options.messages, 1000));
  }
  (void)load.Subscribe("bench/warm-up", {kWarmUpSubscribers, options.in_a_call},
                       [](std::uint64_t) {});
}

void MeasureSubscribing(const Options& options, const ServerProcess& server, SubscribersLoad& load,
                        Result& result) {
  Rest(options);
  server.ForgetPeak();
  result.mib_before = Mebibytes(server.resident_bytes());
  {
    ctl::ProgressBar bar(options.subscribers, ctl::ProgressWidth());
    result.subscribed_per_second =
        load.Subscribe(kFullChannel, {options.subscribers, options.in_a_call},
                       [&bar](std::uint64_t done) { bar.Update(done); });
  }
  result.mib_after = Mebibytes(server.resident_bytes());
  Rest(options);
  result.mib_peak = Mebibytes(server.peak_resident_bytes());
  result.mib_after_rest = Mebibytes(server.resident_bytes());
}

// The channels take turns at being first, so that neither always finds what the other left.
void MeasurePublishing(const Options& options, SubscribersLoad& load, Result& result) {
  ctl::ProgressBar bar(2 * options.rounds * options.messages, ctl::ProgressWidth());
  for (std::uint64_t i = 0; i < options.rounds; ++i) {
    Round round;
    const bool full_first = i % 2 == 1;
    if (full_first) round.full = load.Publish(kFullChannel, options.messages);
    round.empty = load.Publish(kEmptyChannel, options.messages);
    if (!full_first) round.full = load.Publish(kFullChannel, options.messages);
    result.rounds.push_back(round);
    bar.Update(2 * (i + 1) * options.messages);
  }
}

Result Measure(const Options& options) {
  const ScratchDirectory scratch(options.directory);
  ServerProcess server(AckwiredCommand(scratch.path() / "data"));
  SubscribersLoad load(GrpcAddressIn(server.first_line()), options.payload_bytes);
  Result result;
  WarmUp(options, load);
  MeasureSubscribing(options, server, load, result);
  MeasurePublishing(options, load, result);
  server.End(SIGINT);
  return result;
}

void PrintFacts(const Options& options, const Result& result, bool color) {
  const std::vector<double> ratios = Each(result.rounds, RatioOf);
  const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
  const auto grown = [&result](double mib) {
    return fmt::format("{:.1f} MiB, {:+.1f}", mib, mib - result.mib_before);
  };
  ctl::Facts facts;
  facts.Add("Subscribers", fmt::format("{} of one channel, all offline", options.subscribers));
  facts.Add("Subscribed",
            fmt::format("{:.0f}/s, {} in a call", result.subscribed_per_second, options.in_a_call));
  facts.Add("Published to nobody",
            fmt::format("{:.0f}/s, median of {} rounds", Median(Each(result.rounds, EmptyOf)),
                        options.rounds));
  facts.Add("Published to all", fmt::format("{:.0f}/s", Median(Each(result.rounds, FullOf))));
  facts.Add("Ratio",
            fmt::format("{:.2f}, median; {:.2f} to {:.2f}", Median(ratios), *lowest, *highest));
  facts.Add("Memory before", fmt::format("{:.1f} MiB", result.mib_before));
  facts.Add("Memory, peak", grown(result.mib_peak));
  facts.Add("Memory at the last answer", grown(result.mib_after));
  facts.Add("Memory, idle again", grown(result.mib_after_rest));
  fmt::print("{}", facts.Render(color));
}

void PrintJson(const Options& options, const Result& result) {
  boost::json::array rounds;
  for (const Round& round : result.rounds) {
    rounds.push_back({{"toNobodyPerSecond", round.empty}, {"toAllPerSecond", round.full}});
  }
  const boost::json::object out{{"subscribers", options.subscribers},
                                {"subscribedPerSecond", result.subscribed_per_second},
                                {"toNobodyPerSecond", Median(Each(result.rounds, EmptyOf))},
                                {"toAllPerSecond", Median(Each(result.rounds, FullOf))},
                                {"ratio", Median(Each(result.rounds, RatioOf))},
                                {"rounds", rounds},
                                {"mebibytesBefore", result.mib_before},
                                {"mebibytesPeak", result.mib_peak},
                                {"mebibytesAtLastAnswer", result.mib_after},
                                {"mebibytesIdleAgain", result.mib_after_rest}};
  const std::string text = boost::json::serialize(out);
  fmt::print("{}\n", text);
}

// Throws, naming every limit that is missed.
void CheckLimits(const Options& options, const Result& result) {
  std::string missed;
  const auto check = [&missed](bool met, const std::string& what) {
    if (!met) missed += "\n  " + what;
  };
  const double ratio = Median(Each(result.rounds, RatioOf));
  check(ratio >= options.ratio_min,
        fmt::format("ratio {:.3f}, below --ratio-min {}", ratio, options.ratio_min));
  check(result.subscribed_per_second >= options.subscribe_min,
        fmt::format("{:.0f} subscriptions a second, below --subscribe-min {:.0f}",
                    result.subscribed_per_second, options.subscribe_min));
  check(options.growth_mib_max == 0 || result.growth() <= options.growth_mib_max,
        fmt::format("{:.1f} MiB more memory, above --growth-max {}", result.growth(),
                    options.growth_mib_max));
  check(options.peak_mib_max == 0 || result.peak_growth() <= options.peak_mib_max,
        fmt::format("{:.1f} MiB more memory at the peak, above --peak-max {}", result.peak_growth(),
                    options.peak_mib_max));
  if (!missed.empty()) throw std::runtime_error("missed:" + missed);
}

void Run(const Options& options, const Context& context) {
  const Result result = Measure(options);
  if (context.json) {
    PrintJson(options, result);
  } else {
    PrintFacts(options, result, context.color);
  }
  std::fflush(stdout);
  CheckLimits(options, result);
}

void AddOptions(CLI::App& command, Options& options) {
  command.add_option("--subscribers", options.subscribers, "Clients to subscribe to the channel")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command.add_option("--in-a-call", options.in_a_call, "Of them in one SubscribeMany")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_option("--messages", options.messages, "Messages into each channel in a round")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--rounds", options.rounds, "Rounds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--payload-bytes", options.payload_bytes, "Bytes of a message's payload")
      ->check(CLI::Range(0, 256 * 1024))
      ->capture_default_str();
  command.add_option("--idle", options.idle_seconds, "Seconds of rest before memory is read")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command.add_option("--dir", options.directory, "Where to put the data, on the disk to measure")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  command.add_option("--ratio-min", options.ratio_min, "Fail when publishing to all is slower");
  command.add_option("--subscribe-min", options.subscribe_min, "Fail below so many a second");
  command.add_option("--growth-max", options.growth_mib_max, "Fail when MiB stay in use");
  command.add_option("--peak-max", options.peak_mib_max, "Fail when MiB were in use at once");
}

}  // namespace

void AddSubscribers(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "subscribers", "What offline subscribers of a channel cost whoever publishes to it");
  const auto options = std::make_shared<Options>();
  AddOptions(*command, *options);
  command->footer(
      "A new ackwired, over gRPC. After a rest its resident memory is read; clients that it never\n"
      "saw are subscribed to a channel, and after another rest memory is read again. Then the\n"
      "same number of messages goes into that channel and into one without subscribers, in turns.\n"
      "The ratio is that of a round; what is compared with --ratio-min is the median.\n\n"
      "Example: ackbench subscribers --ratio-min 0.9 --subscribe-min 50000 --growth-max 16");
  command->callback([&chosen, options] {
    chosen = [options](const Context& context) { Run(*options, context); };
  });
}

}  // namespace ackwire::bench
