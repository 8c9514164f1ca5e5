#include "tests/simulation/socket.h"

#include <algorithm>
#include <utility>

#include "delivery/hub.h"
#include "tests/simulation/client.h"
#include "tests/simulation/sim_loop.h"

namespace ackwire {
namespace {

const char* EventOf(std::uint16_t code) {
  switch (code) {
    case close_code::kPingTimeout:
      return "closed 4001: ping timeout";
    case close_code::kSlowConsumer:
      return "closed 4002: slow consumer";
    case close_code::kDisconnected:
      return "closed 4004: by an operator";
    case close_code::kInternal:
      return "closed 4005: internal";
    case close_code::kConnectTimeout:
      return "closed 4006: connect timeout";
    case close_code::kSessionReplaced:
      return "closed 4500: replaced";
    default:
      return nullptr;
  }
}

}  // namespace

Duration SimSocket::Latency() { return world_.OneIn(20) ? world_.Wait(5, 40) : world_.Wait(0, 2); }

void SimSocket::ToClient(std::function<void()> job) {
  client_hears_at_ = std::max(client_hears_at_, world_.agenda.now() + Latency());
  world_.agenda.After(client_hears_at_ - world_.agenda.now(),
                      [self = shared_from_this(), job = std::move(job)] {
                        if (!self->broken_) job();
                      });
}

void SimSocket::ToServer(std::function<void()> job) {
  server_hears_at_ = std::max(server_hears_at_, world_.agenda.now() + Latency());
  world_.agenda.After(server_hears_at_ - world_.agenda.now(),
                      [self = shared_from_this(), job = std::move(job)] {
                        if (self->loop_ != nullptr) self->loop_->Post(job);
                      });
}

void SimSocket::Open(Hub& hub, SimLoop& loop) {
  loop_ = &loop;
  session_ = world_.MakeSession(hub, *this);
  hub.Add(session_);
  session_->Start();
}

void SimSocket::Note(const char* what, const std::string& text) {
  world_.findings.Note(std::to_string(ToUnixMs(world_.clock.Now()) % 1'000'000) + ' ' +
                       client_.name() + ' ' + std::to_string(id_) + ' ' + what + ' ' + text);
}

void SimSocket::Write(std::string text, std::vector<std::uint64_t> deliveries) {
  if (loop_ == nullptr) return;
  if (close_) world_.findings.Violate("written after the close", text);
  Note("sends", text);
  auto frame = std::make_shared<const boost::json::object>(boost::json::parse(text).as_object());
  world_.deliveries.Sends(id_, *frame);
  queued_bytes_ += text.size();
  outgoing_.push_back({std::move(frame), text.size(), std::move(deliveries)});
  if (!writing_) BeginWrite();
}

void SimSocket::BeginWrite() {
  writing_ = true;
  writing_since_ = world_.clock.Now();
  if (!stalled_) TakeBytesSoon();
}

void SimSocket::TakeBytesSoon() {
  if (std::exchange(taking_, true)) return;
  world_.agenda.After(Latency(), [self = shared_from_this()] {
    self->taking_ = false;
    self->TakeBytes();
  });
}

void SimSocket::TakeBytes() {
  if (stalled_ || taken_ || loop_ == nullptr || outgoing_.empty()) return;
  taken_ = true;
  Outgoing out = std::move(outgoing_.front());
  outgoing_.pop_front();
  ToClient(
      [self = shared_from_this(), frame = out.frame] { self->client_.OnFrame(*self, *frame); });
  loop_->Post([self = shared_from_this(), bytes = out.bytes, deliveries = out.deliveries] {
    self->queued_bytes_ -= bytes;
    self->OnWritten(deliveries);
  });
}

void SimSocket::OnWritten(const std::vector<std::uint64_t>& deliveries) {
  writing_ = taken_ = false;
  writing_since_.reset();
  if (!session_->ended()) world_.deliveries.Written(id_, deliveries);
  session_->OnWritten(deliveries);
  if (writing_) return;  // what it has just written
  if (!outgoing_.empty()) {
    BeginWrite();
  } else if (close_) {
    CloseToClient(*close_);
  }
}

void SimSocket::Close(std::uint16_t code, const std::string& reason) {
  if (loop_ == nullptr) return;
  Note("closes", reason);
  if (const char* event = EventOf(code)) world_.findings.Event(event);
  world_.deliveries.Ended(id_);
  close_ = code;
  if (!writing_) CloseToClient(code);
}

void SimSocket::CloseToClient(std::uint16_t code) {
  ToClient([self = shared_from_this(), code] { self->client_.OnClosed(*self, code); });
}

void SimSocket::Abort() {
  outgoing_.clear();
  CloseToClient(close_code::kAbnormal);
}

void SimSocket::Lose() {
  loop_ = nullptr;
  // Nobody hears of what it does now. A session that waits for something holds itself otherwise.
  if (session_ != nullptr) session_->End(close_code::kAbnormal);
  session_.reset();
  outgoing_.clear();
  if (!broken_) CloseToClient(close_code::kAbnormal);
}

void SimSocket::Say(const Said& said) {
  ToServer([self = shared_from_this(), said] {
    if (self->session_ == nullptr || self->session_->ended()) return;
    const std::string text = said.ToJson();
    self->Note("hears", text);
    self->world_.deliveries.Hears(self->id_, said, self->session_->open());
    self->session_->OnFrame(text);
  });
}

void SimSocket::Break(Notice notice) {
  broken_ = true;
  if (notice == Notice::kNo) return;
  ToServer([self = shared_from_this()] {
    if (self->session_ == nullptr || self->session_->ended()) return;
    self->world_.deliveries.Ended(self->id_);
    self->session_->End(close_code::kAbnormal);
  });
}

void SimSocket::Stall() { stalled_ = true; }

void SimSocket::Unstall() {
  stalled_ = false;
  if (writing_) TakeBytesSoon();
}

}  // namespace ackwire
