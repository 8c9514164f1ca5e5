// SimSocket is one connection between a simulated client and a session: frames go each way in order
// and take their time, the kernel takes bytes or does not, the connection breaks and one side may
// not notice.
//
// Lifetime: shared by both ends and by what is on its way.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery/outlet.h"
#include "delivery/session.h"
#include "tests/simulation/said.h"
#include "tests/simulation/world.h"

namespace ackwire {

class SimClient;
class SimLoop;

class SimSocket final : public Outlet, public std::enable_shared_from_this<SimSocket> {
 public:
  SimSocket(World& world, SimClient& client)
      : world_(world), client_(client), id_(++world.last_connection) {}

  // The server's end.
  void Open(Hub& hub, SimLoop& loop);
  void Write(std::string text, std::vector<std::uint64_t> deliveries) override;
  void Close(std::uint16_t code, const std::string& reason) override;
  void Abort() override;
  [[nodiscard]] std::size_t queued_bytes() const override { return queued_bytes_; }
  [[nodiscard]] std::optional<Timestamp> writing_since() const override { return writing_since_; }
  // The process is gone.
  void Lose();

  // The client's end.
  void Say(const Said& said);
  // From now on nothing arrives. Unnoticed, the server does not learn of it.
  enum class Notice { kYes, kNo };
  void Break(Notice notice);
  // The client's kernel takes bytes, or does not.
  void Stall();
  void Unstall();
  [[nodiscard]] bool stalled() const { return stalled_; }

 private:
  struct Outgoing {
    std::shared_ptr<const boost::json::object> frame;
    std::size_t bytes = 0;
    std::vector<std::uint64_t> deliveries;
  };

  void Note(const char* what, const std::string& text);
  void BeginWrite();
  void TakeBytesSoon();
  void TakeBytes();
  void OnWritten(const std::vector<std::uint64_t>& deliveries);
  void CloseToClient(std::uint16_t code);
  // Runs a job when what was sent before it has arrived.
  void ToClient(std::function<void()> job);
  void ToServer(std::function<void()> job);
  [[nodiscard]] Duration Latency();

  World& world_;
  SimClient& client_;
  const ConnectionId id_;
  SimLoop* loop_ = nullptr;  // null before it is open, and when the process is gone
  std::shared_ptr<Session> session_;
  std::deque<Outgoing> outgoing_;
  std::size_t queued_bytes_ = 0;
  std::optional<Timestamp> writing_since_;
  bool writing_ = false;
  bool taking_ = false;  // soon
  bool taken_ = false;   // and the session is about to hear of it
  std::optional<std::uint16_t> close_;
  bool stalled_ = false;
  bool broken_ = false;
  Timestamp client_hears_at_{};
  Timestamp server_hears_at_{};
};

}  // namespace ackwire
