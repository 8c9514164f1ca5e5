// AdminApi answers operators: /healthz, /readyz, /metrics.
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

class AdminApi {
 public:
  using GatherGauges = std::function<void(std::function<void(Metrics::Gauges)>)>;
  // Why the store is not as it should be, though it serves; OK when it is.
  using CheckStore = std::function<Status()>;
  AdminApi(Metrics& metrics, GatherGauges gather, CheckStore check_store)
      : metrics_(metrics), gather_(std::move(gather)), check_store_(std::move(check_store)) {}

  void Answer(const HttpRequest& request, const HttpApi::Done& done);

  // What /readyz says from now on; an empty string is ready.
  void SetNotReady(const std::string& why);

 private:
  [[nodiscard]] HttpResponse Ready();

  Metrics& metrics_;
  const GatherGauges gather_;
  const CheckStore check_store_;
  std::mutex mutex_;  // guards not_ready_
  std::string not_ready_ = "the server is starting";
};

}  // namespace ackwire
