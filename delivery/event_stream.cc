#include "delivery/event_stream.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "delivery/asio_loop.h"
#include "delivery/event_encoder.h"
#include "delivery/session.h"
#include "delivery/spawn.h"
#include "delivery/write_watch.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kDroppedBytes = 4096;
// How long a peer may take to take what is queued before the end, and to close its side.
constexpr Duration kEndingTimeout{10'000};
// Those whose connections are lost at one moment do not come back at one moment.
constexpr std::uint64_t kRetryMsMin = 1'000;
constexpr std::uint64_t kRetryMsMax = 3'000;

std::string HeadOf(http::status status, const EventStreamForm& form) {
  http::response<http::empty_body> response(status, form.http_version);
  response.set(http::field::server, "ackwire");
  for (const auto& [name, value] : form.headers) response.set(name, value);
  if (status == http::status::ok) {
    response.set(http::field::content_type, "text/event-stream; charset=utf-8");
    response.set(http::field::cache_control, "no-store");
    response.set("X-Accel-Buffering", "no");  // to proxies that would gather what is sent
    if (form.http_version >= 11) response.chunked(true);
  }
  response.keep_alive(false);
  std::ostringstream head;
  head << response.base();
  return head.str();
}

// As a chunk, where the body is chunked: the empty one ends it.
std::string AsBody(const EventStreamForm& form, const std::string& part) {
  if (form.http_version < 11) return part;
  return fmt::format("{:x}\r\n{}\r\n", part.size(), part);
}

class EventStream final : public Outlet, public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(ClientStream stream, EventStreamForm form, std::uint64_t arrived, Hub& hub)
      : hub_(hub),
        form_(std::move(form)),
        stream_(std::move(stream)),
        wake_(stream_.get_executor()),
        ending_timer_(stream_.get_executor()),
        events_({.retry = Duration(kRetryMsMin + hub.rng().Next() % (kRetryMsMax - kRetryMsMin)),
                 .arrived = arrived}) {
    wake_.expires_at(asio::steady_timer::time_point::max());
    stream_.meter().OnTaken([this] { watch_.Took(stream_.UnacknowledgedBytes(), hub_.now()); });
  }

  void Write(std::string frame, std::vector<std::uint64_t> deliveries) override {
    std::string event = events_.Encode(frame, deliveries);
    Queue(std::move(event), std::move(deliveries));
    if (opened_ && !session_->id().empty()) std::exchange(opened_, nullptr)(session_->id());
  }

  void Close(std::uint16_t code, const std::string& reason) override {
    if (std::exchange(closed_, true)) return;
    gone_ = code == close_code::kSessionReplaced && !begun_ && queue_.empty();
    if (!gone_) Queue(events_.EncodeClose(code, reason), {});
    ending_timer_.Arm(kEndingTimeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Abort();
    });
    wake_.cancel();
  }

  void Abort() override { stream_.next_layer().close(); }

  [[nodiscard]] std::size_t queued_bytes() const override { return queued_bytes_; }
  [[nodiscard]] std::optional<Timestamp> writing_since() const override { return watch_.since(); }
  [[nodiscard]] bool is_looked_at() const override { return true; }
  void LookAtPeer() override { watch_.Look(stream_.UnacknowledgedBytes(), hub_.now()); }
  [[nodiscard]] bool answers_pings() const override { return false; }

  // `opened` is called with the session's id once it has one.
  static asio::awaitable<void> Run(std::shared_ptr<EventStream> self, EventStreamGuest guest,
                                   std::function<void(const std::string&)> opened) {
    self->opened_ = std::move(opened);
    self->session_ = std::make_shared<Session>(
        self->hub_, *self, frame::JsonProtocol(),
        SessionIdentity{.transport = "sse", .remote_address = self->stream_.PeerAddress()});
    self->hub_.Add(self->session_);
    self->session_->Start();
    self->session_->OnConnect(std::move(guest.question.connect), std::move(guest.caller));
    Spawn(self->stream_.get_executor(), WriteLoop(self), "event stream write loop");
    co_await ReadLoop(self);
  }

 private:
  struct Outgoing {
    std::string event;
    std::vector<std::uint64_t> deliveries;
  };

  void Queue(std::string event, std::vector<std::uint64_t> deliveries) {
    queued_bytes_ += event.size();
    queue_.push_back({std::move(event), std::move(deliveries)});
    wake_.cancel();
  }

  // Until the peer has closed its side: before we have, that ends the session.
  static asio::awaitable<void> ReadLoop(std::shared_ptr<EventStream> self) {
    std::array<char, kDroppedBytes> dropped{};
    for (;;) {
      auto [ec, size] = co_await self->stream_.async_read_some(asio::buffer(dropped), kAwait);
      if (ec) break;
    }
    self->read_ended_ = true;
    self->ending_timer_.Cancel();
    self->wake_.cancel();
    self->hub_.EndInTurn([session = self->session_, self] { session->End(close_code::kAbnormal); });
    self->Abort();  // a write that waits for the peer would do so for ever: no session looks at it
  }

  static asio::awaitable<void> WriteLoop(std::shared_ptr<EventStream> self) {
    while (!self->read_ended_) {
      if (!self->queue_.empty()) {
        const bool written = co_await WriteOne(self);
        if (!written) break;
      } else if (self->closed_) {
        co_await Finish(self);
        break;
      } else {
        (void)co_await self->wake_.async_wait(kAwait);
      }
    }
  }

  // False when the connection is broken.
  static asio::awaitable<bool> WriteOne(std::shared_ptr<EventStream> self) {
    const Outgoing out = std::move(self->queue_.front());
    self->queue_.pop_front();
    const bool first = !std::exchange(self->begun_, true);
    const std::string text =
        (first ? EventStreamHead(self->form_) : "") + AsBody(self->form_, out.event);
    self->watch_.Begin(self->stream_.UnacknowledgedBytes(), self->hub_.now());
    auto [ec, size] = co_await asio::async_write(self->stream_, asio::buffer(text), kAwait);
    self->watch_.End();
    self->queued_bytes_ -= out.event.size();
    if (ec) {
      if (ec != asio::error::operation_aborted && !self->read_ended_) {
        self->session_->OnWriteFailed();
        self->Abort();  // it takes nothing more: nothing more is read from it either
      }
      co_return false;
    }
    self->session_->OnWritten(out.deliveries);
    co_return true;
  }

  static asio::awaitable<void> Finish(std::shared_ptr<EventStream> self) {
    const std::string end =
        self->gone_ ? HeadOf(http::status::no_content, self->form_) : AsBody(self->form_, "");
    if (!end.empty()) {
      (void)co_await asio::async_write(self->stream_, asio::buffer(end), kAwait);
    }
    (void)co_await self->stream_.async_end(kAwait);
  }

  Hub& hub_;
  const EventStreamForm form_;
  ClientStream stream_;
  asio::steady_timer wake_;
  AsioTimer ending_timer_;
  EventEncoder events_;
  std::function<void(const std::string&)> opened_;
  std::shared_ptr<Session> session_;
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  WriteWatch watch_;
  bool begun_ = false;   // the head is with the kernel, or on its way
  bool closed_ = false;  // nothing more is queued
  bool gone_ = false;    // answered 204
  bool read_ended_ = false;
};

}  // namespace

std::string EventStreamHead(const EventStreamForm& form) { return HeadOf(http::status::ok, form); }

std::string EventStreamWhileDraining(const EventStreamForm& form, const frame::Draining& told) {
  EventEncoder events({});
  const std::string body = events.Encode(frame::JsonProtocol().EncodeDraining(told), {}) +
                           events.EncodeClose(close_code::kServiceRestart, "the server restarts");
  return EventStreamHead(form) + AsBody(form, body) + AsBody(form, "");
}

asio::awaitable<void> RunEventStream(ClientStream stream, EventStreamForm form,
                                     EventStreamGuest guest, Tickets& tickets, Hub& hub) {
  const auto& resume = guest.question.connect.resume;
  auto connection = std::make_shared<EventStream>(std::move(stream), std::move(form),
                                                  resume ? resume->delivery : 0, hub);
  const std::string ticket = guest.question.ticket;
  auto opened = [&tickets, ticket](const std::string& session) { tickets.Serve(ticket, session); };
  co_await EventStream::Run(connection, std::move(guest), std::move(opened));
  tickets.Close(ticket, hub.now());
}

}  // namespace ackwire
