#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/no_match.h"
#include "tools/ackctl/replay_wait.h"
#include "tools/ackctl/selection_text.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"
#include "tools/ackctl/time_option.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint32_t kRateMax = 1'000'000;  // of the contract

// Deliveries a second.
CLI::Option* AddRate(CLI::App& command, const std::string& name, std::uint32_t& rate) {
  const auto check = [](const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && value >= 1 && value <= kRateMax
               ? ""
               : fmt::format("\"{}\" is not a whole number from 1 to {}", text, kRateMax);
  };
  return command.add_option(name, rate, "Deliveries a second, of all clients together")
      ->check(CLI::Validator(check, ""));
}

std::string ReplayStateText(v1::ReplayState state) {
  return EnumName(*v1::ReplayState_descriptor()->FindValueByNumber(state));
}

std::string SkippedText(const v1::Replay& replay) {
  std::string why;
  for (const v1::SkippedCount& each : replay.skipped()) {
    const std::string reason = each.reason() == v1::REASON_UNSPECIFIED ? StateText(each.state())
                                                                       : ReasonText(each.reason());
    why += fmt::format("{}{} {}", why.empty() ? "" : ", ", each.count(), reason);
  }
  const std::uint64_t total = SkippedOf(replay);
  return why.empty() ? fmt::to_string(total) : fmt::format("{} ({})", total, why);
}

// What its calls have in common.
class Admin {
 public:
  explicit Admin(const Context& context)
      : connection_(context.connection), stub_(v1::AdminService::NewStub(connection_.channel())) {}

  v1::ReplayPlan Plan(const v1::PlanReplayRequest& request) const {
    v1::ReplayPlan plan;
    connection_.Call(
        "plan a replay",
        [&](grpc::ClientContext& call) { return stub_->PlanReplay(&call, request, &plan); },
        Connection::Deadline::kNone);
    return plan;
  }
  v1::Replay Start(const v1::StartReplayRequest& request) const {
    return Call<v1::Replay>("start " + request.plan(), &v1::AdminService::Stub::StartReplay,
                            request);
  }
  v1::Replay Get(const std::string& id) const {
    v1::GetReplayRequest request;
    request.set_id(id);
    return Call<v1::Replay>("show " + id, &v1::AdminService::Stub::GetReplay, request);
  }
  v1::ListReplaysResponse List(const v1::ListReplaysRequest& request) const {
    return Call<v1::ListReplaysResponse>("list replays", &v1::AdminService::Stub::ListReplays,
                                         request);
  }
  v1::Replay Control(const v1::ControlReplayRequest& request) const {
    return Call<v1::Replay>("control " + request.id(), &v1::AdminService::Stub::ControlReplay,
                            request);
  }
  std::string WhyNone(const v1::FailureFilter& filter) const {
    return WhyNoneMatches(connection_, filter);
  }

 private:
  template <typename Response, typename Request>
  Response Call(const std::string& what,
                grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*),
                const Request& request) const {
    Response response;
    connection_.Call(what, [&](grpc::ClientContext& call) {
      return (stub_.get()->*method)(&call, request, &response);
    });
    return response;
  }

  Connection connection_;
  std::unique_ptr<v1::AdminService::Stub> stub_;
};

void Show(const Context& context, const v1::Replay& replay) {
  if (context.output.json) {
    fmt::print("{}\n", ToJson(replay));
    return;
  }
  Facts facts;
  facts.Add("Replay", replay.id());
  facts.Add("State", ReplayStateText(replay.state()));
  facts.Add("Deliveries", fmt::to_string(replay.total()));
  facts.Add("Acknowledged", fmt::to_string(replay.acked()));
  facts.Add("Failed", fmt::to_string(replay.failed()));
  facts.Add("Skipped", SkippedText(replay));
  facts.Add("Open", replay.waiting_offline() == 0
                        ? fmt::to_string(OpenOf(replay))
                        : fmt::format("{} ({} to clients that are offline)", OpenOf(replay),
                                      replay.waiting_offline()));
  facts.Add("Rate", fmt::format("{}/s", replay.rate_per_second()));
  facts.Add("Started", fmt::format("{} by {}", FormatTime(replay.started_at()),
                                   replay.started_by().empty() ? "?" : replay.started_by()));
  if (replay.has_ended_at()) facts.Add("Ended", FormatTime(replay.ended_at()));
  facts.Add("Note", replay.note());
  facts.Add("Selection", SelectionText(replay.selection()));
  fmt::print("{}", facts.Render(context.output.color));
}

struct PlanArguments {
  bool failed = false;
  FailureFilterOptions filter;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool include_acked = false;
  std::uint32_t rate = 0;
};

