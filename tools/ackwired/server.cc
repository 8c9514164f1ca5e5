#include "tools/ackwired/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/server_interceptor.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>

#include "delivery/message_json.h"
#include "tools/ackwired/config_checks.h"
#include "tools/ackwired/file_limit.h"
#include "tools/ackwired/grpc_refusals.h"
#include "tools/ackwired/key_file.h"
#include "tools/ackwired/library_logs.h"
#include "tools/ackwired/policy_file.h"

namespace ackwire {
namespace {

// What calls under way get to end by themselves when the server is told to end.
constexpr std::chrono::seconds kGrpcGrace{1};

void LogDamage(const Status& damage) {
  spdlog::error(
      "damage on disk: {}. What is whole is served, /readyz says not ready; stop the server and "
      "run "
      "ackctl verify, then ackctl recover",
      MessageOf(damage));
}

void LogDisk(const Status& disk) {
  if (disk.ok()) return spdlog::info("publishing goes on: the disk has room again");
  spdlog::warn("publishing is refused: {}", MessageOf(disk));
}

void LogTrimmed(const Trimmed& trimmed) {
  if (trimmed.records > 0) {
    spdlog::info("journal: removed {} records of what happened up to {}, by --journal-retention",
                 trimmed.records, FormatTime(trimmed.up_to));
  }
  if (!trimmed.held_by.empty()) {
    spdlog::warn(
        "journal: kept longer than asked for, with all that is newer, because of {}. Once that is "
        "acknowledged, dismissed or over, records go on being removed",
        trimmed.held_by);
  }
}

// With as many connections as there can be files for.
EdgePolicy EdgeWithin(EdgePolicy edge, std::uint64_t files) {
  const std::uint64_t room = files - std::min(files / 2, kFilesOfTheRest);
  if (edge.connections && *edge.connections <= room) return edge;
  const auto cut = static_cast<std::uint32_t>(std::min<std::uint64_t>(room, UINT32_MAX));
  spdlog::warn("--max-connections: {}, as this process may have {} files open (ulimit -n)", cut,
               files);
  edge.connections = cut;
  return edge;
}

StatusOr<std::vector<ChannelPattern>> ReadPatterns(const Config& config) {
  if (config.file.empty()) return std::vector<ChannelPattern>();
  StatusOr<std::vector<ChannelPattern>> patterns = ReadPolicyFile(config.file, config.delivery);
  if (patterns.ok()) {
    spdlog::info("policies of {} channel patterns from {}", patterns->size(), config.file.string());
  }
  return patterns;
}

}  // namespace

StatusOr<Server::Files> Server::ReadFiles(const Config& config) {
  if (Status status = CheckListeners(config); !status.ok()) return status;
  StatusOr<std::vector<ChannelPattern>> patterns = ReadPatterns(config);
  if (!patterns.ok()) return patterns.status();
  std::shared_ptr<const JwkSet> keys;
  if (!config.jwt_keys.empty()) {
    StatusOr<std::shared_ptr<const JwkSet>> read = ReadKeyFile(config.jwt_keys);
    if (!read.ok()) return read.status();
    keys = *std::move(read);
  }
  StatusOr<std::unique_ptr<Certificates>> certificates = Certificates::Read(config);
  if (!certificates.ok()) return certificates.status();
  return Files{*std::move(patterns), std::move(keys), *std::move(certificates)};
}

StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, Files files, Ends ends) {
  std::unique_ptr<Server> server(new Server(config, std::move(files), std::move(ends)));
  for (const auto step :
       {&Server::OpenStore, &Server::BindDelivery, &Server::StartDelivery, &Server::StartGrpc}) {
    if (Status status = (server.get()->*step)(); !status.ok()) return status;
  }
  spdlog::info("serving {} (epoch {}, last position {})", config.data_dir.string(),
               server->store_->epoch(), server->store_->derived().last_position().value);
  if (!server->tokens_) {
    spdlog::info("there are no keys: every caller is trusted, so all listeners are on loopback");
  }
  return server;
}

