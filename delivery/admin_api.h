// AdminApi answers operators: /healthz, /readyz, /metrics; and /v1/admin/{Method}, which it hands
// to whoever serves these methods.
//
// Threads:  any; `done` may come on another thread.
// Lifetime: borrows all it is given.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "delivery/gauges.h"
#include "delivery/http_api.h"
#include "delivery/metrics.h"

namespace ackwire {

struct AdminRequest {
  std::string method;
  std::string body;   // JSON
  std::string token;  // the caller's; empty: it gave none
};
// Calls a method by its name, and answers with JSON; `done` may come on any thread, and within the
// call. It does not block.
using AdminCall = std::function<void(const AdminRequest& request,
                                     std::function<void(StatusOr<std::string>)> done)>;

class AdminApi {
 public:
  using GatherGauges = std::function<void(std::function<void(Metrics::Gauges)>)>;
  // Why the store is not as it should be, though it serves; OK when it is.
  using CheckStore = std::function<Status()>;
  AdminApi(Metrics& metrics, GatherGauges gather, CheckStore check_store)
      : metrics_(metrics), gather_(std::move(gather)), check_store_(std::move(check_store)) {}

  void Answer(const HttpRequest& request, const HttpApi::Done& done);

  // Who serves methods from now on; null: nobody. When it returns, nobody is in the one before.
  void SetCall(AdminCall call);

  // What /readyz says from now on; an empty string is ready.
  void SetNotReady(const std::string& why);

 private:
  [[nodiscard]] HttpResponse Ready();
  void Call(const HttpRequest& request, const std::string& method, const HttpApi::Done& done);

  Metrics& metrics_;
  const GatherGauges gather_;
  const CheckStore check_store_;
  std::mutex call_mutex_;  // guards call_, also while it is called
  AdminCall call_;
  std::mutex mutex_;  // guards not_ready_
  std::string not_ready_ = "the server is starting";
};

}  // namespace ackwire
