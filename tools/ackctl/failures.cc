#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/interrupt.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/no_match.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint32_t kPageSize = 1000;

struct Arguments {
  FailureFilterOptions filter;
  std::uint64_t limit = 100;
  bool follow = false;
};

// The width is a stream's, which has no end to measure its columns at: what is wider moves only
// its own line.
struct FailureColumn {
  Column column;
  std::size_t width;
};

const std::vector<FailureColumn>& Columns() {
  static const std::vector<FailureColumn> columns = {{{"TIME"}, 24},
                                                     {{"CLIENT"}, 16},
                                                     {{"CHANNEL"}, 16},
                                                     {{"SEQS", Align::kRight}, 9},
                                                     {{"ATTEMPT", Align::kRight}, 7},
                                                     {{"REASON"}, 14},
                                                     {{"NOW"}, 12},
                                                     {{"DETAIL"}, 0}};
  return columns;
}

// "parked"; of deliveries that have become different things, "12 acked, 3 parked".
std::string NowText(const v1::Failure& failure) {
  if (failure.now_size() == 1) return StateText(failure.now(0).state());
  std::string text;
  for (const v1::StateCount& each : failure.now()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", each.count(), StateText(each.state()));
  }
  return text;
}

std::string SeqsText(const v1::Failure& failure) {
  return failure.first_seq() == failure.last_seq()
             ? fmt::to_string(failure.first_seq())
             : fmt::format("{}-{}", failure.first_seq(), failure.last_seq());
}

std::vector<std::string> Cells(const v1::Failure& failure) {
  return {FormatTime(failure.at()),
          failure.client(),
          failure.channel(),
          SeqsText(failure),
          failure.attempt() == 0 ? "" : fmt::to_string(failure.attempt()),
          ReasonText(failure.reason()),
          NowText(failure),
          failure.detail()};
}

// Red: it will not be tried again by itself. Yellow: it will. What is acknowledged is plain.
std::string Colored(const std::string& line, const v1::Failure& failure) {
  bool for_good = false;
  bool open = false;
  for (const v1::StateCount& each : failure.now()) {
    open = open || each.state() != v1::DELIVERY_STATE_ACKED;
    for_good = for_good || each.state() == v1::DELIVERY_STATE_PARKED ||
               each.state() == v1::DELIVERY_STATE_ABANDONED;
  }
  return open ? fmt::format("\x1b[{}m{}\x1b[0m", for_good ? 31 : 33, line) : line;
}

