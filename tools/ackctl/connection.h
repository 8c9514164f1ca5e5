#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ackwire::ctl {

struct ConnectionOptions {
  std::string server;  // HOST:PORT
  std::string token;   // empty: none
  // PEM files. Any of them turns TLS on.
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::vector<std::string> arguments;  // of the command: errors are told by them
};

// One gRPC channel to one server. All failures become CommandError: the server
// refused, or it could not be reached, told apart because the next step of the
// person differs.
class Connection {
 public:
  // Waits until the server answers or refuses; at most kConnectTimeout.
  explicit Connection(const ConnectionOptions& options);

  // One request, one answer. `what` names it in the error: "publish to room/1".
  // kNone is for what takes as long as there is something to do.
  enum class Deadline { kUsual, kNone };
  void Call(const std::string& what, const std::function<grpc::Status(grpc::ClientContext&)>& rpc,
            Deadline deadline = Deadline::kUsual) const;

  // For streams, which have no deadline: the context to open one with, and
  // what to do with its final status.
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  void Check(const std::string& what, const grpc::Status& status) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  ConnectionOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

// "invalid_argument": the name of a gRPC status code as the contract spells it.
std::string CodeName(int code);

}  // namespace ackwire::ctl