Server::Server(const Config& config, Files files, Ends ends)
    : config_(config),
      ends_(std::move(ends)),
      policies_(config.delivery, files.patterns),
      state_(clock_.Now()),
      certificates_(std::move(files.certificates)),
      grpc_endpoint_(config.grpc) {
  if (files.keys == nullptr) return;
  tokens_.emplace(std::move(files.keys), TokenRules{config_.jwt_audience, config_.jwt_issuer});
}

Status Server::OpenStore() {
  StatusOr<std::unique_ptr<Store>> store =
      Store::Open({.directory = config_.data_dir,
                   .clock = clock_,
                   .seed = RandomSeed(),
                   .durability = config_.durability,
                   .min_free_bytes = config_.min_free_bytes,
                   .subscriptions_max = config_.max_subscriptions,
                   .boot_id = BootId(),
                   .damaged = LogDamage,
                   .journal_keeps = config_.journal_keeps,
                   .trimmed = LogTrimmed,
                   .disk_changed = LogDisk});
  if (!store.ok()) {
    return Error(store.status().code(), "--data-dir: " + MessageOf(store.status()));
  }
  store_ = *std::move(store);
  if (store_->migrated()) {
    spdlog::info("the data directory is of format {} now: older servers refuse it",
                 DataDirectory::kVersion);
  }
  if (store_->power_cut()) {
    spdlog::warn("the newest of what was buffered may be gone in a power cut: epoch {} begins",
                 store_->epoch());
  }
  return OkStatus();
}

Status Server::BindDelivery() {
  StatusOr<std::unique_ptr<DeliveryServer>> delivery = DeliveryServer::Bind(
      *store_, clock_, metrics_,
      {.http = config_.http,
       .http_tls = certificates_->http(),
       .admin = config_.admin,
       .policies = policies_,
       .tokens = tokens(),
       .session = config_.session,
       .edge = EdgeWithin(config_.edge, RaiseFileLimit()),
       .access_log = config_.access_log ? MakeAccessLog(config_.log_format) : AccessLog(),
       .io_threads = config_.io_threads,
       .seed = RandomSeed()});
  if (!delivery.ok()) return delivery.status();
  delivery_ = *std::move(delivery);
  delivery_->drain().WhenOver([this] {
    // What is in memory goes to disk while calls are still taken: ending has less to write then,
    // and for so long nobody can publish.
    delivery_->Read([this] {
      if (Status status = store_->database().Flush(); !status.ok()) {
        spdlog::warn("drain: {}", MessageOf(status));
      }
      ends_.drained();
    });
  });
  return OkStatus();
}

Status Server::StartDelivery() {
  outbox_rows_.emplace(store_->database(), store_->log());
  relay_.emplace(*outbox_rows_, clock_);
  if (Status status = relay_->Load(delivery_->sinks()); !status.ok()) return status;
  const auto failed = [this](const Status& status) { OnFailure(status); };
  relay_thread_ = std::make_unique<RelayThread>(*relay_, failed);
  store_->Start({.committed = [this](const SharedGroup& group) { relay_thread_->Committed(group); },
                 .failed = failed});
  delivery_->Start({.wake_relay = [this] { relay_thread_->Wake(); },
                    .outbox_depth = [this] { return relay_->depth(); }});
  delivery_started_ = true;
  return OkStatus();
}

