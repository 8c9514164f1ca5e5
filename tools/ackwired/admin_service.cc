#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "store/proto_time.h"
#include "tools/ackwired/backup_stream.h"
#include "tools/ackwired/client_control.h"
#include "tools/ackwired/dismissal.h"
#include "tools/ackwired/grpc_caller.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/redaction.h"
#include "tools/ackwired/replay_calls.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

void FillFromStore(Store& store, v1::ServerStatus& out) {
  store.derived().Read([&out](const DerivedView& view) {
    out.set_last_position(view.last_position.value);
    out.set_undelivered(view.totals.undelivered);
    out.set_parked(view.totals.parked);
    out.set_clients(view.totals.clients);
    out.set_channels(view.channels.size());
    out.set_unheard(view.unheard);
  });
  out.set_data_bytes(store.database().bytes());
  out.set_free_bytes(store.database().FreeBytes().value_or(0));
  out.set_epoch(store.epoch());
}

void FillJournal(const Store& store, v1::JournalStatus& out) {
  const StatusOr<JournalReader::Kept> kept = store.journal().WhatIsKept();
  if (!kept.ok()) return;  // `damage` says what is wrong with it
  out.set_bytes(kept->bytes);
  if (kept->begins_at) SetTime(*out.mutable_begins_at(), *kept->begins_at);
  out.set_trimmed(kept->trimmed);
  out.set_held_by(store.JournalHeldBy());
}

// `disk`: why nothing may be published for want of room.
void FillFromServer(const ServerState& state, const OutboxDepth& depth, const Status& disk,
                    v1::ServerStatus& out) {
  out.set_version(ACKWIRE_VERSION);
  SetTime(*out.mutable_started_at(), state.started_at());
  out.set_draining(state.draining());
  out.set_outbox_depth(depth.commits);
  auto& oldest_age = *out.mutable_outbox_oldest_age();
  oldest_age = google::protobuf::util::TimeUtil::MillisecondsToDuration(depth.oldest_age.count());
  std::string refused_because = state.refused_because();
  if (refused_because.empty()) refused_because = MessageOf(disk);
  out.set_accepting_writes(refused_because.empty());
  out.set_not_accepting_because(refused_because);
}

// Longer than anybody wants to wait.
constexpr std::int64_t kSpreadSecondsMax = 24L * 60 * 60;

StatusOr<ServerDrain::Order> DrainOrderOf(const v1::DrainRequest& request, const std::string& by) {
  ServerDrain::Order order{.by = "Drain from " + by};
  if (!request.has_spread()) return order;
  const google::protobuf::Duration& spread = request.spread();
  const bool valid = spread.seconds() >= 0 && spread.seconds() <= kSpreadSecondsMax &&
                     spread.nanos() >= 0 && spread.nanos() < 1'000'000'000;
  if (!valid) {
    return InvalidArgument("spread: must be from 0 to 24 h, got " +
                           std::to_string(spread.seconds()) + " s and " +
                           std::to_string(spread.nanos()) + " ns");
  }
  order.spread = Duration(spread.seconds() * 1000 + spread.nanos() / 1'000'000);
  return order;
}

