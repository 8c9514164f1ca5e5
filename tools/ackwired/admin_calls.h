// AdminCalls serves the unary methods of DeliveryService, SubscriptionService and AdminService with
// request and answer as JSON. It finds them by the services' descriptors and calls them within the
// process: a method that is added to the contract is here too, and has the same checks as by gRPC.
//
// Threads:  any. `done` comes on a thread of gRPC, or within Call.
// Lifetime: the destructor waits for the calls under way; the server must outlive it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "delivery/admin_api.h"
#include "store/status.h"

namespace grpc {
class Server;
}

namespace ackwire {

class AdminCalls {
 public:
  explicit AdminCalls(grpc::Server& server);
  ~AdminCalls();
  AdminCalls(const AdminCalls&) = delete;
  AdminCalls& operator=(const AdminCalls&) = delete;

  // Whatever the method answers; and of this itself:
  //   kNotFound         there is no such method; names those that there are
  //   kInvalidArgument  the body is no JSON object, has a field that the request has not, or one of
  //                     a wrong type; or the method is a stream
  using Done = std::function<void(StatusOr<std::string>)>;
  void Call(const AdminRequest& request, const Done& done);

 private:
  struct Stub;
  struct UnaryCall;
  void OnAnswered(UnaryCall& call);

  const std::unique_ptr<Stub> stub_;
  std::mutex mutex_;  // guards the next
  std::size_t under_way_ = 0;
  std::condition_variable answered_;
};

}  // namespace ackwire
