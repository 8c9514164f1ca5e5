#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "tools/ackwired/grpc_caller.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

constexpr int kSubscribeManyMax = 10'000;

struct SubscriptionName {
  std::string client;
  std::string channel;
};

v1::Subscription Describe(const SubscriptionName& name, const LedgerEntry& entry, Seq last) {
  v1::Subscription out;
  out.set_client(name.client);
  out.set_channel(name.channel);
  out.set_start_seq(entry.start().value);
  out.set_floor(entry.floor().value);
  out.set_last_seq(last.value);
  out.set_undelivered(entry.Undelivered(last));
  out.set_parked(entry.parked());
  SetTime(*out.mutable_created_at(), entry.created_at());
  return out;
}

v1::Subscription Describe(const SubscriptionState& state) {
  return Describe({state.client, state.channel_name}, state.entry, state.last);
}

Status CheckNames(const std::string& client, const std::string& channel) {
  if (Status status = CheckClientName(client); !status.ok()) return status;
  return CheckChannelName(channel);
}

StatusOr<SubscribeRequest> RequestFrom(const v1::SubscribeRequest& request) {
  if (Status status = CheckNames(request.client(), request.channel()); !status.ok()) return status;
  SubscribeRequest out{.client = request.client(), .channel = request.channel()};
  if (request.start_case() == v1::SubscribeRequest::kFromSeq) {
    if (request.from_seq() == 0) return InvalidArgument("from_seq: a seq starts at 1");
    out.start = {.kind = StartAt::Kind::kSeq, .seq = Seq{request.from_seq()}};
  } else if (request.from_first()) {
    out.start.kind = StartAt::Kind::kFirst;
  }
  return out;
}

StatusOr<std::vector<SubscribeRequest>> RequestsFrom(const v1::SubscribeManyRequest& request) {
  if (request.requests_size() > kSubscribeManyMax) {
    return InvalidArgument("requests: at most " + std::to_string(kSubscribeManyMax) + ", got " +
                           std::to_string(request.requests_size()));
  }
  std::vector<SubscribeRequest> requests;
  for (int i = 0; i < request.requests_size(); ++i) {
    StatusOr<SubscribeRequest> one = RequestFrom(request.requests(i));
    if (!one.ok()) {
      return InvalidArgument("requests[" + std::to_string(i) + "]." + MessageOf(one.status()));
    }
    requests.push_back(*std::move(one));
  }
  return requests;
}

// Copies out of the table, so that the lock is not held.
std::optional<ChannelInfo> FindChannel(const Store& store, const std::string& name) {
  return store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(name);
    return info == nullptr ? std::optional<ChannelInfo>() : *info;
  });
}

std::optional<ChannelInfo> FindChannel(const Store& store, ChannelId id) {
  return store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Get(id);
    return info == nullptr ? std::optional<ChannelInfo>() : *info;
  });
}

// Adds the one subscription, if there is one.
[[nodiscard]] Status ListOne(const Store& store, const SubscriptionName& name,
                             v1::ListSubscriptionsResponse& response) {
  const auto channel = FindChannel(store, name.channel);
  if (!channel) return OkStatus();
  const StatusOr<LedgerEntry> entry = store.ledger().Entry(name.client, channel->id);
  if (!entry.ok()) return entry.status();
  if (entry->subscribed()) *response.add_subscriptions() = Describe(name, *entry, channel->last);
  return OkStatus();
}

// In order of the channels' first use.
[[nodiscard]] Status ListByClient(const Store& store, const std::string& client,
                                  const PageQuery& page, v1::ListSubscriptionsResponse& response) {
  ChannelId after;
  if (!page.after.empty()) {
    const auto channel = FindChannel(store, page.after);
    if (!channel) return BadPageToken();
    after = channel->id;
  }
  const StatusOr<std::vector<ChannelEntry>> entries = store.ledger().Entries(client);
  if (!entries.ok()) return entries.status();
  for (const auto& [id, entry] : *entries) {
    if (id <= after) continue;
    if (static_cast<std::size_t>(response.subscriptions_size()) == page.size) {
      response.set_next_page_token(MakePageToken(response.subscriptions().rbegin()->channel()));
      break;
    }
    const auto channel = FindChannel(store, id);
    if (!channel) continue;
    *response.add_subscriptions() = Describe({client, channel->name}, entry, channel->last);
  }
  return OkStatus();
}

// In order of the clients' names.
[[nodiscard]] Status ListByChannel(const Store& store, const std::string& name,
                                   const PageQuery& page, v1::ListSubscriptionsResponse& response) {
  const auto channel = FindChannel(store, name);
  if (!channel) return OkStatus();
  // One more than asked for shows whether there is a page behind this one.
  StatusOr<std::vector<std::string>> clients =
      store.ledger().Members(channel->id, {.after = page.after, .limit = page.size + 1});
  if (!clients.ok()) return clients.status();
  if (clients->size() > page.size) {
    clients->resize(page.size);
    response.set_next_page_token(MakePageToken(clients->back()));
  }
  for (const std::string& client : *clients) {
    if (Status status = ListOne(store, {client, name}, response); !status.ok()) return status;
  }
  return OkStatus();
}

