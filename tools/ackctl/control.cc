#include <fmt/format.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/no_match.h"
#include "tools/ackctl/note_option.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

// What an operator does to a client, and to what is parked.
namespace ackwire::ctl {
namespace {

struct ClientArguments {
  std::string client;
  std::string reason;
};

struct DismissArguments {
  FailureFilterOptions filter;
  std::string note;
};

std::string Waiting(const v1::Client& client) {
  return Count(client.undelivered(), "undelivered message");
}

// The client as it was before the call, and as it is now.
struct Change {
  v1::Client before;
  v1::Client now;
};

std::string PausedText(const Change& change) {
  const v1::Client& client = change.now;
  if (change.before.paused()) {
    const std::string& why = client.pause_reason();
    return fmt::format("{} was paused already, since {}{}: nothing changed. It has {}.",
                       Escape(client.id()), FormatTime(client.paused_at()),
                       why.empty() ? "" : " (" + Escape(why) + ")", Waiting(client));
  }
  return fmt::format("{} is paused, with {}; `ackctl resume {}` goes on.", Escape(client.id()),
                     Waiting(client), Escape(client.id()));
}

std::string ResumedText(const Change& change) {
  const v1::Client& client = change.now;
  if (!change.before.paused()) {
    return fmt::format("{} was not paused: nothing changed. It has {}{}.", Escape(client.id()),
                       Waiting(client), client.online() ? "" : ", and is not connected");
  }
  return fmt::format("{} is sent messages again{}: {} to go.", Escape(client.id()),
                     client.online() ? "" : " when it connects", Waiting(client));
}

std::string DisconnectedText(const Change& change) {
  const v1::Client& client = change.now;
  if (!change.before.online()) {
    return fmt::format("{} was not connected: nothing changed. It has {}.", Escape(client.id()),
                       Waiting(client));
  }
  const char* how = client.online() ? "has connected again" : "is not connected now";
  return fmt::format("{} {}; it has {}.", Escape(client.id()), how, Waiting(client));
}

v1::Client ClientNow(const Connection& connection, const std::string& what,
                     const std::string& name) {
  v1::GetClientRequest request;
  request.set_client(name);
  v1::Client client;
  const auto stub = v1::DeliveryService::NewStub(connection.channel());
  connection.Call(
      what, [&](grpc::ClientContext& call) { return stub->GetClient(&call, request, &client); });
  return client;
}

// Pause, resume and disconnect differ in the call, and in the line that tells what came of it.
template <typename Request>
struct Control {
  const char* verb;
  grpc::Status (v1::AdminService::Stub::*call)(grpc::ClientContext*, const Request&, v1::Client*);
  std::string (*text)(const Change&);
};

template <typename Request>
void Run(const Context& context, const ClientArguments& arguments,
         const Control<Request>& control) {
  Request request;
  request.set_client(arguments.client);
  request.set_reason(arguments.reason);
  const Connection connection(context.connection);
  const std::string what = fmt::format("{} {}", control.verb, arguments.client);
  Change change;
  if (!context.output.json) change.before = ClientNow(connection, what, arguments.client);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  connection.Call(what, [&](grpc::ClientContext& call) {
    return (stub.get()->*control.call)(&call, request, &change.now);
  });
  fmt::print("{}\n", context.output.json ? ToJson(change.now) : control.text(change));
}

struct Help {
  const char* about;
  const char* reason;
  const char* footer;
};

template <typename Request>
void AddControl(CLI::App& app, Chosen& chosen, const Control<Request>& control, const Help& help) {
  CLI::App* command = app.add_subcommand(control.verb, help.about);
  auto arguments = std::make_shared<ClientArguments>();
  command->add_option("CLIENT", arguments->client, "The client: user or user/device")->required();
  command->add_option("--reason", arguments->reason, help.reason)->type_name("TEXT");
  command->footer(help.footer);
  command->callback([&chosen, arguments, control] {
    chosen = [arguments, control](const Context& context) { Run(context, *arguments, control); };
  });
}

void Dismiss(const Context& context, const DismissArguments& arguments) {
  v1::DismissFailuresRequest request;
  *request.mutable_filter() = FilterOf(arguments.filter);
  request.set_note(arguments.note);
  const FailureFilterOptions& filter = arguments.filter;
  if (filter.client.empty() && filter.channel.empty() && filter.reasons.empty() &&
      filter.since.empty() && filter.until.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "dismiss: say what: --client, --channel, --reason, --since or --until; "
                       "--channel '*' is all that is parked");
  }
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  v1::DismissFailuresResponse response;
  connection.Call(
      "dismiss",
      [&](grpc::ClientContext& call) { return stub->DismissFailures(&call, request, &response); },
      Connection::Deadline::kNone);
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
  } else if (response.dismissed() == 0) {
    fmt::print("Nothing that is parked matches{}: 0 dismissed.\n",
               WhyNoneMatches(connection, request.filter()));
  } else {
    fmt::print("{} dismissed: no replay of failures delivers them again.\n",
               response.dismissed() == 1
                   ? "1 parked delivery"
                   : fmt::format("{} parked deliveries", response.dismissed()));
  }
}

