#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <utility>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "delivery/explain.h"
#include "store/limits.h"
#include "tools/ackwired/client_view.h"
#include "tools/ackwired/failure_view.h"
#include "tools/ackwired/follow_streams.h"
#include "tools/ackwired/grpc_caller.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/past_answers.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

Status MayAskReceipts(const Caller& caller, const std::string& channel) {
  return caller.MayAdminister().ok() ? OkStatus() : caller.MaySubscribe(channel);
}

class DeliveryService final : public v1::DeliveryService::CallbackService {
 public:
  explicit DeliveryService(const ServiceDependencies& deps) : deps_(deps) {}

  grpc::ServerUnaryReactor* ExplainDelivery(grpc::CallbackServerContext* context,
                                            const v1::ExplainDeliveryRequest* request,
                                            v1::Delivery* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayActFor(request->client(), *context, *reactor)) return reactor;
    if (request->has_at()) {
      AnswerDeliveryThen(deps_, *request, Wanted(context), Finishing(reactor, response));
      return reactor;
    }
    // First which message it is about, then what the client's session knows of it, and last the
    // facts on disk, where all that the session knew is by then.
    deps_.delivery.Read([this, reactor, request, response] {
      const auto asked = Gather(*request);
      if (!asked.ok()) return reactor->Finish(ToGrpc(asked.status()));
      deps_.delivery.AskLive(
          request->client(), asked->channel_id, asked->seq,
          [this, reactor, request, response](const std::optional<LiveDelivery>& live) {
            deps_.delivery.Read([this, reactor, request, response, live] {
              StatusOr<DeliveryFacts> facts = Gather(*request);
              if (!facts.ok()) return reactor->Finish(ToGrpc(facts.status()));
              facts->online = live.has_value();
              facts->live = live;
              *response = Explain(*facts);
              reactor->Finish(grpc::Status::OK);
            });
          });
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* GetReceipts(grpc::CallbackServerContext* context,
                                        const v1::GetReceiptsRequest* request,
                                        v1::Receipts* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& each) {
      return MayAskReceipts(each, request->channel());
    };
    const auto caller = Admit({deps_, *context, *reactor}, may);
    if (!caller) return reactor;
    // What became of it for each of the others is an operator's to know.
    const std::size_t clients_max = caller->MayAdminister().ok() ? request->max_clients() : 0;
    deps_.delivery.GetReceipts({.channel = request->channel(),
                                .seq = Seq{request->seq()},
                                .message_id = request->message_id()},
                               clients_max, Finishing(reactor, response));
    return reactor;
  }

  grpc::ServerUnaryReactor* ListFailures(grpc::CallbackServerContext* context,
                                         const v1::ListFailuresRequest* request,
                                         v1::ListFailuresResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayActFor(request->filter().client(), *context, *reactor)) return reactor;
    const StatusOr<PageQuery> page = ParsePage(request->page_size(), request->page_token());
    Status status = page.status();
    if (status.ok()) status = CheckFilter(request->filter());
    if (!status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    deps_.delivery.Read([this, reactor, request, response, page = *page] {
      Finishing(reactor, response)(FailureView(deps_.store, deps_.clock).List(*request, page));
    });
    return reactor;
  }

  grpc::ServerWriteReactor<v1::Failure>* WatchFailures(
      grpc::CallbackServerContext* context, const v1::WatchFailuresRequest* request) override {
    return StartFailureStream(deps_, *request, *context);
  }

  grpc::ServerUnaryReactor* GetClient(grpc::CallbackServerContext* context,
                                      const v1::GetClientRequest* request,
                                      v1::Client* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!MayActFor(request->client(), *context, *reactor)) return reactor;
    if (request->has_at()) {
      AnswerClientThen(deps_, *request, Wanted(context), Finishing(reactor, response));
      return reactor;
    }
    if (Status status = CheckClientName(request->client()); !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    ReadClients([reactor, request, response](const ClientView& view) {
      StatusOr<v1::Client> client = view.Get(request->client());
      if (client.ok()) *response = *std::move(client);
      reactor->Finish(ToGrpc(client.status()));
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* ListClients(grpc::CallbackServerContext* context,
                                        const v1::ListClientsRequest* request,
                                        v1::ListClientsResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (!Admit({deps_, *context, *reactor}, &Caller::MayAdminister)) return reactor;
    const StatusOr<PageQuery> page = ParsePage(request->page_size(), request->page_token());
    if (!page.ok()) {
      reactor->Finish(ToGrpc(page.status()));
      return reactor;
    }
    ReadClients([reactor, request, response, page = *page](const ClientView& view) {
      StatusOr<v1::ListClientsResponse> list = view.List(*request, page);
      if (list.ok()) *response = *std::move(list);
      reactor->Finish(ToGrpc(list.status()));
    });
    return reactor;
  }

 private:
  [[nodiscard]] StatusOr<DeliveryFacts> Gather(const v1::ExplainDeliveryRequest& request) const {
    return GatherFacts(deps_.store, deps_.policies,
                       {.client = request.client(),
                        .channel = request.channel(),
                        .seq = Seq{request.seq()},
                        .message_id = request.message_id()},
                       deps_.clock.Now());
  }

  // False when the call has ended, as its caller is another user and no operator. An empty client
  // is all of them.
  [[nodiscard]] bool MayActFor(const std::string& client,
                               const grpc::CallbackServerContext& context,
                               grpc::ServerUnaryReactor& reactor) const {
    const auto may = [&client](const Caller& caller) { return caller.MayActFor(client); };
    return Admit({deps_, context, reactor}, may).has_value();
  }

  // Runs `read` on the read pool, with the sessions there are.
  void ReadClients(std::function<void(const ClientView&)> read) {
    ackwire::ReadClients(deps_, std::move(read));
  }

  const ServiceDependencies deps_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDeliveryService(const ServiceDependencies& deps) {
  return std::make_unique<DeliveryService>(deps);
}

}  // namespace ackwire
