#include "store/stub.h"

namespace ackwire {

v1::Reason GoneFor(const v1::Message& stub) { return static_cast<v1::Reason>(stub.type()); }

const char* HowGone(const v1::Message& stub) {
  switch (GoneFor(stub)) {
    case v1::REASON_RETENTION:
      return "was removed by retention";
    case v1::REASON_REDACTED:
      return "was redacted by an operator";
    default:
      return "was lost; an operator accepted that";
  }
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
