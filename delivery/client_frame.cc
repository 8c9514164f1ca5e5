#include "delivery/client_frame.h"

#include <limits>

#include "store/limits.h"

namespace ackwire::frame {
namespace {

constexpr std::size_t kDeliveriesNamedMax = 4096;
constexpr std::size_t kNackReasonBytesMax = 1024;
constexpr std::uint32_t kFrameBytesMin = 1024;  // what a welcome without subscriptions needs

// Errors of store/limits.h begin with the field's name.
Status At(const std::string& path, const Status& status) {
  return status.ok() ? status : InvalidArgument(path + MessageOf(status));
}

std::string AtMost(const char* field, std::size_t most, const char* of_what, std::size_t has) {
  return std::string(field) + ": must have at most " + std::to_string(most) + " " + of_what +
         ", has " + std::to_string(has);
}

Status CheckDeliveries(const std::vector<std::uint64_t>& deliveries) {
  if (deliveries.empty()) {
    return InvalidArgument("deliveries: must name 1 to " + std::to_string(kDeliveriesNamedMax) +
                           " deliveries, names none");
  }
  if (deliveries.size() <= kDeliveriesNamedMax) return OkStatus();
  return InvalidArgument(AtMost("deliveries", kDeliveriesNamedMax, "elements", deliveries.size()));
}

Status CheckOne(const Subscribe& frame) { return CheckChannelName(frame.channel); }
Status CheckOne(const Unsubscribe& frame) { return CheckChannelName(frame.channel); }

Status CheckOne(const Connect& frame) {
  if (Status status = CheckClientName(frame.client); !status.ok()) return status;
  if (frame.resume && frame.resume->session.empty()) {
    return InvalidArgument("resume.session: must be the session to go on from, is empty");
  }
  const std::size_t subscriptions = frame.subscriptions.size();
  if (subscriptions > kSubscriptionsOfClientMax) {
    return InvalidArgument(
        AtMost("subscriptions", kSubscriptionsOfClientMax, "elements", subscriptions));
  }
  for (std::size_t i = 0; i < subscriptions; ++i) {
    Status status =
        At("subscriptions[" + std::to_string(i) + "].", CheckOne(frame.subscriptions[i]));
    if (!status.ok()) return status;
  }
  if (frame.max_frame_bytes == 0 || frame.max_frame_bytes >= kFrameBytesMin) return OkStatus();
  return InvalidArgument("maxFrameBytes: must be 0 (the server's) or a whole number from " +
                         std::to_string(kFrameBytesMin) + " to " +
                         std::to_string(std::numeric_limits<std::uint32_t>::max()) + ", got " +
                         std::to_string(frame.max_frame_bytes));
}

Status CheckOne(const Ack& frame) {
  const bool named = !frame.deliveries.empty();
  if ((frame.up_to != 0) != named) return named ? CheckDeliveries(frame.deliveries) : OkStatus();
  return InvalidArgument(std::string("deliveries: an ack has either these or upTo, this has ") +
                         (named ? "both" : "neither"));
}

Status CheckOne(const Nack& frame) {
  if (Status status = CheckDeliveries(frame.deliveries); !status.ok()) return status;
  if (frame.reason.size() <= kNackReasonBytesMax) return OkStatus();
  return InvalidArgument(AtMost("reason", kNackReasonBytesMax, "bytes", frame.reason.size()));
}

Status CheckOne(const Working& frame) { return CheckDeliveries(frame.deliveries); }

Status CheckOne(const Refresh& frame) {
  return frame.token.empty() ? InvalidArgument("token: must be the new token, is empty")
                             : OkStatus();
}

Status CheckOne(const Pong& /*frame*/) { return OkStatus(); }
Status CheckOne(const Malformed& /*frame*/) { return OkStatus(); }
Status CheckOne(const Refused& /*frame*/) { return OkStatus(); }

}  // namespace

Status Check(const ClientFrame& frame) {
  return std::visit([](const auto& each) { return CheckOne(each); }, frame);
}

Status UnknownType(const std::string& got) {
  return InvalidArgument(
      "type: must be connect, subscribe, unsubscribe, ack, nack, working, refresh or pong, got " +
      got);
}

}  // namespace ackwire::frame