Status Server::StartGrpc() {
  const ServiceDependencies deps{
      .store = *store_,
      .delivery = *delivery_,
      .relay = *relay_,
      .clock = clock_,
      .metrics = metrics_,
      .policies = policies_,
      .state = state_,
      .tokens = tokens(),
      .min_free_bytes = config_.min_free_bytes,
      .drain = [this](const auto& order, auto begun) { Drain(order, std::move(begun)); }};
  services_.push_back(MakeMessageService(deps));
  services_.push_back(MakeSubscriptionService(deps));
  services_.push_back(MakeDeliveryService(deps));
  services_.push_back(MakeAdminService(deps));

  SendLibraryLogsToOurs();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Else a second server would share the port, and each would get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(FormatEndpoint(config_.grpc), certificates_->MakeGrpcCredentials(),
                           &port);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeRefusalInterceptors());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  for (const auto& service : services_) builder.RegisterService(service.get());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port == 0) {
    return Error(
        StatusCode::kUnavailable,
        "--grpc: cannot listen on " + FormatEndpoint(config_.grpc) +
            "; is another program listening there? Give another port, or 0 for a free one");
  }
  grpc_endpoint_.port = static_cast<std::uint16_t>(port);
  {
    const std::scoped_lock lock(mutex_);
    health_ = grpc_->GetHealthCheckService();
    health_->SetServingStatus(!state_.draining());  // the first call may have been for a drain
  }
  admin_calls_ = std::make_unique<AdminCalls>(*grpc_);
  delivery_->SetAdminCall([calls = admin_calls_.get()](const AdminRequest& request, auto done) {
    calls->Call(request, std::move(done));
  });
  return OkStatus();
}

void Server::Renew(const Status& settings) {
  const auto report = [](const char* what, const Status& status) {
    if (!status.ok()) spdlog::error("SIGHUP: {} stay as they were: {}", what, MessageOf(status));
  };
  report("the policies", settings.ok() ? RenewPolicies() : settings);
  report("the keys", RenewKeys());
  certificates_->Renew();
}

Status Server::RenewKeys() {
  if (!tokens_) return OkStatus();
  StatusOr<std::shared_ptr<const JwkSet>> keys = ReadKeyFile(config_.jwt_keys);
  if (keys.ok()) tokens_->Replace(*std::move(keys));
  return keys.status();
}

Status Server::RenewPolicies() {
  const StatusOr<std::vector<ChannelPattern>> patterns = ReadPatterns(config_);
  if (!patterns.ok()) return patterns.status();
  policies_.Replace(*patterns);
  delivery_->RenewPolicies();
  return OkStatus();
}

void Server::Drain(const ServerDrain::Order& order,
                   std::function<void(std::uint64_t sessions)> begun) {
  state_.SetDraining();
  {
    const std::scoped_lock lock(mutex_);
    if (health_ != nullptr) health_->SetServingStatus(false);
  }
  delivery_->drain().Begin(order, std::move(begun));
}

std::string Server::ReadyLine() const {
  return "ackwired ready grpc=" + FormatEndpoint(grpc_endpoint_) +
         " http=" + FormatEndpoint(delivery_->http_endpoint()) +
         " admin=" + FormatEndpoint(delivery_->admin_endpoint());
}

void Server::OnFailure(const Status& status) {
  if (state_.RefuseWrites(MessageOf(status))) {
    spdlog::critical(
        "no more writes are taken, and the server ends: {}. Nothing that was answered is lost: see "
        "to the disk, then start it again",
        MessageOf(status));
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_) delivery_->SetNotReady(MessageOf(status));
  }
  ends_.failed();
}

void Server::StopGrpc() {
  if (grpc_ == nullptr) return;
  delivery_->SetAdminCall(nullptr);
  grpc_->Shutdown(std::chrono::system_clock::now() + kGrpcGrace);
  admin_calls_.reset();  // all have been answered, or cancelled
  grpc_.reset();
}

Server::~Server() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    health_ = nullptr;
  }
  // From the outside inwards: no calls, then no sessions, and what these leave is committed, then
  // no commits, and the relay hands over the last.
  StopGrpc();
  if (delivery_started_) delivery_->Stop();
  if (store_ != nullptr) store_->StopWriting();
  relay_thread_.reset();
}

}  // namespace ackwire
