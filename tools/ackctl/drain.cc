#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

void Run(const Context& context, const std::string& spread) {
  v1::DrainRequest request;
  if (!spread.empty()) {
    const auto duration = ParseDuration(spread);
    if (!duration) {
      throw CommandError(ExitStatus::kUsage,
                         "--spread: \"" + spread +
                             "\" is no duration: give a whole number and ms, s, m or h, such as "
                             "20s");
    }
    *request.mutable_spread() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(duration->count());
  }
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  v1::DrainResponse response;
  connection.Call(
      "drain", [&](grpc::ClientContext& call) { return stub->Drain(&call, request, &response); });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
    return;
  }
  fmt::print(
      "The server drains, with {}, and then ends. `ackctl status` tells how many are left; "
      "SIGINT ends it at once.\n",
      Count(response.sessions(), "session"));
}

}  // namespace

void AddDrain(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("drain", "Empty the server bit by bit, then end it, as SIGTERM does");
  auto spread = std::make_shared<std::string>();
  command
      ->add_option("--spread", *spread,
                   "Close the sessions within so long, such as 20s, and less than the server's "
                   "--drain-grace leaves of its --drain-timeout (default: its --drain-spread)")
      ->type_name("DURATION");
  command->footer(
      "1. At once /readyz is 503; for --drain-grace all goes on, so that a load balancer can "
      "notice.\n"
      "2. Then no new session is opened. Each client is told when to come again, and its session\n"
      "   closed (1012) at a random moment within the spread. What is in flight then is sent "
      "again\n"
      "   by the next server, and does not count as failed.\n"
      "3. Publishes, reads and acknowledgements are taken until the last session is closed. Then "
      "the\n"
      "   server ends; at the latest after --drain-timeout.\n\n"
      "It cannot be undone. Of a server that drains already it changes nothing, and answers the "
      "same.\nThe next server starts on the same data directory once this one has ended.\n\n"
      "Example: ackctl drain --spread 30s      # many clients, or slow ones");
  command->callback(
      [&chosen, spread] { chosen = [spread](const Context& context) { Run(context, *spread); }; });
}

}  // namespace ackwire::ctl
