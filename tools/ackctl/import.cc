#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/import_file.h"
#include "tools/ackctl/import_stream.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatchMessages = 500;
constexpr int kSubscribeBatch = 1000;
constexpr std::size_t kBadLinesShown = 10;
// With --rate, a second is sent in so many parts, so that it is a flow and not a pulse.
constexpr std::uint64_t kPartsOfASecond = 10;

struct Arguments {
  std::string path;
  std::uint64_t rate = 0;  // messages a second; 0: as fast as they are taken
  bool subscribe_senders = false;
};

// What the first reading of the file found.
struct Survey {
  std::uint64_t messages = 0;
  std::set<std::pair<std::string, std::string>> senders_and_rooms;
};

// Throws when any line is bad: half an import is worse than none.
Survey Check(const Arguments& arguments) {
  Survey survey;
  std::uint64_t bad_lines = 0;
  std::string shown;
  ImportFile file(arguments.path);
  std::variant<ImportMessage, BadLine> line;
  while (file.Next(line)) {
    if (const auto* bad = std::get_if<BadLine>(&line)) {
      if (++bad_lines <= kBadLinesShown) {
        shown += fmt::format("\n  line {}: {}", file.line_number(), bad->problem);
      }
      continue;
    }
    ++survey.messages;
    const auto& message = std::get<ImportMessage>(line);
    if (arguments.subscribe_senders) {
      survey.senders_and_rooms.emplace(message.sender, message.room);
    }
  }
  if (bad_lines > 0) {
    throw CommandError(
        ExitStatus::kRefused,
        fmt::format("{}: {}, so nothing was sent{}{}", arguments.path, Count(bad_lines, "bad line"),
                    shown, bad_lines > kBadLinesShown ? "\n  …" : ""));
  }
  return survey;
}

void SubscribeSenders(const Connection& connection, const Survey& survey) {
  const auto stub = v1::SubscriptionService::NewStub(connection.channel());
  v1::SubscribeManyRequest batch;
  const auto flush = [&] {
    v1::SubscribeManyResponse response;
    connection.Call("subscribe senders", [&](grpc::ClientContext& call) {
      return stub->SubscribeMany(&call, batch, &response);
    });
    batch.Clear();
  };
  for (const auto& [sender, room] : survey.senders_and_rooms) {
    v1::SubscribeRequest& request = *batch.add_requests();
    request.set_client(sender);
    request.set_channel(room);
    request.set_from_new(true);
    if (batch.requests_size() == kSubscribeBatch) flush();
  }
  if (batch.requests_size() > 0) flush();
}

v1::PublishRequest RequestFor(const ImportMessage& message, std::string id) {
  v1::PublishRequest request;
  request.set_channel(message.room);
  request.set_message_id(std::move(id));
  request.set_content_type("application/json");
  request.set_payload(
      boost::json::serialize(boost::json::object{{"at", message.at}, {"text", message.text}}));
  request.set_sender(message.sender);
  return request;
}

// Reads the file again and sends it, as far as the server takes it.
void SendAll(const Arguments& arguments, ImportStream& stream) {
  const std::string name = std::filesystem::path(arguments.path).filename().string();
  const std::size_t batch_size =
      arguments.rate == 0
          ? kBatchMessages
          : std::clamp<std::size_t>(arguments.rate / kPartsOfASecond, 1, kBatchMessages);
  const auto started = SteadyClock::now();
  std::uint64_t sent = 0;
  ImportFile file(arguments.path);
  std::variant<ImportMessage, BadLine> line;
  for (bool more = true; more;) {
    v1::PublishStreamRequest batch;
    std::vector<std::uint64_t> lines;
    while (lines.size() < batch_size && (more = file.Next(line))) {
      const auto* message = std::get_if<ImportMessage>(&line);
      if (message == nullptr) {
        throw CommandError(ExitStatus::kRefused,
                           fmt::format("{}: line {} was changed while it was imported",
                                       arguments.path, file.line_number()));
      }
      lines.push_back(file.line_number());
      *batch.add_requests() = RequestFor(*message, fmt::format("{}:{}", name, lines.back()));
    }
    if (lines.empty()) return;
    if (arguments.rate > 0) {
      const std::chrono::nanoseconds due{sent * 1'000'000'000 / arguments.rate};
      if (!stream.WaitUntil(started + due)) return;
    }
    if (!stream.Send(batch, lines)) return;
    sent += lines.size();
  }
}

struct Summary {
  std::uint64_t read;
  std::uint64_t subscriptions;
  ImportResult result;
  std::chrono::milliseconds elapsed;

  std::uint64_t PerSecond() const {
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 1));
    return result.answered() * 1000 / ms;
  }
};

