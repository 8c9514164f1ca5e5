#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint32_t kPageSize = 1000;

struct Arguments {
  std::string client;
  std::string channel;
  std::string from = "new";
};

Table NewTable() {
  return Table({{"CLIENT"},
                {"CHANNEL"},
                {"START", Align::kRight},
                {"FLOOR", Align::kRight},
                {"LAST", Align::kRight},
                {"UNDELIVERED", Align::kRight},
                {"PARKED", Align::kRight},
                {"CREATED"}});
}

void AddRow(Table& table, const v1::Subscription& one) {
  table.AddRow({one.client(), one.channel(), fmt::to_string(one.start_seq()),
                fmt::to_string(one.floor()), fmt::to_string(one.last_seq()),
                fmt::to_string(one.undelivered()), fmt::to_string(one.parked()),
                one.has_created_at() ? FormatTime(one.created_at()) : ""});
}

v1::SubscribeRequest RequestFor(const Arguments& arguments) {
  v1::SubscribeRequest request;
  request.set_client(arguments.client);
  request.set_channel(arguments.channel);
  const std::string& from = arguments.from;
  if (from == "new") {
    request.set_from_new(true);
  } else if (from == "first") {
    request.set_from_first(true);
  } else {
    std::uint64_t seq = 0;
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), seq);
    if (error != std::errc() || end != from.data() + from.size()) {
      throw CommandError(ExitStatus::kUsage,
                         fmt::format("--from: \"{}\" is neither new, first nor a seq", from));
    }
    request.set_from_seq(seq);
  }
  return request;
}

void Subscribe(const Context& context, const Arguments& arguments) {
  const v1::SubscribeRequest request = RequestFor(arguments);
  const Connection connection(context.connection);
  const auto stub = v1::SubscriptionService::NewStub(connection.channel());
  v1::Subscription subscription;
  connection.Call(
      fmt::format("subscribe {} to {}", arguments.client, arguments.channel),
      [&](grpc::ClientContext& call) { return stub->Subscribe(&call, request, &subscription); });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(subscription));
    return;
  }
  Table table = NewTable();
  AddRow(table, subscription);
  fmt::print("{}", table.Render(context.output.color));
}

void Unsubscribe(const Context& context, const Arguments& arguments) {
  v1::UnsubscribeRequest request;
  request.set_client(arguments.client);
  request.set_channel(arguments.channel);
  const Connection connection(context.connection);
  const auto stub = v1::SubscriptionService::NewStub(connection.channel());
  v1::UnsubscribeResponse response;
  connection.Call(
      fmt::format("unsubscribe {} from {}", arguments.client, arguments.channel),
      [&](grpc::ClientContext& call) { return stub->Unsubscribe(&call, request, &response); });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
    return;
  }
  fmt::print("{} is owed nothing more of {}; {} abandoned.\n", Escape(arguments.client),
             Escape(arguments.channel), Count(response.abandoned(), "undelivered message"));
}

v1::ListSubscriptionsResponse ListAll(const Context& context, const Arguments& arguments) {
  const Connection connection(context.connection);
  const auto stub = v1::SubscriptionService::NewStub(connection.channel());
  v1::ListSubscriptionsRequest request;
  request.set_client(arguments.client);
  request.set_channel(arguments.channel);
  request.set_page_size(kPageSize);
  v1::ListSubscriptionsResponse all;
  do {
    v1::ListSubscriptionsResponse page;
    connection.Call("list subscriptions", [&](grpc::ClientContext& call) {
      return stub->ListSubscriptions(&call, request, &page);
    });
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

void List(const Context& context, const Arguments& arguments) {
  if (arguments.client.empty() && arguments.channel.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "subscriptions: say whose: --client CLIENT, --channel CHANNEL, or both");
  }
  const v1::ListSubscriptionsResponse all = ListAll(context, arguments);
  if (context.output.json) {
    fmt::print("{}\n", ListToJson(all));
    return;
  }
  if (all.subscriptions().empty()) {
    fmt::print("No subscription{}{}.\n",
               arguments.client.empty() ? "" : " of " + Escape(arguments.client),
               arguments.channel.empty() ? "" : " to " + Escape(arguments.channel));
    return;
  }
  Table table = NewTable();
  for (const v1::Subscription& one : all.subscriptions()) AddRow(table, one);
  fmt::print("{}", table.Render(context.output.color));
}

// The two positional arguments that subscribe and unsubscribe share.
void AddPair(CLI::App& command, Arguments& arguments) {
  command.add_option("CLIENT", arguments.client, "The client: user or user/device")->required();
  command.add_option("CHANNEL", arguments.channel, "The channel")->required();
}

}  // namespace

void AddSubscribe(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("subscribe", "Owe a client the messages of a channel from now on");
  auto arguments = std::make_shared<Arguments>();
  AddPair(*command, *arguments);
  command
      ->add_option("--from", arguments->from,
                   "new: what is published after this; first: all that is stored; or a seq. "
                   "Counts only when the subscription does not exist yet")
      ->type_name("new|first|SEQ")
      ->capture_default_str();
  command->footer("Example: ackctl subscribe alice/phone room/1 --from first");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Subscribe(context, *arguments); };
  });
}

void AddUnsubscribe(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "unsubscribe", "End a subscription; what is undelivered is abandoned and recorded as such");
  auto arguments = std::make_shared<Arguments>();
  AddPair(*command, *arguments);
  command->footer("Example: ackctl unsubscribe alice/phone room/1");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Unsubscribe(context, *arguments); };
  });
}

void AddSubscriptions(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("subscriptions", "The subscriptions of a client, a channel, or both");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--client", arguments->client, "Only of this client")->type_name("CLIENT");
  command->add_option("--channel", arguments->channel, "Only to this channel")
      ->type_name("CHANNEL");
  command->footer("Example: ackctl subscriptions --channel room/1");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { List(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
