// Steps are a long piece of work on the read pool, one bounded step a job: others get at the pool
// in between. They end as soon as nobody waits for what they come to.
//
// Threads:  RunSteps from any; all of Steps is called on the read pool, one at a time.
// Lifetime: RunSteps borrows the server until `done` was called.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/status.h"

namespace ackwire {

// Whether whoever asked still waits for the answer. Called on the thread of the read pool.
using StillWanted = std::function<bool()>;

struct Steps {
  std::function<StatusOr<bool>()> step;  // true: that was the last
  StillWanted wanted;                    // asked before each
  // With what the last one said, or
  //   kCancelled  it is not wanted any more
  std::function<void(const Status&)> done;
};

template <typename Server>
void TakeNextStep(Server& server, const std::shared_ptr<const Steps>& steps) {
  server.Read([&server, steps] {
    if (!steps->wanted()) {
      return steps->done(Error(StatusCode::kCancelled, "not wanted any more"));
    }
    const StatusOr<bool> last = steps->step();
    if (!last.ok() || *last) return steps->done(last.status());
    TakeNextStep(server, steps);
  });
}

// `server`: whose Read runs a job on the pool.
template <typename Server>
void RunSteps(Server& server, Steps steps) {
  TakeNextStep(server, std::make_shared<const Steps>(std::move(steps)));
}

}  // namespace ackwire
