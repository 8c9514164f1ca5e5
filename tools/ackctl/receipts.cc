#include <fmt/format.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

struct Arguments {
  std::string channel;
  std::uint64_t seq = 0;
  std::string id;
  std::uint32_t clients = 100;
};

v1::GetReceiptsRequest RequestFor(const Arguments& arguments) {
  if ((arguments.seq == 0) == arguments.id.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "receipts: name the message by SEQ (from 1) or by --id ID, one of the two");
  }
  v1::GetReceiptsRequest request;
  request.set_channel(arguments.channel);
  request.set_seq(arguments.seq);
  request.set_message_id(arguments.id);
  request.set_max_clients(arguments.clients);
  return request;
}

// What a chat shows beside the message.
std::string_view MarkOf(const v1::Receipts& receipts) {
  const bool all = receipts.owed() > 0 && receipts.users_reached() == receipts.users_owed();
  if (all) return "two ticks";
  return receipts.failed() > 0 ? "(!)" : "one tick";
}

std::string Summary(const v1::Receipts& receipts, const Arguments& arguments) {
  const std::string message = arguments.id.empty()
                                  ? fmt::format("{} seq {}", arguments.channel, arguments.seq)
                                  : fmt::format("{} {}", arguments.channel, arguments.id);
  if (receipts.owed() == 0) {
    return fmt::format("{}: {}: it is stored, and nobody was subscribed to it", message,
                       MarkOf(receipts));
  }
  return fmt::format("{}: {}: {} of {} reached; of {}, {} acknowledged, {} pending, {} failed",
                     message, MarkOf(receipts), receipts.users_reached(),
                     Count(receipts.users_owed(), "user"), Count(receipts.owed(), "client"),
                     receipts.acked(), receipts.pending(), receipts.failed());
}

std::string RenderClients(const v1::Receipts& receipts, bool color) {
  Table table({{"CLIENT"},
               {"STATE"},
               {"REASON"},
               {"ATTEMPTS", Align::kRight},
               {"SETTLED"},
               {"NEXT ATTEMPT"}});
  for (const v1::Delivery& each : receipts.deliveries()) {
    table.AddRow({each.client(), StateText(each.state()), ReasonText(each.reason()),
                  fmt::to_string(each.attempts_size()),
                  each.has_settled_at() ? FormatTime(each.settled_at()) : "",
                  each.has_next_attempt_at() ? FormatTime(each.next_attempt_at()) : ""});
  }
  return table.Render(color);
}

void Run(const Context& context, const Arguments& arguments) {
  const v1::GetReceiptsRequest request = RequestFor(arguments);
  const Connection connection(context.connection);
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  v1::Receipts receipts;
  connection.Call(fmt::format("receipts of {}", arguments.channel), [&](grpc::ClientContext& call) {
    return stub->GetReceipts(&call, request, &receipts);
  });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(receipts));
    return;
  }
  fmt::print("{}\n", Escape(Summary(receipts, arguments)));
  if (receipts.deliveries().empty()) return;
  fmt::print("\n{}", RenderClients(receipts, context.output.color));
  const auto shown = static_cast<std::uint64_t>(receipts.deliveries_size());
  if (shown < receipts.owed()) {
    fmt::print("and {} more; those that failed come first, then the pending ones (--clients N)\n",
               receipts.owed() - shown);
  }
}

}  // namespace

void AddReceipts(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("receipts", "Who has acknowledged a message, and who has not");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CHANNEL", arguments->channel, "The message's channel")->required();
  command->add_option("SEQ", arguments->seq, "Its seq, or instead of it --id")
      ->check(WholeNumber())
      ->type_name("");
  command->add_option("--id", arguments->id, "Its message id")->type_name("ID");
  command
      ->add_option("--clients", arguments->clients,
                   "Clients to list, at most 1000: the failed first, then the pending")
      ->check(WholeNumber())
      ->type_name("N")
      ->capture_default_str();
  command->footer(
      "What a chat shows. One tick: the message is stored. Two ticks: each user that it is owed "
      "to\n"
      "has acknowledged it, on one device at least. (!): there is a user it has not reached, and\n"
      "for a client it has failed: out of attempts, refused, expired, or gone without it.\n"
      "Why that is so, of one client: ackctl explain CLIENT CHANNEL SEQ.\n"
      "Example: ackctl receipts room/1 42");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