void PrintJson(const Summary& summary) {
  boost::json::array errors;
  for (const auto& refusal : summary.result.first_refusals) {
    errors.push_back(
        {{"line", refusal.line}, {"code", CodeName(refusal.code)}, {"message", refusal.message}});
  }
  const boost::json::object document{{"read", summary.read},
                                     {"stored", summary.result.stored},
                                     {"duplicates", summary.result.duplicates},
                                     {"refused", summary.result.refused},
                                     {"elapsedMs", summary.elapsed.count()},
                                     {"messagesPerSecond", summary.PerSecond()},
                                     {"subscriptions", summary.subscriptions},
                                     {"errors", std::move(errors)}};
  fmt::print("{}\n", boost::json::serialize(document));
}

void PrintTable(const Summary& summary, bool color) {
  if (summary.subscriptions > 0) {
    fmt::print("Subscribed each sender to its rooms: {}.\n",
               Count(summary.subscriptions, "subscription"));
  }
  Table table({{"READ", Align::kRight},
               {"STORED", Align::kRight},
               {"DUPLICATES", Align::kRight},
               {"REFUSED", Align::kRight},
               {"SECONDS", Align::kRight},
               {"MESSAGES/S", Align::kRight}});
  table.AddRow({fmt::to_string(summary.read), fmt::to_string(summary.result.stored),
                fmt::to_string(summary.result.duplicates), fmt::to_string(summary.result.refused),
                fmt::format("{:.2f}", static_cast<double>(summary.elapsed.count()) / 1000),
                fmt::to_string(summary.PerSecond())});
  fmt::print("{}", table.Render(color));
  for (const auto& refusal : summary.result.first_refusals) {
    fmt::print("line {}: {} ({})\n", refusal.line, Escape(refusal.message), CodeName(refusal.code));
  }
  if (summary.result.refused > summary.result.first_refusals.size()) fmt::print("…\n");
}

void Run(const Context& context, const Arguments& arguments) {
  const Survey survey = Check(arguments);
  const Connection connection(context.connection);
  SubscribeSenders(connection, survey);

  const auto started = SteadyClock::now();
  Summary summary{survey.messages, survey.senders_and_rooms.size(), {}, {}};
  grpc::Status status;
  {
    ProgressBar bar(survey.messages, ProgressWidth());
    ImportStream stream(connection, bar);
    SendAll(arguments, stream);
    status = stream.Finish();
    summary.result = stream.result();
  }
  summary.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
  context.output.json ? PrintJson(summary) : PrintTable(summary, context.output.color);
  std::fflush(stdout);  // before what the errors say of it
  connection.Check("import " + arguments.path, status);
  if (summary.result.refused > 0) {
    throw CommandError(ExitStatus::kRefused,
                       fmt::format("{} of {} refused. Importing the file again is safe: what is "
                                   "stored counts as a duplicate.",
                                   summary.result.refused, Count(summary.read, "message")));
  }
}

}  // namespace

void AddImport(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "import", R"(Publish a file of lines like {"room","at","sender","text"}; again is safe)");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("FILE.jsonl", arguments->path, "The file; its line numbers become message ids")
      ->required();
  command->add_option("--rate", arguments->rate, "At most so many messages a second")
      ->check(WholeNumber())
      ->check(CLI::Range(1, 1'000'000'000))
      ->type_name("N");
  command->add_flag("--subscribe-senders", arguments->subscribe_senders,
                    "First subscribe each sender to the rooms it wrote in");
  command->footer("Example: ackctl import chat.jsonl --subscribe-senders");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
