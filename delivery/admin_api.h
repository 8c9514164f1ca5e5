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
  // Why writes are refused for a time; OK when they are not.
  using CheckWrites = std::function<Status()>;
  AdminApi(Metrics& metrics, GatherGauges gather, CheckWrites check_writes)
      : metrics_(metrics), gather_(std::move(gather)), check_writes_(std::move(check_writes)) {}

  void Answer(const HttpRequest& request, const HttpApi::Done& done);

  // What /readyz says from now on; an empty string is ready.
  void SetNotReady(const std::string& why);

 private:
  [[nodiscard]] HttpResponse Ready();

  Metrics& metrics_;
  const GatherGauges gather_;
  const CheckWrites check_writes_;
  std::mutex mutex_;  // guards not_ready_
  std::string not_ready_ = "the server is starting";
};

}  // namespace ackwire
