#include "store/stub.h"

#include <string>

namespace ackwire {
namespace {

const char* HowGone(v1::Reason gone_for) {
  switch (gone_for) {
    case v1::REASON_RETENTION:
      return "was removed by retention";
    case v1::REASON_REDACTED:
      return "was redacted by an operator";
    default:
      return "was lost; an operator accepted that";
  }
}

}  // namespace

v1::Reason GoneFor(const v1::Message& stub) { return static_cast<v1::Reason>(stub.type()); }

v1::Reason AbandonedFor(v1::Reason gone_for) {
  return gone_for == v1::REASON_UNSPECIFIED ? v1::REASON_RETENTION : gone_for;
}

Status GoneStatus(const v1::Message& stub) {
  return Error(StatusCode::kNotFound, "seq: " + std::to_string(stub.seq()) + " of " +
                                          stub.channel() + " " + HowGone(GoneFor(stub)));
}

StoredMessage MakeStub(const StoredMessage& stored, v1::Reason why) {
  StoredMessage stub{stored.channel, {}, {}};
  stub.message.set_channel(stored.message.channel());
  stub.message.set_seq(stored.message.seq());
  stub.message.set_position(stored.message.position());
  *stub.message.mutable_published_at() = stored.message.published_at();
  stub.message.set_type(static_cast<std::uint32_t>(why));
  return stub;
}

}  // namespace ackwire
