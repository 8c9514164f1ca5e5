#include <fmt/format.h>

#include <memory>

#include "ackwire/v1/messages.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

struct Arguments {
  std::string prefix;
  bool unheard = false;
};

v1::ListChannelsResponse ListAll(const Context& context, const Arguments& arguments) {
  constexpr std::uint32_t kPageSize = 1000;
  const Connection connection(context.connection);
  const auto stub = v1::MessageService::NewStub(connection.channel());
  v1::ListChannelsRequest request;
  request.set_prefix(arguments.prefix);
  request.set_page_size(kPageSize);
  v1::ListChannelsResponse all;
  do {
    v1::ListChannelsResponse page;
    connection.Call("list channels", [&](grpc::ClientContext& call) {
      return stub->ListChannels(&call, request, &page);
    });
    request.set_page_token(page.next_page_token());
    for (v1::Channel& channel : *page.mutable_channels()) {
      if (!arguments.unheard || channel.unheard() > 0) all.add_channels()->Swap(&channel);
    }
  } while (!request.page_token().empty());
  return all;
}

void Run(const Context& context, const Arguments& arguments) {
  const v1::ListChannelsResponse all = ListAll(context, arguments);
  if (context.output.json) {
    fmt::print("{}\n", ListToJson(all));
    return;
  }
  if (all.channels().empty()) {
    const bool filtered = arguments.unheard || !arguments.prefix.empty();
    fmt::print("{}\n", filtered ? "No channel matches." : "There is no channel yet.");
    return;
  }
  Table table({{"CHANNEL"},
               {"FIRST", Align::kRight},
               {"LAST", Align::kRight},
               {"SUBSCRIPTIONS", Align::kRight},
               {"UNHEARD", Align::kRight},
               {"LAST PUBLISHED"}});
  for (const v1::Channel& channel : all.channels()) {
    table.AddRow({channel.name(), fmt::to_string(channel.first_seq()),
                  fmt::to_string(channel.last_seq()), fmt::to_string(channel.subscriptions()),
                  fmt::to_string(channel.unheard()),
                  channel.has_last_published_at() ? FormatTime(channel.last_published_at()) : ""});
  }
  fmt::print("{}", table.Render(context.output.color));
}

}  // namespace

void AddChannels(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("channels", "The channels there are, by name");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--prefix", arguments->prefix, "Only those whose names begin so");
  command->add_flag("--unheard", arguments->unheard,
                    "Only those with messages that met no subscriber");
  command->footer(
      "FIRST is the oldest seq that is still stored. UNHEARD counts the messages that were\n"
      "published while nobody was subscribed: often the name of a channel is misspelled.\n\n"
      "Example: ackctl channels --prefix room/\n"
      "         ackctl channels --unheard");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
