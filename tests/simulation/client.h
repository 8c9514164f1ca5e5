// SimClient is one device: it connects, takes deliveries, answers them in every way the contract
// has or not at all, loses its connection and comes back. What it says is always what it did, so
// that what the server may settle is known.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/socket.h"

namespace ackwire {

class SimClient {
 public:
  SimClient(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  SimClient(const SimClient&) = delete;
  SimClient& operator=(const SimClient&) = delete;

  // From now on it acts every now and then.
  void Begin();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool welcome() const { return welcome_; }

  void OnFrame(SimSocket& socket, const boost::json::object& frame);
  void OnClosed(SimSocket& socket, std::uint16_t code);

 private:
  void Act();
  void ActCalmly();
  void ActWhileOpen();
  void ChangeSubscription();
  void SpoilConnection();
  void Connect();
  void Forget();  // the connection, and what was not answered on it
  void OnWelcome(const boost::json::object& frame);
  void OnDeliveries(const boost::json::object& frame);
  void Ack(std::vector<std::uint64_t> numbers);
  void AckUpTo(std::uint64_t number);
  void Nack();
  void Say(const Said& said) { socket_->Say(said); }
  [[nodiscard]] std::uint64_t AnyHeld();
  [[nodiscard]] std::uint32_t MaybeId();
  // The end of the unbroken run that is completed.
  [[nodiscard]] std::uint64_t Completed() const;

  World& world_;
  const std::string name_;
  std::shared_ptr<SimSocket> socket_;  // null while it is not connected
  bool welcome_ = false;
  bool mute_ = false;  // says nothing, not even to a ping
  bool connected_once_ = false;
  std::string session_;                // the last one; empty: none
  std::set<std::uint64_t> held_;       // received and not answered
  std::set<std::uint64_t> completed_;  // in that session
  std::uint32_t last_id_ = 0;
};

}  // namespace ackwire
