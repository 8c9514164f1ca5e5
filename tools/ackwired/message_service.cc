#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "ackwire/v1/messages.grpc.pb.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "store/recovery.h"
#include "tools/ackwired/follow_streams.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/publish.h"
#include "tools/ackwired/publish_stream.h"
#include "tools/ackwired/services.h"

namespace ackwire {
namespace {

StatusOr<v1::Message> FindMessage(const Store& store, const v1::GetMessageRequest& request) {
  const ChannelId channel = store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(request.channel());
    return info == nullptr ? ChannelId{} : info->id;
  });
  if (channel.value == 0) {
    return Error(StatusCode::kNotFound, "channel: there is no " + request.channel());
  }
  if (request.seq() != 0) {
    StatusOr<StoredMessage> stored = store.log().ReadSeq(channel, Seq{request.seq()});
    if (stored.ok() && IsStub(*stored)) {
      return Error(StatusCode::kNotFound, "seq: " + std::to_string(request.seq()) + " of " +
                                              request.channel() +
                                              " was lost; an operator accepted that");
    }
    if (stored.ok()) return std::move(stored->message);
    if (stored.status().code() != StatusCode::kNotFound) return stored.status();
    return Error(StatusCode::kNotFound,
                 "seq: there is no " + std::to_string(request.seq()) + " in " + request.channel());
  }
  StatusOr<std::optional<StoredMessage>> found =
      store.log().FindById(channel, request.message_id());
  if (!found.ok()) return found.status();
  if (found->has_value()) return std::move((*found)->message);
  return Error(StatusCode::kNotFound,
               "message_id: there is no " + request.message_id() + " in " + request.channel());
}

Status CheckGetMessage(const v1::GetMessageRequest& request) {
  if (Status status = CheckChannelName(request.channel()); !status.ok()) return status;
  if ((request.seq() != 0) == request.message_id().empty()) {
    return request.seq() != 0 ? OkStatus() : CheckMessageId(request.message_id());
  }
  return InvalidArgument("seq, message_id: one of the two names the message; give exactly one");
}

void Describe(const ChannelInfo& info, v1::Channel& out) {
  out.set_name(info.name);
  out.set_first_seq(info.first.value);
  out.set_last_seq(info.last.value);
  out.set_subscriptions(info.subscriptions);
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
    StatusOr<PublishWork> work = WorkFor(*request, metadata);
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
    deps_.store.Submit(*std::move(work));
    return reactor;
  }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PublishStream(
      grpc::CallbackServerContext* context) override {
    return StartPublishStream(deps_, PublishMetadataOf(*context));
  }

  grpc::ServerUnaryReactor* GetMessage(grpc::CallbackServerContext* context,
                                       const v1::GetMessageRequest* request,
                                       v1::Message* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (Status status = CheckGetMessage(*request); !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    deps_.delivery.Read([this, reactor, request, response] {
      StatusOr<v1::Message> message = FindMessage(deps_.store, *request);
      if (message.ok()) *response = *std::move(message);
      reactor->Finish(ToGrpc(message.status()));
    });
    return reactor;
  }

  grpc::ServerWriteReactor<v1::ReadResponse>* Read(grpc::CallbackServerContext* /*context*/,
                                                   const v1::ReadRequest* request) override {
    return StartReadStream(deps_, *request);
  }

  grpc::ServerUnaryReactor* ListChannels(grpc::CallbackServerContext* context,
                                         const v1::ListChannelsRequest* request,
                                         v1::ListChannelsResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
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
