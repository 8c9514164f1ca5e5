#include <fmt/format.h>
#include <google/protobuf/message_lite.h>

#include <utility>

#include "ackwire/v1/frames.pb.h"
#include "delivery/binary_frame.h"
#include "delivery/client_frame.h"

namespace ackwire::frame {
namespace {

// One for each type: what protobuf has read, as a frame; `status` says what a frame cannot hold.

StartAt StartOf(const v1::Subscribe& said, Status& status) {
  switch (said.start_case()) {
    case v1::Subscribe::kFromFirst:
      return {.kind = said.from_first() ? StartAt::Kind::kFirst : StartAt::Kind::kNew};
    case v1::Subscribe::kFromSeq:
      if (said.from_seq() > 0) return {.kind = StartAt::Kind::kSeq, .seq = Seq{said.from_seq()}};
      status = InvalidArgument("from: must be a seq, from 1, got 0");
      return {};
    case v1::Subscribe::kFromNew:
    case v1::Subscribe::START_NOT_SET:
      return {};
  }
  return {};
}

Subscribe FrameOf(v1::Subscribe& said, Status& status) {
  return {said.id(), std::move(*said.mutable_channel()), StartOf(said, status)};
}

Connect FrameOf(v1::Connect& said, Status& status) {
  Connect connect{.client = std::move(*said.mutable_client()),
                  .token = std::move(*said.mutable_token()),
                  .window = said.window(),
                  .max_frame_bytes = said.max_frame_bytes(),
                  .receipts = said.receipts()};
  if (!said.resume_session().empty() || said.resume_delivery() != 0) {
    connect.resume = {std::move(*said.mutable_resume_session()), said.resume_delivery()};
  }
  for (v1::Subscribe& each : *said.mutable_subscriptions()) {
    connect.subscriptions.push_back(FrameOf(each, status));
  }
  return connect;
}

Unsubscribe FrameOf(v1::Unsubscribe& said, Status& /*status*/) {
  return {said.id(), std::move(*said.mutable_channel())};
}

Ack FrameOf(const v1::Ack& said, Status& /*status*/) {
  return {said.up_to(), {said.deliveries().begin(), said.deliveries().end()}, said.id()};
}

Nack FrameOf(v1::Nack& said, Status& status) {
  constexpr std::int64_t kMsPerSecond = 1000;
  constexpr std::int64_t kNanosPerMs = 1'000'000;
  constexpr std::int64_t kNanosMax = kMsPerSecond * kNanosPerMs - 1;
  constexpr std::int64_t kSecondsMax = kNackDelayMsMax / kMsPerSecond;
  const std::int64_t seconds = said.delay().seconds();
  const std::int64_t nanos = said.delay().nanos();
  if (seconds < 0 || seconds > kSecondsMax || nanos < 0 || nanos > kNanosMax ||
      (seconds == kSecondsMax && nanos > 0)) {
    status = InvalidArgument(fmt::format("delay: must be from 0 to {} seconds, got {} and {} nanos",
                                         kSecondsMax, seconds, nanos));
    return {};
  }
  const std::int64_t ms = seconds * kMsPerSecond + nanos / kNanosPerMs;
  return {.deliveries = {said.deliveries().begin(), said.deliveries().end()},
          .reason = std::move(*said.mutable_reason()),
          .delay = Duration(ms),
          .final = said.final()};
}

Working FrameOf(const v1::Working& said, Status& /*status*/) {
  return {{said.deliveries().begin(), said.deliveries().end()}};
}

Refresh FrameOf(v1::Refresh& said, Status& /*status*/) {
  return {said.id(), std::move(*said.mutable_token())};
}

Pong FrameOf(const v1::Pong& /*said*/, Status& /*status*/) { return {}; }

std::uint32_t IdOf(const v1::Connect& /*said*/) { return 0; }
std::uint32_t IdOf(const v1::Nack& /*said*/) { return 0; }
std::uint32_t IdOf(const v1::Working& /*said*/) { return 0; }
std::uint32_t IdOf(const v1::Pong& /*said*/) { return 0; }
template <typename Said>
std::uint32_t IdOf(const Said& said) {
  return said.id();
}

template <typename Said>
ClientFrame Read(const char* name, std::string_view body) {
  Said said;
  if (!said.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Malformed{fmt::format("frame: must be {} bytes of a {}, are not", body.size(), name)};
  }
  const std::uint32_t id = IdOf(said);
  Status status;
  ClientFrame frame = FrameOf(said, status);
  if (status.ok()) status = Check(frame);
  if (status.ok()) return frame;
  return Refused{name, id, status};
}

}  // namespace

ClientFrame ParseBinary(std::string_view bytes) {
  if (bytes.size() < kTypeBytes) {
    return Malformed{
        fmt::format("frame: must begin with two bytes that say its type, has {}", bytes.size())};
  }
  const int type = TypeOf(bytes);
  const std::string_view body = bytes.substr(kTypeBytes);
  switch (type) {
    case v1::FRAME_TYPE_CONNECT:
      return Read<v1::Connect>("connect", body);
    case v1::FRAME_TYPE_SUBSCRIBE:
      return Read<v1::Subscribe>("subscribe", body);
    case v1::FRAME_TYPE_UNSUBSCRIBE:
      return Read<v1::Unsubscribe>("unsubscribe", body);
    case v1::FRAME_TYPE_ACK:
      return Read<v1::Ack>("ack", body);
    case v1::FRAME_TYPE_NACK:
      return Read<v1::Nack>("nack", body);
    case v1::FRAME_TYPE_WORKING:
      return Read<v1::Working>("working", body);
    case v1::FRAME_TYPE_PONG:
      return Read<v1::Pong>("pong", body);
    case v1::FRAME_TYPE_REFRESH:
      return Read<v1::Refresh>("refresh", body);
    default:
      return Refused{"", 0, UnknownType(fmt::format("0x{:04x}", type))};
  }
}

}  // namespace ackwire::frame
