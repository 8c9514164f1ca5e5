#include <fmt/format.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/note_option.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

struct Arguments {
  std::string channel;
  std::uint64_t seq = 0;
  std::string note;
};

void Run(const Context& context, const Arguments& arguments) {
  v1::RedactRequest request;
  request.set_channel(arguments.channel);
  request.set_seq(arguments.seq);
  request.set_note(arguments.note);
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  v1::RedactResponse response;
  // As long as there are clients to tell.
  connection.Call(
      "redact", [&](grpc::ClientContext& call) { return stub->Redact(&call, request, &response); },
      Connection::Deadline::kNone);
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
    return;
  }
  fmt::print(
      "Seq {} of {} is redacted: nobody is sent it any more, and its bytes are gone from the data "
      "directory by {}. Backups still have it.\n",
      arguments.seq, Escape(arguments.channel), FormatTime(response.erased_by()));
}

}  // namespace

void AddRedact(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("redact", "Erase a message's content for good");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CHANNEL", arguments->channel, "The channel")->required();
  command->add_option("SEQ", arguments->seq, "The message's place in it")
      ->required()
      ->check(CLI::PositiveNumber);
  AddNote(*command, arguments->note, "Why: told by explain");
  command->footer(
      "Its place stays, so that nobody's numbers change. Who was owed it is told by a gap, and who "
      "has\nit keeps it: publish a withdrawal (kind deleted) to have clients take it back.\n\n"
      "Example: ackctl redact room/1 42 --note 'a password, ticket 812'");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