void Forget(const Context& context, const ClientArguments& arguments) {
  v1::ForgetClientRequest request;
  request.set_client(arguments.client);
  request.set_note(arguments.reason);
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  v1::ForgetClientResponse response;
  connection.Call(fmt::format("forget {}", arguments.client), [&](grpc::ClientContext& call) {
    return stub->ForgetClient(&call, request, &response);
  });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(response));
    return;
  }
  fmt::print(
      "{} is forgotten: {} ended, {} abandoned. What was on record of it is gone from the data "
      "directory by {}, but for names in RocksDB's list of files, which the next start writes "
      "anew. Backups still have it; messages that it published stay.\n",
      Escape(arguments.client), Count(response.subscriptions(), "subscription"),
      Count(response.abandoned(), "undelivered message"), FormatTime(response.erased_by()));
}

}  // namespace

void AddPause(CLI::App& app, Chosen& chosen) {
  AddControl<v1::PauseClientRequest>(
      app, chosen, {"pause", &v1::AdminService::Stub::PauseClient, &PausedText},
      {"Send a client nothing more until it is resumed; nothing is lost",
       "Why: told by explain and client",
       "What is in flight may still be acknowledged. It lasts over reconnects and restarts.\n\n"
       "Example: ackctl pause alice/phone --reason 'its database is away'"});
}

void AddResume(CLI::App& app, Chosen& chosen) {
  AddControl<v1::ResumeClientRequest>(
      app, chosen, {"resume", &v1::AdminService::Stub::ResumeClient, &ResumedText},
      {"Send a paused client what it is owed, at once", "Why: kept in the journal",
       "Example: ackctl resume alice/phone"});
}

void AddDisconnect(CLI::App& app, Chosen& chosen) {
  AddControl<v1::DisconnectClientRequest>(
      app, chosen, {"disconnect", &v1::AdminService::Stub::DisconnectClient, &DisconnectedText},
      {"Close a client's connection (4004); it may come back at once",
       "Why: told to the client, and by explain; at most 123 bytes",
       "What is in flight is sent again when it connects, and does not count as failed. To have it "
       "sent\nnothing, pause it first.\n\n"
       "Example: ackctl disconnect alice/phone --reason 'stuck since noon'"});
}

void AddForget(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "forget", "Erase a client, and all that is recorded of it, for good; it asks nothing");
  auto arguments = std::make_shared<ClientArguments>();
  command->add_option("CLIENT", arguments->client, "The client: user or user/device")->required();
  command->add_option("--note", arguments->reason, "Why: kept in the journal")->type_name("TEXT");
  command->footer(
      "Its connection is closed, its subscriptions end, and whoever asks for it is told that it\n"
      "has never been seen. If it connects again it is a new client, without subscriptions. What\n"
      "it is part of is kept without its name: totals of replays, ids of failures. Messages are\n"
      "erased one by one, with `ackctl redact`.\n\n"
      "Example: ackctl forget alice/phone --note 'asked for on 3 May, ticket 812'");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Forget(context, *arguments); };
  });
}

void AddDismiss(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("dismiss", "Give up parked deliveries that nobody wants any more");
  auto arguments = std::make_shared<DismissArguments>();
  AddFailureFilter(*command, arguments->filter);
  AddNote(*command, arguments->note, "Why: told by explain and failures");
  command->footer(
      "Of what matches as in `ackctl failures`, all that is parked now becomes abandoned: it is "
      "not\n"
      "delivered any more, and no replay of failures brings it back. It asks nothing: see first "
      "with\n"
      "`ackctl failures` and the same options what that is.\n\n"
      "Example: ackctl dismiss --client alice/phone --note 'phone was lost'\n"
      "         ackctl dismiss --channel 'orders/*' --reason rejected --since -1d --note 'bug "
      "812'\n"
      "         ackctl dismiss --channel '*' --note 'test data'");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Dismiss(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
