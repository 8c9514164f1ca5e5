#include <fmt/format.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/time_format.h"
#include "tools/ackctl/time_option.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint32_t kPageSize = 1000;

struct ListArguments {
  bool undelivered = false;
  bool online = false;
  std::string prefix;
};

struct OneArguments {
  std::string client;
  std::string at;
};

std::string Presence(const v1::Client& client) {
  return std::string(client.online() ? "online" : "offline") + (client.paused() ? ", paused" : "");
}

std::string OldestUndelivered(const v1::Client& client) {
  return client.has_oldest_undelivered_at() ? FormatTime(client.oldest_undelivered_at()) : "";
}

std::string LastSeen(const v1::Client& client) {
  return client.has_last_seen_at() ? FormatTime(client.last_seen_at()) : "";
}

v1::ListClientsResponse ListAll(const Context& context, const ListArguments& arguments) {
  const Connection connection(context.connection);
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  v1::ListClientsRequest request;
  request.set_prefix(arguments.prefix);
  request.set_online_only(arguments.online);
  request.set_undelivered_only(arguments.undelivered);
  request.set_page_size(kPageSize);
  v1::ListClientsResponse all;
  do {
    v1::ListClientsResponse page;
    connection.Call("list clients", [&](grpc::ClientContext& call) {
      return stub->ListClients(&call, request, &page);
    });
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

void List(const Context& context, const ListArguments& arguments) {
  const v1::ListClientsResponse all = ListAll(context, arguments);
  if (context.output.json) {
    fmt::print("{}\n", ListToJson(all));
    return;
  }
  if (all.clients().empty()) {
    const bool filtered = arguments.undelivered || arguments.online || !arguments.prefix.empty();
    fmt::print("{}\n", filtered ? "No client matches." : "No client is known yet.");
    return;
  }
  Table table({{"CLIENT"},
               {"PRESENCE"},
               {"SUBSCRIPTIONS", Align::kRight},
               {"UNDELIVERED", Align::kRight},
               {"PARKED", Align::kRight},
               {"OLDEST UNDELIVERED"},
               {"LAST SEEN"}});
  for (const v1::Client& client : all.clients()) {
    table.AddRow({client.id(), Presence(client), fmt::to_string(client.subscriptions()),
                  fmt::to_string(client.undelivered()), fmt::to_string(client.parked()),
                  OldestUndelivered(client), LastSeen(client)});
  }
  fmt::print("{}", table.Render(context.output.color));
}

void AddSession(Facts& facts, const v1::Session& session) {
  facts.Add("Session", session.id());
  facts.Add("Transport", session.transport());
  facts.Add("Protocol", session.protocol());
  facts.Add("Remote address", session.remote_address());
  facts.Add("Connected", session.has_connected_at() ? FormatTime(session.connected_at()) : "");
  facts.Add("In flight", fmt::to_string(session.in_flight()));
  facts.Add("Sent", fmt::to_string(session.sent()));
  facts.Add("Acknowledged", fmt::to_string(session.acked()));
}

std::string Render(const v1::Client& client, bool color) {
  Facts facts;
  facts.Add("Client", client.id());
  facts.Add("Presence", Presence(client));
  if (client.paused()) {
    facts.Add("Paused", FormatTime(client.paused_at()) +
                            (client.pause_reason().empty() ? "" : ": " + client.pause_reason()));
  }
  facts.Add("Subscriptions", fmt::to_string(client.subscriptions()));
  facts.Add("Undelivered", fmt::to_string(client.undelivered()));
  facts.Add("Oldest undelivered", OldestUndelivered(client));
  facts.Add("Parked", fmt::to_string(client.parked()));
  facts.Add("Last seen", LastSeen(client));
  if (client.has_session()) AddSession(facts, client.session());
  return facts.Render(color);
}

void Show(const Context& context, const OneArguments& arguments) {
  v1::GetClientRequest request;
  request.set_client(arguments.client);
  if (!arguments.at.empty()) *request.mutable_at() = TimeOption("--at", arguments.at);
  const Connection connection(context.connection);
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  v1::Client client;
  // What was is folded from the journal, which may be long.
  const auto deadline =
      request.has_at() ? Connection::Deadline::kNone : Connection::Deadline::kUsual;
  connection.Call(
      "client " + arguments.client,
      [&](grpc::ClientContext& call) { return stub->GetClient(&call, request, &client); },
      deadline);
  if (context.output.json) {
    fmt::print("{}\n", ToJson(client));
  } else {
    fmt::print("{}", Render(client, context.output.color));
  }
}

}  // namespace

void AddClients(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("clients", "All clients and what they are owed");
  auto arguments = std::make_shared<ListArguments>();
  command->add_flag("--undelivered", arguments->undelivered, "Only with undelivered messages");
  command->add_flag("--online", arguments->online, "Only those connected now");
  command->add_option("--prefix", arguments->prefix, "Only ids that begin with this")
      ->type_name("P");
  command->footer("Example: ackctl clients --undelivered --online");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { List(context, *arguments); };
  });
}

void AddClient(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("client", "One client, with its session when online");
  auto arguments = std::make_shared<OneArguments>();
  command->add_option("CLIENT", arguments->client, "The client: user or user/device")->required();
  command->add_option("--at", arguments->at, "As it was then: RFC 3339, or -15m")
      ->type_name("TIME");
  command->footer("Example: ackctl client alice/phone");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Show(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