v1::PlanReplayRequest RequestFor(const PlanArguments& arguments) {
  v1::PlanReplayRequest request;
  request.set_rate_per_second(arguments.rate);
  const v1::FailureFilter filter = FilterOf(arguments.filter);
  const bool range = arguments.from != 0 || arguments.to != 0 || arguments.include_acked;
  if (arguments.failed) {
    if (range) {
      throw CommandError(ExitStatus::kUsage,
                         "replay plan: --from, --to and --include-acked are for a range: leave "
                         "--failed out");
    }
    *request.mutable_selection()->mutable_failed() = filter;
    return request;
  }
  if (filter.reasons_size() > 0 || filter.open_only() || !filter.message_id().empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "replay plan: --reason, --id and --open choose failures: give --failed");
  }
  if (arguments.to != 0 && arguments.to < arguments.from) {
    throw CommandError(ExitStatus::kUsage,
                       fmt::format("--to: {} is before --from, {}", arguments.to, arguments.from));
  }
  if (filter.channel().empty()) {
    throw CommandError(ExitStatus::kUsage,
                       "replay plan: give --failed for what failed, or --channel C for a range");
  }
  v1::RangeSelection& selection = *request.mutable_selection()->mutable_range();
  selection.set_channel(filter.channel());
  selection.set_client(filter.client());
  selection.set_from_seq(arguments.from);
  selection.set_to_seq(arguments.to);
  if (filter.has_since()) *selection.mutable_since() = filter.since();
  if (filter.has_until()) *selection.mutable_until() = filter.until();
  selection.set_include_acked(arguments.include_acked);
  return request;
}

std::string BytesText(std::uint64_t bytes) {
  constexpr double kKiB = 1024;
  const auto value = static_cast<double>(bytes);
  if (value < kKiB) return fmt::format("{} bytes", bytes);
  if (value < kKiB * kKiB) return fmt::format("{:.1f} KiB", value / kKiB);
  return fmt::format("{:.1f} MiB", value / kKiB / kKiB);
}

void Plan(const Context& context, const PlanArguments& arguments) {
  const v1::PlanReplayRequest request = RequestFor(arguments);
  const Admin admin(context);
  const v1::ReplayPlan plan = admin.Plan(request);
  if (context.output.json) {
    fmt::print("{}\n", ToJson(plan));
    return;
  }
  const auto seconds = google::protobuf::util::TimeUtil::DurationToMilliseconds(plan.estimated());
  Facts facts;
  facts.Add("Plan", plan.plan());
  facts.Add("Deliveries", fmt::to_string(plan.deliveries()));
  facts.Add("Messages", fmt::to_string(plan.messages()));
  facts.Add("Clients",
            fmt::format("{}, {} of them offline", plan.clients(), plan.offline_clients()));
  facts.Add("Payload", BytesText(plan.bytes()));
  const std::string again = arguments.include_acked ? "among them" : "left out";
  facts.Add("Acknowledged", fmt::format("{} before, {}", plan.already_acked(), again));
  facts.Add("Left out", fmt::format("{} no longer stored, {} expired, {} owed anyway",
                                    plan.no_longer_stored(), plan.expired(), plan.still_owed()));
  facts.Add("Takes", fmt::format("{:.1f} s at least, with all clients there",
                                 static_cast<double>(seconds) / 1000));
  facts.Add("Valid until", FormatTime(plan.expires_at()));
  fmt::print("{}\n", facts.Render(context.output.color));
  if (plan.deliveries() == 0) {
    fmt::print("There is nothing to deliver again{}.\n", admin.WhyNone(FilterOf(arguments.filter)));
  } else {
    fmt::print(
        "Nothing has been changed. To start it:\n  ackctl replay start {} --note WHY --wait\n",
        plan.plan());
  }
}

struct StartArguments {
  std::string plan;
  std::string note;
  bool wait = false;
};

void Start(const Context& context, const StartArguments& arguments) {
  const Admin admin(context);
  v1::StartReplayRequest request;
  request.set_plan(arguments.plan);
  request.set_note(arguments.note);
  v1::Replay replay = admin.Start(request);
  if (arguments.wait) {
    fmt::print(stderr, "Replay {} goes on also without this command.\n", replay.id());
    replay = WaitFor(replay, [&] { return admin.Get(replay.id()); });
  }
  Show(context, replay);
  if (arguments.wait) ExpectDelivered(replay);
  if (context.output.json) return;
  if (!arguments.wait) {
    fmt::print("\nIt goes on by itself: ackctl replay show {}\n", replay.id());
  } else if (replay.state() == v1::REPLAY_STATE_WAITING) {
    fmt::print("\nThe rest is delivered when those clients connect.\n");
  }
}

