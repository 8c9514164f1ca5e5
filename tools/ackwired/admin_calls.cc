#include "tools/ackwired/admin_calls.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "delivery/strict_json.h"
#include "proto/json.h"
#include "tools/ackwired/grpc_status.h"

namespace ackwire {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

constexpr std::array<const char*, 3> kServices = {
    "ackwire.v1.DeliveryService", "ackwire.v1.SubscriptionService", "ackwire.v1.AdminService"};

bool IsStream(const MethodDescriptor& method) {
  return method.client_streaming() || method.server_streaming();
}

// fn(const MethodDescriptor&) with each of them.
template <typename F>
void ForEachMethod(F&& fn) {
  for (const char* name : kServices) {
    const ServiceDescriptor& service = *DescriptorPool::generated_pool()->FindServiceByName(name);
    for (int i = 0; i < service.method_count(); ++i) fn(*service.method(i));
  }
}

StatusOr<const MethodDescriptor*> FindMethod(const std::string& name) {
  const MethodDescriptor* found = nullptr;
  std::string names;
  ForEachMethod([&](const MethodDescriptor& method) {
    if (method.name() == name) found = &method;
    if (!IsStream(method)) names += (names.empty() ? "" : ", ") + method.name();
  });
  if (found == nullptr) {
    return Error(StatusCode::kNotFound, "method: there is no such method; there are " + names);
  }
  if (!IsStream(*found)) return found;
  const std::string instead = name == "WatchFailures" ? ", or list failures by ListFailures" : "";
  return InvalidArgument("method: " + name + " is a stream; call it by gRPC" + instead);
}

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor& type) {
  auto& factory = *google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(factory.GetPrototype(&type)->New());
}

StatusOr<std::unique_ptr<Message>> ParseRequest(const MethodDescriptor& method,
                                                const std::string& body) {
  std::unique_ptr<Message> request = NewMessage(*method.input_type());
  if (body.empty()) return request;
  const StatusOr<boost::json::value> parsed = ParseStrictJson(body, "body");
  if (!parsed.ok()) return parsed.status();
  if (!parsed->is_object()) return InvalidArgument("body: must be a JSON object, or empty");
  if (Status status = proto_json::FromJson(parsed->get_object(), *request); !status.ok()) {
    return status;
  }
  return request;
}

// What else there is in a token makes it none, and a call that carries it none of gRPC's.
bool IsMetadata(const std::string& token) {
  return !token.empty() && std::all_of(token.begin(), token.end(),
                                       [](unsigned char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

struct AdminCalls::Stub {
  grpc::GenericStub methods;
};

struct AdminCalls::UnaryCall {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer answer;
  grpc::Status status;
  const MethodDescriptor& method;
  const Done done;
};

namespace {

std::shared_ptr<grpc::Channel> ChannelTo(grpc::Server& server) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // a page may have any size: it stays within the process
  return server.InProcessChannel(arguments);
}

StatusOr<std::string> ToJson(const grpc::ByteBuffer& bytes, const MethodDescriptor& method) {
  const std::unique_ptr<Message> answer = NewMessage(*method.output_type());
  grpc::Slice slice;
  if (!bytes.DumpToSingleSlice(&slice).ok() ||
      !answer->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return Error(StatusCode::kInternal, "the answer of " + method.name() + " cannot be parsed");
  }
  return proto_json::ToJson(*answer);
}

}  // namespace

AdminCalls::AdminCalls(grpc::Server& server)
    : stub_(new Stub{grpc::GenericStub(ChannelTo(server))}) {}

AdminCalls::~AdminCalls() {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [this] { return under_way_ == 0; });
}

void AdminCalls::Call(const AdminRequest& asked, const Done& done) {
  const StatusOr<const MethodDescriptor*> method = FindMethod(asked.method);
  if (!method.ok()) return done(method.status());
  const StatusOr<std::unique_ptr<Message>> request = ParseRequest(**method, asked.body);
  if (!request.ok()) return done(request.status());
  {
    std::lock_guard lock(mutex_);
    ++under_way_;
  }
  auto call = std::shared_ptr<UnaryCall>(new UnaryCall{.method = **method, .done = done});
  const grpc::Slice bytes((*request)->SerializeAsString());
  call->request = grpc::ByteBuffer(&bytes, 1);
  if (IsMetadata(asked.token)) call->context.AddMetadata("authorization", "Bearer " + asked.token);
  stub_->methods.UnaryCall(
      &call->context, "/" + (*method)->service()->full_name() + "/" + asked.method,
      grpc::StubOptions(), &call->request, &call->answer, [this, call](grpc::Status status) {
        call->status = std::move(status);
        OnAnswered(*call);
      });
}

void AdminCalls::OnAnswered(UnaryCall& call) {
  call.done(call.status.ok() ? ToJson(call.answer, call.method)
                             : StatusOr<std::string>(FromGrpc(call.status)));
  std::lock_guard lock(mutex_);
  --under_way_;
  answered_.notify_all();
}

}  // namespace ackwire
