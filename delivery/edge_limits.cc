#include "delivery/edge_limits.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "delivery/message_json.h"

namespace ackwire {
namespace {

std::string LimitText(std::uint32_t limit) { return "at most " + std::to_string(limit); }

}  // namespace

EdgeLimits::EdgeLimits(const EdgePolicy& policy, Metrics& metrics)
    : policy_(policy),
      metrics_(metrics),
      connects_(policy.connect_rate.value_or(0), kCallersMax),
      publishes_(policy.publish_rate.value_or(0), kCallersMax) {}

EdgeLimits::Place& EdgeLimits::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Leave();
  limits_ = std::exchange(other.limits_, nullptr);
  network_ = std::move(other.network_);
  unknown_ = other.unknown_;
  return *this;
}

void EdgeLimits::Place::Settle() {
  if (limits_ == nullptr || !std::exchange(unknown_, false)) return;
  const std::scoped_lock lock(limits_->mutex_);
  --limits_->unknown_;
}

void EdgeLimits::Place::Leave() {
  if (limits_ == nullptr) return;
  EdgeLimits& limits = *std::exchange(limits_, nullptr);
  const std::scoped_lock lock(limits.mutex_);
  if (unknown_) --limits.unknown_;
  --limits.connections_;
  const auto found = limits.by_network_.find(network_);
  if (--found->second == 0) limits.by_network_.erase(found);
}

std::optional<EdgeLimits::Refusal> EdgeLimits::Check(const std::string& network, Timestamp now) {
  const auto over = [](const std::optional<std::uint32_t>& limit, std::size_t count) {
    return limit && count >= *limit;
  };
  if (over(policy_.connections, connections_)) {
    return Refusal{Limit::kConnections,
                   Error(StatusCode::kUnavailable,
                         "connections: " + LimitText(*policy_.connections) +
                             " (--max-connections); try again, or at another server")};
  }
  if (over(policy_.unauthenticated, unknown_)) {
    return Refusal{Limit::kUnauthenticated,
                   Error(StatusCode::kUnavailable, "connections whose caller is not known yet: " +
                                                       LimitText(*policy_.unauthenticated) +
                                                       " (--max-unauthenticated); try again")};
  }
  const auto found = by_network_.find(network);
  if (over(policy_.connections_per_address, found == by_network_.end() ? 0 : found->second)) {
    return Refusal{
        Limit::kConnectionsPerAddress,
        Error(StatusCode::kResourceExhausted,
              "connections from your address: " + LimitText(*policy_.connections_per_address) +
                  " (--max-connections-per-address); close one")};
  }
  if (!policy_.connect_rate) return std::nullopt;
  const Duration wait = connects_.Take(network, now);
  if (wait == Duration{}) return std::nullopt;
  return Refusal{
      Limit::kConnectRate,
      RetryIn(wait, Error(StatusCode::kResourceExhausted,
                          "new connections from your address: " + LimitText(*policy_.connect_rate) +
                              " a second (--connect-rate)"))};
}

EdgeLimits::Admission EdgeLimits::Admit(const std::string& address, Timestamp now) {
  std::string network = NetworkOf(address);
  const std::scoped_lock lock(mutex_);
  std::optional<Refusal> refusal = Check(network, now);
  if (!refusal) {
    ++connections_;
    ++unknown_;
    ++by_network_[network];
    return {Place(*this, std::move(network)), OkStatus()};
  }
  Hit(refusal->limit);
  return {Place(), std::move(refusal->status), told_.Take("", now) == Duration{}};
}

Status EdgeLimits::TakePublish(const Publisher& publisher, Timestamp now) {
  if (!policy_.publish_rate) return OkStatus();
  const std::string key =
      publisher.user.empty() ? "address " + NetworkOf(publisher.address) : "user " + publisher.user;
  Duration wait{};
  {
    const std::scoped_lock lock(mutex_);
    wait = publishes_.Take(key, now);
  }
  if (wait == Duration{}) return OkStatus();
  Hit(Limit::kPublishRate);
  return RetryIn(wait, Error(StatusCode::kResourceExhausted,
                             "publishing: " + LimitText(*policy_.publish_rate) +
                                 " a second (--publish-rate); try again in " +
                                 std::to_string(wait.count()) + " ms"));
}

std::string NetworkOf(const std::string& address) {
  namespace ip = boost::asio::ip;
  boost::system::error_code ec;
  const ip::address parsed = ip::make_address(address, ec);
  if (ec || parsed.is_v4()) return address;
  ip::address_v6 network = parsed.to_v6();
  if (network.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, network).to_string();
  constexpr std::size_t kNetworkBytes = 8;
  auto bytes = network.to_bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), static_cast<unsigned char>(0));
  return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace ackwire