void List(const Context& context) {
  const Admin admin(context);
  v1::ListReplaysRequest request;
  v1::ListReplaysResponse all;
  do {
    const v1::ListReplaysResponse page = admin.List(request);
    all.mutable_replays()->MergeFrom(page.replays());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (context.output.json) {
    fmt::print("{}\n", ListToJson(all));
    return;
  }
  if (all.replays().empty()) {
    fmt::print("There was no replay yet. To plan one: ackctl replay plan --failed\n");
    return;
  }
  Table table({{"REPLAY"},
               {"STATE"},
               {"DELIVERIES", Align::kRight},
               {"ACKED", Align::kRight},
               {"FAILED", Align::kRight},
               {"SKIPPED", Align::kRight},
               {"OPEN", Align::kRight},
               {"STARTED"},
               {"NOTE"}});
  for (const v1::Replay& each : all.replays()) {
    table.AddRow({each.id(), ReplayStateText(each.state()), fmt::to_string(each.total()),
                  fmt::to_string(each.acked()), fmt::to_string(each.failed()),
                  fmt::to_string(SkippedOf(each)), fmt::to_string(OpenOf(each)),
                  FormatTime(each.started_at()), each.note()});
  }
  fmt::print("{}", table.Render(context.output.color));
}

void AddPlan(CLI::App& replay, Chosen& chosen) {
  CLI::App* command = replay.add_subcommand("plan", "What a replay would deliver; changes nothing");
  auto arguments = std::make_shared<PlanArguments>();
  command->add_flag("--failed", arguments->failed,
                    "What is parked, of which any failure matches; else a range of --channel");
  AddFailureFilter(*command, arguments->filter);
  command->add_option("--from", arguments->from, "The range's first seq")
      ->check(WholeNumber())
      ->type_name("N");
  command->add_option("--to", arguments->to, "Its last; the channel's last by default")
      ->check(WholeNumber())
      ->type_name("N");
  command->add_flag("--include-acked", arguments->include_acked,
                    "Also what the clients acknowledged before");
  AddRate(*command, "--rate", arguments->rate)->type_name("N");
  command->footer(
      "What is owed is delivered without a replay, and is in no plan.\n\n"
      "Example: ackctl replay plan --failed --since -2h --rate 500\n"
      "         ackctl replay plan --channel room/1 --client alice/phone --from 100 "
      "--include-acked");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Plan(context, *arguments); };
  });
}

void AddStart(CLI::App& replay, Chosen& chosen) {
  CLI::App* command = replay.add_subcommand("start", "Deliver what was planned");
  auto arguments = std::make_shared<StartArguments>();
  command->add_option("PLAN", arguments->plan, "What `replay plan` gave: p-…")->required();
  command->add_option("--note", arguments->note, "Why, for whoever looks later")->type_name("TEXT");
  command->add_flag("--wait", arguments->wait,
                    "Until all is settled, or only clients that are offline are left; exits 1 if "
                    "some of it failed again, or it was cancelled");
  command->footer("Example: ackctl replay start p-7f3a --note 'incident 42' --wait");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Start(context, *arguments); };
  });
}

using Action = v1::ControlReplayRequest::Action;

void AddControl(CLI::App& replay, Chosen& chosen, const std::pair<const char*, const char*>& what,
                Action action) {
  CLI::App* command = replay.add_subcommand(what.first, what.second);
  auto id = std::make_shared<std::string>();
  auto rate = std::make_shared<std::uint32_t>(0);
  command->add_option("REPLAY", *id, "The replay: r-…")->required();
  if (action == v1::ControlReplayRequest::SET_RATE) {
    AddRate(*command, "N", *rate)->required();
  }
  command->footer(fmt::format("Example: ackctl replay {} r-7f3a{}", what.first,
                              action == v1::ControlReplayRequest::SET_RATE ? " 500" : ""));
  command->callback([&chosen, id, rate, action] {
    chosen = [id, rate, action](const Context& context) {
      v1::ControlReplayRequest request;
      request.set_id(*id);
      request.set_action(action);
      request.set_rate_per_second(*rate);
      Show(context, Admin(context).Control(request));
    };
  });
}

}  // namespace

void AddReplay(CLI::App& app, Chosen& chosen) {
  CLI::App* replay = app.add_subcommand("replay", "Deliver again: plan, start, watch, control");
  replay->require_subcommand(1);
  AddPlan(*replay, chosen);
  AddStart(*replay, chosen);
  CLI::App* list = replay->add_subcommand("list", "All replays, newest first");
  list->footer("Example: ackctl replay list");
  list->callback([&chosen] { chosen = [](const Context& context) { List(context); }; });
  CLI::App* show = replay->add_subcommand("show", "How far a replay is");
  auto id = std::make_shared<std::string>();
  show->add_option("REPLAY", *id, "The replay: r-…")->required();
  show->footer("Example: ackctl replay show r-7f3a");
  show->callback([&chosen, id] {
    chosen = [id](const Context& context) { Show(context, Admin(context).Get(*id)); };
  });
  AddControl(*replay, chosen, {"pause", "Hand over nothing more of it, until it is resumed"},
             v1::ControlReplayRequest::PAUSE);
  AddControl(*replay, chosen, {"resume", "Go on"}, v1::ControlReplayRequest::RESUME);
  AddControl(*replay, chosen, {"cancel", "End it; what it has not delivered stays as it is"},
             v1::ControlReplayRequest::CANCEL);
  AddControl(*replay, chosen, {"rate", "Deliver so many a second from now on"},
             v1::ControlReplayRequest::SET_RATE);
  replay->footer(
      "Example: ackctl replay plan --failed\n"
      "         ackctl replay start p-7f3a --note 'incident 42' --wait\n"
      "Each command has its own --help.");
}

}  // namespace ackwire::ctl
