// Answers about an earlier time: one delivery, or one client, as it was then.
//
// Threads:  any; `done` is called on a thread of the read pool, or at once when refused.
// Lifetime: as services.h; what is asked about is copied.
#pragma once

#include <functional>

#include "ackwire/v1/deliveries.pb.h"
#include "store/status.h"
#include "tools/ackwired/services.h"
#include "tools/ackwired/steps.h"

namespace ackwire {

// Both: kInvalidArgument  `at` is in the future, or the request is otherwise none
//       kOutOfRange       `at` is before the first record of the journal that is kept
//       kDataLoss         the journal is damaged
//       kCancelled        it is not wanted any more

// REQUIRES: the request has `at`.
void AnswerDeliveryThen(const ServiceDependencies& deps, const v1::ExplainDeliveryRequest& request,
                        StillWanted wanted, std::function<void(StatusOr<v1::Delivery>)> done);

// REQUIRES: the request has `at`.
//   kNotFound  the client had neither subscribed nor connected by then
void AnswerClientThen(const ServiceDependencies& deps, const v1::GetClientRequest& request,
                      StillWanted wanted, std::function<void(StatusOr<v1::Client>)> done);

}  // namespace ackwire