std::string LineOf(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const FailureColumn& column = Columns()[i];
    line += Cell(cells[i].empty() ? "-" : Escape(cells[i]), column.column.align, column.width);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

void Follow(const Context& context, const Arguments& arguments) {
  for (const auto& [flag, value] : {std::pair("--since", &arguments.filter.since),
                                    std::pair("--until", &arguments.filter.until)}) {
    if (value->empty()) continue;
    throw CommandError(
        ExitStatus::kUsage,
        fmt::format("{}: with --follow it is about what happens from now on; leave it "
                    "out, or leave --follow out for what was before",
                    flag));
  }
  Interrupt interrupt;
  v1::WatchFailuresRequest request;
  *request.mutable_filter() = FilterOf(arguments.filter);
  const Connection connection(context.connection);
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  const auto call = connection.NewContext();
  interrupt.Watch(*call);
  const auto stream = stub->WatchFailures(call.get(), request);
  const Output& output = context.output;
  const auto fitting = [&output](const std::vector<std::string>& cells) {
    return output.width > 0 ? FitWidth(LineOf(cells), output.width) : LineOf(cells);
  };
  stream->WaitForInitialMetadata();  // from here on nothing is missed, if it was not refused
  const bool accepted = call->GetServerInitialMetadata().contains("ackwire-epoch");
  if (accepted && !output.json) {
    std::vector<std::string> titles;
    for (const FailureColumn& each : Columns()) titles.push_back(each.column.title);
    fmt::print("{}\n", fitting(titles));
    std::fflush(stdout);
  }
  v1::Failure failure;
  while (stream->Read(&failure)) {
    if (output.json) {
      fmt::print("{}\n", ToJson(failure));
    } else {
      const std::string line = fitting(Cells(failure));
      fmt::print("{}\n", output.color ? Colored(line, failure) : line);
    }
    std::fflush(stdout);  // who follows waits for it
  }
  const grpc::Status status = stream->Finish();
  if (!interrupt.happened()) connection.Check("watch failures", status);
}

// The newest, at most `limit` of them. A page may be empty before the end.
v1::ListFailuresResponse Newest(const Connection& connection, const v1::FailureFilter& filter,
                                std::uint64_t limit) {
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  v1::ListFailuresRequest request;
  *request.mutable_filter() = filter;
  v1::ListFailuresResponse all;
  do {
    const std::uint64_t left = limit - static_cast<std::uint64_t>(all.failures_size());
    request.set_page_size(static_cast<std::uint32_t>(std::min<std::uint64_t>(left, kPageSize)));
    v1::ListFailuresResponse page;
    connection.Call("list failures", [&](grpc::ClientContext& call) {
      return stub->ListFailures(&call, request, &page);
    });
    request.set_page_token(page.next_page_token());
    all.mutable_failures()->MergeFrom(page.failures());
    all.set_next_page_token(page.next_page_token());
  } while (!request.page_token().empty() &&
           static_cast<std::uint64_t>(all.failures_size()) < limit);
  return all;
}

void List(const Context& context, const Arguments& arguments) {
  const v1::FailureFilter filter = FilterOf(arguments.filter);
  const Connection connection(context.connection);
  const v1::ListFailuresResponse newest = Newest(connection, filter, arguments.limit);
  if (context.output.json) {
    fmt::print("{}\n", ListToJson(newest));
    return;
  }
  if (newest.failures().empty()) {
    fmt::print("No failure on record matches{}.\n{}", WhyNoneMatches(connection, filter),
               FromWhenOnRecord(connection, filter));
    return;
  }
  std::vector<Column> columns;
  for (const FailureColumn& each : Columns()) columns.push_back(each.column);
  Table table(columns);
  for (const v1::Failure& failure : newest.failures()) table.AddRow(Cells(failure));
  fmt::print("{}", table.Render(context.output.color));
  if (newest.next_page_token().empty()) {
    fmt::print("{}", FromWhenOnRecord(connection, filter));
  } else {
    fmt::print(
        "Older ones are not shown: --limit {} shows more, --since and --until other times.\n",
        arguments.limit * 10);
  }
}

}  // namespace

void AddFailures(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "failures", "Deliveries that failed, newest first, and what became of them");
  auto arguments = std::make_shared<Arguments>();
  AddFailureFilter(*command, arguments->filter);
  auto* limit = command->add_option("--limit", arguments->limit, "At most so many")
                    ->check(WholeNumber())
                    ->check(CLI::Validator(
                        [](const std::string& text) {
                          const bool zero = text.find_first_not_of('0') == std::string::npos;
                          return zero ? "it must be 1 or more" : "";
                        },
                        ""))
                    ->type_name("N")
                    ->capture_default_str();
  command
      ->add_flag("--follow", arguments->follow,
                 "What fails from now on, as it happens; Ctrl-C ends")
      ->excludes(limit);
  command->footer(
      "A line is what one event made fail for one client: a nack, a timeout, a connection's end.\n"
      "NOW is what has become of these deliveries since.\n\n"
      "Example: ackctl failures --client alice/phone --since -1h\n"
      "         ackctl failures --open --reason max_attempts --reason rejected\n"
      "         ackctl failures --follow --channel 'room/*'");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) {
      if (arguments->follow) {
        Follow(context, *arguments);
      } else {
        List(context, *arguments);
      }
    };
  });
}

}  // namespace ackwire::ctl