class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(const ServiceDependencies& deps) : deps_(deps), replays_(deps) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* /*request*/,
                                      v1::ServerStatus* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    deps_.delivery.AskOnlineTotals([this, reactor, response](DeliveryServer::OnlineTotals online) {
      deps_.delivery.Read([this, reactor, response, online] {
        FillFromServer(deps_.state, deps_.relay.depth(), deps_.store.CheckFreeDisk(), *response);
        FillFromStore(deps_.store, *response);
        FillJournal(deps_.store, *response->mutable_journal());
        response->set_damage(MessageOf(deps_.store.Damage()));
        response->set_undelivered_online(online.undelivered);
        response->set_sessions(online.sessions);
        reactor->Finish(grpc::Status::OK);
      });
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* PauseClient(grpc::CallbackServerContext* context,
                                        const v1::PauseClientRequest* request,
                                        v1::Client* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    SetPaused(deps_, *request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* ResumeClient(grpc::CallbackServerContext* context,
                                         const v1::ResumeClientRequest* request,
                                         v1::Client* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    SetPaused(deps_, *request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* DisconnectClient(grpc::CallbackServerContext* context,
                                             const v1::DisconnectClientRequest* request,
                                             v1::Client* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    Disconnect(deps_, *request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto caller = MayAdminister(*context, *reactor);
    if (!caller) return reactor;
    const StatusOr<ServerDrain::Order> order = DrainOrderOf(*request, NameOf(*caller, *context));
    if (!order.ok()) {
      reactor->Finish(ToGrpc(order.status()));
      return reactor;
    }
    deps_.drain(*order, [reactor, response](std::uint64_t sessions) {
      response->set_sessions(sessions);
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* ForgetClient(grpc::CallbackServerContext* context,
                                         const v1::ForgetClientRequest* request,
                                         v1::ForgetClientResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    Forget(deps_, *request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* Redact(grpc::CallbackServerContext* context,
                                   const v1::RedactRequest* request,
                                   v1::RedactResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    ackwire::Redact(deps_, *request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* DismissFailures(grpc::CallbackServerContext* context,
                                            const v1::DismissFailuresRequest* request,
                                            v1::DismissFailuresResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    if (Status status = CheckDismissal(*request); !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    StartDismissal(deps_, *request,
                   {.wanted = Wanted(context),
                    .done = [reactor, response](const StatusOr<std::uint64_t>& dismissed) {
                      response->set_dismissed(dismissed.value_or(0));
                      reactor->Finish(ToGrpc(dismissed.status()));
                    }});
    return reactor;
  }

  grpc::ServerUnaryReactor* PlanReplay(grpc::CallbackServerContext* context,
                                       const v1::PlanReplayRequest* request,
                                       v1::ReplayPlan* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    replays_.Plan(*request, Wanted(context), Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* StartReplay(grpc::CallbackServerContext* context,
                                        const v1::StartReplayRequest* request,
                                        v1::Replay* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto caller = MayAdminister(*context, *reactor);
    if (!caller) return reactor;
    replays_.Start(*request, NameOf(*caller, *context), Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* GetReplay(grpc::CallbackServerContext* context,
                                      const v1::GetReplayRequest* request,
                                      v1::Replay* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    replays_.Get(*request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* ListReplays(grpc::CallbackServerContext* context,
                                        const v1::ListReplaysRequest* request,
                                        v1::ListReplaysResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    replays_.List(*request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* ControlReplay(grpc::CallbackServerContext* context,
                                          const v1::ControlReplayRequest* request,
                                          v1::Replay* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayAdminister(*context, *reactor)) return reactor;
    replays_.Control(*request, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerWriteReactor<v1::BackupProgress>* Backup(grpc::CallbackServerContext* context,
                                                       const v1::BackupRequest* request) override {
    const auto caller = AllowedCaller(deps_, *context, &Caller::MayAdminister);
    return StartBackupStream(deps_, backup_thread_, {*request, caller.status()});
  }

 private:
  // None when the call has ended for want of the claim.
  [[nodiscard]] std::optional<Caller> MayAdminister(const grpc::CallbackServerContext& context,
                                                    grpc::ServerUnaryReactor& reactor) const {
    return Admit({deps_, context, reactor}, &Caller::MayAdminister);
  }
  // Who it is, as the record of a replay shows it, and the log a drain.
  [[nodiscard]] static std::string NameOf(const Caller& caller,
                                          const grpc::CallbackServerContext& context) {
    return caller.trusted() ? context.peer() : caller.user();
  }

  const ServiceDependencies deps_;
  BackupThread backup_thread_;
  ReplayCalls replays_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(const ServiceDependencies& deps) {
  return std::make_unique<AdminService>(deps);
}

}  // namespace ackwire
