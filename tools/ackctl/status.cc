#include <fmt/format.h>

#include <chrono>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

using std::chrono::milliseconds;

std::string StartedText(const google::protobuf::Timestamp& started_at) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto up =
      std::chrono::duration_cast<milliseconds>(now) - milliseconds{started_at.seconds() * 1000};
  return fmt::format("{} (up {})", FormatTime(started_at), FormatDuration(up));
}

std::string WritesText(const v1::ServerStatus& status) {
  if (status.accepting_writes()) return "yes";
  return status.not_accepting_because().empty() ? "no" : "no: " + status.not_accepting_because();
}

std::string OutboxText(const v1::ServerStatus& status) {
  if (status.outbox_depth() == 0) return "0";
  const milliseconds age{ToMilliseconds(status.outbox_oldest_age())};
  return fmt::format("{}, the oldest {} old", status.outbox_depth(), FormatDuration(age));
}

// "12.4 MiB, from 2026-10-28T09:00:00.000Z on, which is held by …"
std::string JournalText(const v1::JournalStatus& journal) {
  std::string text = FormatBytes(journal.bytes());
  if (journal.trimmed() && journal.has_begins_at()) {
    text += fmt::format(", from {} on", FormatTime(journal.begins_at()));
  }
  if (!journal.held_by().empty()) {
    text += "; kept longer than asked for because of " + journal.held_by();
  }
  return text;
}

std::string Render(const v1::ServerStatus& status, bool color) {
  Facts facts;
  facts.Add("Version", status.version());
  facts.Add("Started", status.has_started_at() ? StartedText(status.started_at()) : "");
  facts.Add("Accepting writes", WritesText(status));
  if (!status.damage().empty()) facts.Add("Damage", status.damage());
  facts.Add("Draining", status.draining() ? "yes" : "no");
  facts.Add("Epoch", status.epoch());
  facts.Add("Last position", fmt::to_string(status.last_position()));
  facts.Add("Outbox", OutboxText(status));
  facts.Add("Undelivered", fmt::format("{}, of these {} to clients online", status.undelivered(),
                                       status.undelivered_online()));
  facts.Add("Unheard",
            fmt::format("{} that met no subscriber", Count(status.unheard(), "message")));
  facts.Add("Parked", fmt::to_string(status.parked()));
  facts.Add("Sessions", fmt::to_string(status.sessions()));
  facts.Add("Clients", fmt::to_string(status.clients()));
  facts.Add("Channels", fmt::to_string(status.channels()));
  facts.Add("Data on disk", FormatBytes(status.data_bytes()));
  facts.Add("Journal", JournalText(status.journal()));
  facts.Add("Disk free", FormatBytes(status.free_bytes()));
  return facts.Render(color);
}

void Run(const Context& context) {
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  v1::ServerStatus status;
  connection.Call("status", [&](grpc::ClientContext& call) {
    return stub->GetStatus(&call, v1::GetStatusRequest(), &status);
  });
  if (context.output.json) {
    fmt::print("{}\n", ToJson(status));
  } else {
    fmt::print("{}", Render(status, context.output.color));
  }
}

}  // namespace

void AddStatus(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("status", "How the server is");
  command->footer("Example: ackctl status --server 10.0.0.5:7400");
  command->callback([&chosen] { chosen = Run; });
}

}  // namespace ackwire::ctl
