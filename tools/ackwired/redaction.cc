#include "tools/ackwired/redaction.h"

#include <utility>

#include "delivery/find_message.h"
#include "store/eraser.h"
#include "store/limits.h"
#include "store/proto_time.h"

namespace ackwire {
namespace {

Status Check(const v1::RedactRequest& request) {
  if (Status status = CheckChannelName(request.channel()); !status.ok()) return status;
  if (Status status = CheckNote("note", request.note()); !status.ok()) return status;
  if (request.seq() != 0) return OkStatus();
  return InvalidArgument("seq: must be the seq of the message to redact, from 1");
}

}  // namespace

void Redact(const ServiceDependencies& deps, const v1::RedactRequest& request,
            const Redacted& done) {
  if (Status status = Check(request); !status.ok()) return done(status);
  deps.delivery.Read([deps, request, done] {
    const StatusOr<StoredMessage> stored =
        FindMessage(deps.store, {request.channel(), Seq{request.seq()}, ""});
    if (!stored.ok()) return done(stored.status());
    deps.delivery.Redact(stored->channel, stored->seq(), request.note(),
                         [deps, done](const Status& status) {
                           if (!status.ok()) return done(status);
                           v1::RedactResponse response;
                           SetTime(*response.mutable_erased_by(), deps.clock.Now() + kEraseWithin);
                           done(response);
                         });
  });
}

}  // namespace ackwire
