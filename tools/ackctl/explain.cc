#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"
#include "tools/ackctl/time_option.h"

namespace ackwire::ctl {
namespace {

struct Arguments {
  std::string client;
  std::string channel;
  std::uint64_t seq = 0;
  std::string id;
  std::string at;
};

std::string RenderFacts(const v1::Delivery& delivery, bool color) {
  Facts facts;
  facts.Add("Client", delivery.client());
  const bool exists = delivery.seq() != 0;
  facts.Add("Message", exists ? fmt::format("{} seq {}", delivery.channel(), delivery.seq())
                              : fmt::format("{}, no seq", delivery.channel()));
  facts.Add("Message id", delivery.message_id());
  facts.Add("State", StateText(delivery.state()));
  facts.Add("Reason", ReasonText(delivery.reason()));
  if (delivery.blocked_by_seq() != 0) {
    facts.Add("Waits for", fmt::format("seq {}", delivery.blocked_by_seq()));
  }
  const auto add_time = [&](const char* name, bool is_set, const auto& time) {
    if (is_set) facts.Add(name, FormatTime(time));
  };
  add_time("Published", delivery.has_published_at(), delivery.published_at());
  add_time("Next attempt", delivery.has_next_attempt_at(), delivery.next_attempt_at());
  add_time("Settled", delivery.has_settled_at(), delivery.settled_at());
  return facts.Render(color);
}

std::string AttemptText(const v1::Attempt& attempt, std::uint32_t attempts_max) {
  // Attempts that do not count (a disconnect, a recall) may go past the maximum.
  if (attempts_max == 0 || attempt.number() > attempts_max) return fmt::to_string(attempt.number());
  return fmt::format("{} of {}", attempt.number(), attempts_max);
}

std::string RenderAttempts(const v1::Delivery& delivery, bool color) {
  if (delivery.attempts().empty()) return "No attempt is on record.\n";
  const bool any_replay =
      std::any_of(delivery.attempts().begin(), delivery.attempts().end(),
                  [](const v1::Attempt& attempt) { return !attempt.replay().empty(); });
  std::vector<Column> columns = {
      {"ATTEMPT", Align::kRight}, {"SENT"}, {"ENDED"}, {"SESSION"}, {"TRANSPORT"}, {"REASON"}};
  if (any_replay) columns.push_back({"REPLAY"});
  columns.push_back({"DETAIL"});
  Table table(columns);
  for (const v1::Attempt& attempt : delivery.attempts()) {
    std::vector<std::string> cells = {AttemptText(attempt, delivery.attempts_max()),
                                      attempt.has_sent_at() ? FormatTime(attempt.sent_at()) : "",
                                      attempt.has_ended_at() ? FormatTime(attempt.ended_at()) : "",
                                      attempt.session(),
                                      attempt.transport(),
                                      ReasonText(attempt.reason())};
    if (any_replay) cells.push_back(attempt.replay());
    cells.push_back(attempt.detail());
    table.AddRow(cells);
  }
  return table.Render(color);
}

v1::ExplainDeliveryRequest RequestFor(const Arguments& arguments) {
  if ((arguments.seq == 0) == arguments.id.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "explain: name the message by SEQ (from 1) or by --id ID, one of the two");
  }
  v1::ExplainDeliveryRequest request;
  request.set_client(arguments.client);
  request.set_channel(arguments.channel);
  request.set_seq(arguments.seq);
  request.set_message_id(arguments.id);
  if (!arguments.at.empty()) *request.mutable_at() = TimeOption("--at", arguments.at);
  return request;
}

void Run(const Context& context, const Arguments& arguments) {
  const v1::ExplainDeliveryRequest request = RequestFor(arguments);
  const Connection connection(context.connection);
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  v1::Delivery delivery;
  // What was is folded from the journal, which may be long.
  const auto deadline =
      request.has_at() ? Connection::Deadline::kNone : Connection::Deadline::kUsual;
  connection.Call(
      fmt::format("explain {} {}", arguments.client, arguments.channel),
      [&](grpc::ClientContext& call) { return stub->ExplainDelivery(&call, request, &delivery); },
      deadline);
  if (context.output.json) {
    fmt::print("{}\n", ToJson(delivery));
    return;
  }
  const bool color = context.output.color;
  fmt::print("{}\n\n{}\n{}", Escape(delivery.explanation()), RenderFacts(delivery, color),
             RenderAttempts(delivery, color));
}

}  // namespace

void AddExplain(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("explain", "Why a client has, or does not have, a message");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CLIENT", arguments->client, "The client: user or user/device")->required();
  command->add_option("CHANNEL", arguments->channel, "The message's channel")->required();
  command->add_option("SEQ", arguments->seq, "Its seq, or instead of it --id")
      ->check(WholeNumber())
      ->type_name("");
  command->add_option("--id", arguments->id, "Its message id")->type_name("ID");
  command->add_option("--at", arguments->at, "As it was then: RFC 3339, or -15m")
      ->type_name("TIME");
  command->footer("Example: ackctl explain alice/phone room/1 42");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
