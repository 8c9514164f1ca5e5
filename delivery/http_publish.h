// From an HTTP request to what the writer is asked to do, and from what came of it to the answer.
//
// Threads: any; nothing here blocks.
#pragma once

#include <string>
#include <string_view>

#include "delivery/http_api.h"
#include "delivery/http_target.h"
#include "store/status.h"
#include "store/work.h"

namespace ackwire {

// POST publishes, PUT edits, DELETE withdraws. `done`, and whose it is (Caller::Sign), are left to
// whoever asks.
//   kInvalidArgument  names the field and its limit
[[nodiscard]] StatusOr<PublishWork> MakePublish(const HttpRequest& request,
                                                const HttpTarget& target, const MessagesPath& path);

// 201, or 200 for a duplicate.
[[nodiscard]] HttpResponse PublishedResponse(const std::string& channel, const Published& published,
                                             const std::string& epoch);

}  // namespace ackwire
