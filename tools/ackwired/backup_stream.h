// Backup: tells how far the copy is, and in the end what is in it. Ending the call ends the copy.
//
// Threads:  gRPC's, and one that copies, for as long as that takes.
// Lifetime: the reactor owns itself until gRPC is done with it. The thread is joined by the next
//           backup, or by the destructor of BackupThread.
// Bounds:   one backup at a time, ten messages a second.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

#include "ackwire/v1/deliveries.pb.h"
#include "tools/ackwired/services.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}

namespace ackwire {

class BackupThread {
 public:
  BackupThread() = default;
  ~BackupThread();
  BackupThread(const BackupThread&) = delete;
  BackupThread& operator=(const BackupThread&) = delete;

  // Runs the job; false when another one is running.
  [[nodiscard]] bool Start(std::function<void()> job);

 private:
  std::mutex mutex_;  // guards all below
  bool busy_ = false;
  std::thread thread_;
};

struct AskedBackup {
  const v1::BackupRequest& request;
  Status allowed;  // why not, else
};
[[nodiscard]] grpc::ServerWriteReactor<v1::BackupProgress>* StartBackupStream(
    const ServiceDependencies& deps, BackupThread& thread, const AskedBackup& asked);

}  // namespace ackwire
