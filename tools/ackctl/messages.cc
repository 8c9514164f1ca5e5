#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>

#include "ackwire/v1/messages.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/interrupt.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/message_line.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

// One byte more than a payload may have: enough for the server to refuse it by
// the name of its limit, and a bound on what an endless pipe costs here.
constexpr std::size_t kStdinBytesMax = 256 * 1024 + 1;

struct PublishArguments {
  std::string channel;
  std::optional<std::string> payload;
  std::string id;
  std::uint32_t type = 0;
  std::optional<std::string> content_type;
  std::string sender;
};

struct ReadArguments {
  std::string channel;
  bool log = false;
  std::uint64_t from = 0;
  std::uint64_t limit = 0;
  bool reverse = false;
  bool follow = false;
};

std::string ReadStdin() {
  std::string text(kStdinBytesMax, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return text;
}

std::string PayloadOf(const PublishArguments& arguments) {
  if (arguments.payload && *arguments.payload != "-") return *arguments.payload;
  if (!arguments.payload && isatty(STDIN_FILENO) != 0) {
    throw CommandError(ExitStatus::kUsage,
                       "publish: no PAYLOAD: give it as an argument, or pipe it in");
  }
  return ReadStdin();
}

void Publish(const Context& context, const PublishArguments& arguments) {
  v1::PublishRequest request;
  request.set_channel(arguments.channel);
  request.set_message_id(arguments.id);
  request.set_type(arguments.type);
  request.set_sender(arguments.sender);
  request.set_payload(PayloadOf(arguments));
  request.set_content_type(arguments.content_type.value_or(
      IsJson(request.payload()) ? "application/json" : "text/plain"));

  const Connection connection(context.connection);
  const auto stub = v1::MessageService::NewStub(connection.channel());
  v1::PublishResponse response;
  connection.Call("publish to " + arguments.channel, [&](grpc::ClientContext& call) {
    return stub->Publish(&call, request, &response);
  });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
    return;
  }
  Facts facts;
  facts.Add("Channel", response.channel());
  facts.Add("Seq", fmt::to_string(response.seq()));
  facts.Add("Position", fmt::to_string(response.position()));
  facts.Add("Message id", response.message_id());
  facts.Add("Published", response.has_published_at() ? FormatTime(response.published_at()) : "");
  facts.Add("Duplicate", response.duplicate() ? "yes: it was stored before, as this" : "no");
  fmt::print("{}", facts.Render(context.output.color));
}

void Read(const Context& context, const ReadArguments& arguments) {
  if (arguments.log != arguments.channel.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "read: say what: a CHANNEL, or --log for all, one of the two");
  }
  std::optional<Interrupt> interrupt;
  if (arguments.follow) interrupt.emplace();

  v1::ReadRequest request;
  request.set_channel(arguments.channel);
  request.set_from(arguments.from);
  request.set_limit(arguments.limit);
  request.set_reverse(arguments.reverse);
  request.set_follow(arguments.follow);

  const std::string source = arguments.log ? "the log" : arguments.channel;
  const Connection connection(context.connection);
  const auto stub = v1::MessageService::NewStub(connection.channel());
  const auto call = connection.NewContext();
  if (interrupt) interrupt->Watch(*call);
  const auto stream = stub->Read(call.get(), request);
  MessageLines lines({.with_log_place = arguments.log,
                      .color = context.output.color,
                      .width = context.output.width});
  v1::ReadResponse response;
  std::uint64_t shown = 0;
  while (stream->Read(&response)) {
    for (const v1::Message& message : response.messages()) {
      if (!context.output.json && shown == 0) fmt::print("{}\n", lines.Titles());
      fmt::print("{}\n", context.output.json ? ToJson(message) : lines.Line(message));
      ++shown;
    }
    std::fflush(stdout);  // who follows waits for it
  }
  const grpc::Status status = stream->Finish();
  const bool ended_by_us = interrupt && interrupt->happened();
  interrupt.reset();  // before the call that it watches goes away
  if (!ended_by_us) connection.Check("read " + source, status);
  if (shown == 0 && !context.output.json) fmt::print("No message in {}.\n", Escape(source));
}

}  // namespace

void AddPublish(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("publish", "Publish one message");
  auto arguments = std::make_shared<PublishArguments>();
  command->add_option("CHANNEL", arguments->channel, "The channel to publish to")->required();
  command->add_option("PAYLOAD", arguments->payload, "What to publish; - or nothing reads stdin");
  command->add_option("--id", arguments->id, "Message id: publishing it again stores nothing twice")
      ->type_name("ID");
  command->add_option("--type", arguments->type, "The application's message type")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  command
      ->add_option("--content-type", arguments->content_type,
                   "Default: application/json if the payload is JSON, else text/plain")
      ->type_name("T");
  command->add_option("--sender", arguments->sender, "Publish in this user's name")->type_name("S");
  command->footer("Example: ackctl publish room/1 '{\"text\":\"hi\"}' --id order-7");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Publish(context, *arguments); };
  });
}

void AddRead(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("read", "The messages of a channel, or of the whole log");
  auto arguments = std::make_shared<ReadArguments>();
  auto* channel = command->add_option("CHANNEL", arguments->channel, "The channel to read");
  command->add_flag("--log", arguments->log, "Instead: all channels, in order of position")
      ->excludes(channel);
  command->add_option("--from", arguments->from, "First seq (with --log: position) to show")
      ->check(WholeNumber())
      ->type_name("N");
  command->add_option("--limit", arguments->limit, "At most so many")
      ->check(WholeNumber())
      ->type_name("N");
  auto* reverse = command->add_flag("--reverse", arguments->reverse, "Newest first");
  command->add_flag("--follow", arguments->follow, "Go on with what is published, until Ctrl-C")
      ->excludes(reverse);
  command->footer("Example: ackctl read room/1 --from 100 --follow");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Read(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
