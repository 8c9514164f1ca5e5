#include "tests/simulation/client.h"

#include <iterator>
#include <utility>

#include "tests/simulation/server.h"

namespace ackwire {

namespace json = boost::json;

void SimClient::Begin() {
  world_.agenda.After(world_.calm ? world_.Wait(5, 20) : world_.Wait(2, 50), [this] {
    Act();
    Begin();
  });
}

void SimClient::Act() {
  if (world_.server == nullptr) return;
  if (world_.calm) return ActCalmly();
  if (socket_ == nullptr) {
    if (world_.OneIn(3)) Connect();
    return;
  }
  if (mute_) {
    mute_ = !world_.OneIn(12);
    return;
  }
  if (welcome_) ActWhileOpen();
  if (socket_ != nullptr && world_.OneIn(12)) SpoilConnection();
}

// Brings everything to its end.
void SimClient::ActCalmly() {
  mute_ = false;
  if (socket_ == nullptr) return Connect();
  socket_->Unstall();
  if (!welcome_ || held_.empty()) return;
  if (world_.OneIn(2)) return AckUpTo(*held_.rbegin());
  Ack({held_.begin(), held_.end()});
}

void SimClient::ActWhileOpen() {
  const std::uint64_t draw = world_.Below(24);
  if (draw == 0) return ChangeSubscription();
  if (draw == 1) return Ack({completed_.size() + held_.size() + 1000});  // never sent
  if (held_.empty()) return;
  if (draw < 8) return Ack({AnyHeld()});
  if (draw < 10) return Ack({held_.begin(), held_.end()});
  if (draw < 16) return AckUpTo(AnyHeld());
  if (draw < 20) return Nack();
  if (draw < 22) {
    Say({.kind = Said::Kind::kWorking, .deliveries = {AnyHeld()}});
  }
}

std::uint64_t SimClient::AnyHeld() {
  auto at = held_.begin();
  std::advance(at, world_.Below(held_.size()));
  return *at;
}

std::uint32_t SimClient::MaybeId() { return world_.OneIn(3) ? ++last_id_ : 0; }

void SimClient::Ack(std::vector<std::uint64_t> numbers) {
  for (const std::uint64_t number : numbers) {
    if (held_.erase(number) != 0) completed_.insert(number);
  }
  Say({.kind = Said::Kind::kAck, .deliveries = std::move(numbers), .id = MaybeId()});
}

void SimClient::AckUpTo(std::uint64_t number) {
  while (!held_.empty() && *held_.begin() <= number) {
    completed_.insert(*held_.begin());
    held_.erase(held_.begin());
  }
  Say({.kind = Said::Kind::kAck, .up_to = number, .id = MaybeId()});
}

void SimClient::Nack() {
  const std::uint64_t number = AnyHeld();
  held_.erase(number);
  Say({.kind = Said::Kind::kNack,
       .deliveries = {number},
       .delay = world_.OneIn(3) ? world_.Wait(1, 200) : Duration(0),
       .final = world_.OneIn(6)});
}

void SimClient::ChangeSubscription() {
  const std::string& channel = world_.AnyChannel();
  if (world_.OneIn(2)) {
    return Say({.kind = Said::Kind::kUnsubscribe, .channel = channel, .id = ++last_id_});
  }
  Say({.kind = Said::Kind::kSubscribe,
       .subscriptions = {{channel, world_.AnyStart()}},
       .id = ++last_id_});
}

void SimClient::SpoilConnection() {
  switch (world_.Below(7)) {
    case 0:
    case 1:
      world_.findings.Fault("connection lost");
      socket_->Break(SimSocket::Notice::kYes);
      return Forget();
    case 2:
      world_.findings.Fault("connection lost unnoticed");
      socket_->Break(SimSocket::Notice::kNo);
      return Forget();
    case 3:
      world_.findings.Event("takeovers");
      return Connect();
    case 4:
      world_.findings.Fault("client says nothing more");
      mute_ = true;
      return;
    default:
      if (socket_->stalled()) return socket_->Unstall();
      world_.findings.Fault("socket takes no bytes");
      socket_->Stall();
  }
}

void SimClient::Forget() {
  socket_.reset();
  welcome_ = false;
  held_.clear();
}

std::uint64_t SimClient::Completed() const {
  std::uint64_t end = 0;
  for (const std::uint64_t number : completed_) {
    if (number != end + 1) break;
    ++end;
  }
  return end;
}

void SimClient::Connect() {
  Said connect{.kind = Said::Kind::kConnect, .client = name_};
  connect.window = static_cast<std::uint32_t>(1 + world_.Below(8));
  if (!session_.empty() && !world_.OneIn(4)) {
    connect.resume_session = session_;
    const std::uint64_t completed = Completed();
    connect.resume_delivery = world_.OneIn(4) ? world_.Below(completed + 1) : completed;
  }
  if (!connected_once_ || world_.OneIn(6)) {
    for (const std::string& channel : world_.channels) {
      if (!world_.OneIn(2)) continue;
      world_.findings.Event("subscribed by connect");
      connect.subscriptions.push_back({channel, world_.AnyStart()});
    }
  }
  connected_once_ = true;
  Forget();
  socket_ = std::make_shared<SimSocket>(world_, *this);
  world_.server->Accept(socket_, world_.Below(SimServer::kHubs));
  Say(connect);
}

void SimClient::OnFrame(SimSocket& socket, const json::object& frame) {
  if (&socket != socket_.get()) return;  // an older connection
  const std::string type = json::value_to<std::string>(frame.at("type"));
  if (type == "welcome") OnWelcome(frame);
  if (type == "deliveries") OnDeliveries(frame);
  if (type != "ping") return;
  if (!mute_) return Say({.kind = Said::Kind::kPong});
  world_.findings.Fault("pings unanswered");
}

void SimClient::OnWelcome(const json::object& frame) {
  welcome_ = true;
  session_ = json::value_to<std::string>(frame.at("session"));
  if (!frame.at("resumed").as_bool()) completed_.clear();
}

void SimClient::OnDeliveries(const json::object& frame) {
  for (const json::value& item : frame.at("items").as_array()) {
    held_.insert(item.at("delivery").to_number<std::uint64_t>());
  }
  if (world_.calm) AckUpTo(*held_.rbegin());
}

void SimClient::OnClosed(SimSocket& socket, std::uint16_t) {
  if (&socket == socket_.get()) Forget();
}

}  // namespace ackwire
