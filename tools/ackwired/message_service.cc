#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "ackwire/v1/messages.grpc.pb.h"
#include "delivery/find_message.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "store/stub.h"
#include "tools/ackwired/follow_streams.h"
#include "tools/ackwired/grpc_caller.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/publish.h"
#include "tools/ackwired/publish_stream.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

NamedMessage NameOf(const v1::GetMessageRequest& request) {
  return {request.channel(), Seq{request.seq()}, request.message_id()};
}

StatusOr<v1::Message> ReadMessage(const Store& store, const v1::GetMessageRequest& request) {
  StatusOr<StoredMessage> stored = FindMessage(store, NameOf(request));
  if (!stored.ok()) return stored.status();
  if (IsStub(*stored)) return GoneStatus(stored->message);
  return std::move(stored->message);
}

void Describe(const ChannelInfo& info, v1::Channel& out) {
  out.set_name(info.name);
  out.set_first_seq(info.first.value);
  out.set_last_seq(info.last.value);
  out.set_subscriptions(info.subscriptions);
  out.set_unheard(info.unheard);
  if (info.last.value != 0) SetTime(*out.mutable_last_published_at(), info.last_published_at);
}

// All methods by callbacks; PublishStream in bytes (see publish_stream.h).
template <class Base>
using Reading =
    v1::MessageService::WithCallbackMethod_GetMessage<v1::MessageService::WithCallbackMethod_Read<
        v1::MessageService::WithCallbackMethod_ListChannels<Base>>>;
template <class Base>
using Writing = v1::MessageService::WithCallbackMethod_Publish<
    v1::MessageService::WithRawCallbackMethod_PublishStream<Base>>;

class MessageService final : public Writing<Reading<v1::MessageService::Service>> {
 public:
  explicit MessageService(const ServiceDependencies& deps) : deps_(deps) {}

  grpc::ServerUnaryReactor* Publish(grpc::CallbackServerContext* context,
                                    const v1::PublishRequest* request,
                                    v1::PublishResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const PublishMetadata metadata = PublishMetadataOf(*context);
    if (metadata.is_retry) deps_.metrics.PublishRetried();
    const StatusOr<Caller> caller = CallerOf(deps_, *context);
    StatusOr<PublishWork> work =
        caller.ok() ? WorkFor(*request, metadata, *caller) : StatusOr<PublishWork>(caller.status());
    if (!work.ok()) {
      deps_.metrics.PublishAnswered(work.status(), Metrics::Transport::kGrpc, Duration(0));
      reactor->Finish(ToGrpc(work.status()));
      return reactor;
    }
    response->set_channel(request->channel());
    const Timestamp started = deps_.clock.Now();
    work->done = [this, reactor, response, started](const StatusOr<Published>& published) {
      CountAnswer(deps_, published, started);
      if (published.ok()) Fill(*published, deps_.store.epoch(), *response);
      reactor->Finish(ToGrpc(published.status()));
    };
    Submit(deps_, metadata, *std::move(work));
    return reactor;
  }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PublishStream(
      grpc::CallbackServerContext* context) override {
    return StartPublishStream(deps_, PublishMetadataOf(*context), CallerOf(deps_, *context));
  }

  grpc::ServerUnaryReactor* GetMessage(grpc::CallbackServerContext* context,
                                       const v1::GetMessageRequest* request,
                                       v1::Message* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) {
      return caller.MaySubscribe(request->channel());
    };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    if (Status status = CheckNamedMessage(NameOf(*request)); !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    deps_.delivery.Read([this, reactor, request, response] {
      StatusOr<v1::Message> message = ReadMessage(deps_.store, *request);
      if (message.ok()) *response = *std::move(message);
      reactor->Finish(ToGrpc(message.status()));
    });
    return reactor;
  }

  grpc::ServerWriteReactor<v1::ReadResponse>* Read(grpc::CallbackServerContext* context,
                                                   const v1::ReadRequest* request) override {
    return StartReadStream(deps_, *request, *context);
  }

  grpc::ServerUnaryReactor* ListChannels(grpc::CallbackServerContext* context,
                                         const v1::ListChannelsRequest* request,
                                         v1::ListChannelsResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto may = [request](const Caller& caller) {
      return caller.MayAdminister().ok() ? OkStatus() : caller.MaySubscribeToAll(request->prefix());
    };
    if (!Admit({deps_, *context, *reactor}, may)) return reactor;
    const StatusOr<PageQuery> page = ParsePage(request->page_size(), request->page_token());
    if (page.ok()) {
      // One more than asked for shows whether there is a page behind this one.
      const auto channels = deps_.store.derived().Read([&](const DerivedView& view) {
        return view.channels.List(
            {.prefix = request->prefix(), .after = page->after, .limit = page->size + 1});
      });
      for (std::size_t i = 0; i < std::min(channels.size(), page->size); ++i) {
        Describe(channels[i], *response->add_channels());
      }
      if (channels.size() > page->size) {
        response->set_next_page_token(MakePageToken(channels[page->size - 1].name));
      }
    }
    reactor->Finish(ToGrpc(page.status()));
    return reactor;
  }

 private:
  const ServiceDependencies deps_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeMessageService(const ServiceDependencies& deps) {
  return std::make_unique<MessageService>(deps);
}

}  // namespace ackwire
