// EdgeLimits counts the connections that there are and what callers do, and says who has to wait.
//
// Threads:  all of it from any.
// Lifetime: outlives its places. Borrows the metrics.
// Bounds:   an entry for each address that has a connection; kCallersMax of those that publish, and
//           as many of those that connect (delivery/token_bucket.h); kToldPerSecond refused
//           connections a second that are told why.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "delivery/edge_policy.h"
#include "delivery/limit.h"
#include "delivery/metrics.h"
#include "delivery/token_bucket.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class EdgeLimits {
 public:
  static constexpr std::size_t kCallersMax = 65'536;
  static constexpr std::size_t kToldPerSecond = 200;

  EdgeLimits(const EdgePolicy& policy, Metrics& metrics);

  // A connection is counted for as long as its place lives.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;
    ~Place() { Leave(); }

    // Its caller is known by now: it counts as unauthenticated no more.
    void Settle();

   private:
    friend class EdgeLimits;
    Place(EdgeLimits& limits, std::string network)
        : limits_(&limits), network_(std::move(network)) {}
    void Leave();

    EdgeLimits* limits_ = nullptr;
    std::string network_;
    bool unknown_ = true;
  };

  struct Admission {
    Place place;
    //   kUnavailable        there are too many connections
    //   kResourceExhausted  from this address, or too quickly
    Status status;
    bool told = true;  // why; false: too many are, so it is closed without a word
  };
  // A connection came.
  [[nodiscard]] Admission Admit(const std::string& address, Timestamp now);

  // A message is to be published. `user`: its sender; empty, and the address counts.
  //   kResourceExhausted  with how long to wait (RetryAfter)
  struct Publisher {
    std::string user;
    std::string address;
  };
  [[nodiscard]] Status TakePublish(const Publisher& publisher, Timestamp now);

  void Hit(Limit limit) { metrics_.LimitHit(limit); }

 private:
  struct Refusal {
    Limit limit;
    Status status;
  };
  [[nodiscard]] std::optional<Refusal> Check(const std::string& network, Timestamp now);

  const EdgePolicy policy_;
  Metrics& metrics_;
  std::mutex mutex_;  // guards all below
  std::size_t connections_ = 0;
  std::size_t unknown_ = 0;
  absl::flat_hash_map<std::string, std::uint32_t> by_network_;
  KeyedBuckets connects_;
  KeyedBuckets told_{kToldPerSecond, 1};
  KeyedBuckets publishes_;
};

// What one caller has of addresses: an IPv4 address, also when it stands in one of IPv6; of IPv6
// the network of 64 bits.
[[nodiscard]] std::string NetworkOf(const std::string& address);

}  // namespace ackwire
