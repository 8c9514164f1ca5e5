#include "tools/ackwired/grpc_refusals.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_interceptor.h>

namespace ackwire {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

class RefusalInterceptor final : public Interceptor {
 public:
  explicit RefusalInterceptor(ServerRpcInfo* call)
      : has_one_request_(call->type() == ServerRpcInfo::Type::UNARY ||
                         call->type() == ServerRpcInfo::Type::SERVER_STREAMING) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    // In a stream, no message also means that the client has ended it.
    if (has_one_request_ &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      malformed_ = methods->GetRecvMessage() == nullptr;
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      Complete(*methods);
    }
    methods->Proceed();
  }

 private:
  void Complete(InterceptorBatchMethods& methods) const {
    const grpc::Status status = methods.GetSendStatus();
    const bool is_bare =
        status.error_code() == grpc::StatusCode::UNIMPLEMENTED && status.error_message().empty();
    if (!is_bare) return;
    methods.ModifySendStatus(malformed_
                                 ? grpc::Status(grpc::StatusCode::INTERNAL, kMalformed)
                                 : grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                                                "this version does not serve this call yet"));
  }

  const bool has_one_request_;
  bool malformed_ = false;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    return new RefusalInterceptor(call);  // gRPC deletes it with the call
  }
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRefusalInterceptors() {
  return std::make_unique<Factory>();
}

}  // namespace ackwire