Status List(const Store& store, const v1::ListSubscriptionsRequest& request, const PageQuery& page,
            v1::ListSubscriptionsResponse& response) {
  if (request.channel().empty()) return ListByClient(store, request.client(), page, response);
  if (request.client().empty()) return ListByChannel(store, request.channel(), page, response);
  return ListOne(store, {request.client(), request.channel()}, response);
}

StatusOr<PageQuery> CheckList(const v1::ListSubscriptionsRequest& request) {
  if (request.client().empty() && request.channel().empty()) {
    return InvalidArgument("client, channel: give one of the two, or both");
  }
  if (!request.client().empty()) {
    if (Status status = CheckClientName(request.client()); !status.ok()) return status;
  }
  if (!request.channel().empty()) {
    if (Status status = CheckChannelName(request.channel()); !status.ok()) return status;
  }
  return ParsePage(request.page_size(), request.page_token());
}

// An operator may subscribe anybody to anything: what a client may not read is not delivered to it.
Status MaySubscribe(const Caller& caller, const v1::SubscribeRequest& request) {
  if (caller.MayAdminister().ok()) return OkStatus();
  if (Status status = caller.MayActFor(request.client()); !status.ok()) return status;
  return caller.MaySubscribe(request.channel());
}

Status MaySubscribe(const Caller& caller, const v1::SubscribeManyRequest& request) {
  for (const v1::SubscribeRequest& each : request.requests()) {
    if (Status status = MaySubscribe(caller, each); !status.ok()) return status;
  }
  return OkStatus();
}

class SubscriptionService final : public v1::SubscriptionService::CallbackService {
 public:
  explicit SubscriptionService(const ServiceDependencies& deps) : deps_(deps) {}

  grpc::ServerUnaryReactor* Subscribe(grpc::CallbackServerContext* context,
                                      const v1::SubscribeRequest* request,
                                      v1::Subscription* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) { return MaySubscribe(caller, *request); };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    StatusOr<SubscribeRequest> one = RequestFrom(*request);
    if (!one.ok()) {
      reactor->Finish(ToGrpc(one.status()));
      return reactor;
    }
    SubscribeWork work;
    work.requests.push_back(*std::move(one));
    work.done = [this, reactor, response](const StatusOr<std::vector<SubscriptionState>>& states) {
      if (IsOverLimit(states.status())) deps_.metrics.LimitHit(Limit::kSubscriptions);
      if (states.ok()) *response = Describe(states->front());
      reactor->Finish(ToGrpc(states.status()));
    };
    deps_.store.Submit(std::move(work));
    return reactor;
  }

  grpc::ServerUnaryReactor* SubscribeMany(grpc::CallbackServerContext* context,
                                          const v1::SubscribeManyRequest* request,
                                          v1::SubscribeManyResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) { return MaySubscribe(caller, *request); };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    StatusOr<std::vector<SubscribeRequest>> requests = RequestsFrom(*request);
    if (!requests.ok()) {
      reactor->Finish(ToGrpc(requests.status()));
      return reactor;
    }
    SubscribeWork work;
    work.requests = *std::move(requests);
    work.done = [this, reactor, response](const StatusOr<std::vector<SubscriptionState>>& states) {
      if (IsOverLimit(states.status())) deps_.metrics.LimitHit(Limit::kSubscriptions);
      if (states.ok()) {
        for (const auto& state : *states) *response->add_subscriptions() = Describe(state);
      }
      reactor->Finish(ToGrpc(states.status()));
    };
    deps_.store.Submit(std::move(work));
    return reactor;
  }

  grpc::ServerUnaryReactor* Unsubscribe(grpc::CallbackServerContext* context,
                                        const v1::UnsubscribeRequest* request,
                                        v1::UnsubscribeResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) {
      return caller.MayActFor(request->client());
    };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    if (Status status = CheckNames(request->client(), request->channel()); !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    deps_.delivery.Unsubscribe(request->client(), request->channel(),
                               [reactor, response](const StatusOr<std::uint64_t>& abandoned) {
                                 if (abandoned.ok()) response->set_abandoned(*abandoned);
                                 reactor->Finish(ToGrpc(abandoned.status()));
                               });
    return reactor;
  }

  grpc::ServerUnaryReactor* ListSubscriptions(grpc::CallbackServerContext* context,
                                              const v1::ListSubscriptionsRequest* request,
                                              v1::ListSubscriptionsResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) {
      return caller.MayActFor(request->client());
    };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    const StatusOr<PageQuery> page = CheckList(*request);
    if (!page.ok()) {
      reactor->Finish(ToGrpc(page.status()));
      return reactor;
    }
    deps_.delivery.Read([this, reactor, request, response, page = *page] {
      reactor->Finish(ToGrpc(List(deps_.store, *request, page, *response)));
    });
    return reactor;
  }

 private:
  const ServiceDependencies deps_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSubscriptionService(const ServiceDependencies& deps) {
  return std::make_unique<SubscriptionService>(deps);
}

}  // namespace ackwire
