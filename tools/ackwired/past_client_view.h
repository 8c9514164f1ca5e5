// What operators are shown of a client as it was at an earlier time: ClientView's of the past.
//
// Threads: any; blocks on disk.
#pragma once

#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/past_client.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

//   kNotFound  it had neither subscribed nor connected by then
[[nodiscard]] StatusOr<v1::Client> ViewThen(const Store& store, const std::string& client,
                                            const PastClient& past);

}  // namespace ackwire
