// What a channel's policy makes of a message before it is stored.
//
// Threads: any; answers come as those of Store::Submit do, on the read pool, or at once.
#pragma once

#include <functional>

#include "delivery/policies.h"
#include "store/status.h"
#include "store/store.h"
#include "store/work.h"

namespace ackwire {

// Gives it the policy's ttl where it has none; not to edits and withdrawals: who has the message
// must learn of them. A withdrawal, which has no content, is always admitted.
//   kInvalidArgument  names the field, and what the channel takes
[[nodiscard]] Status Admit(const Policies& policies, PublishWork& work);

struct Publishing {
  Store& store;
  const Policies& policies;
  std::function<void(std::function<void()>)> read;  // runs a job that may block
};
// Submits what is admitted; else its `done` is told why not. What is refused, but stored already
// under its message id, is answered as it was then.
void SubmitAdmitted(const Publishing& publishing, PublishWork work);

}  // namespace ackwire
