// Remover takes messages out of the log, and tells all who were owed them: what each client is owed
// no more is abandoned, in an event of its own, and a connected one is sent a `gap`.
//
// Durable:  once `done` is called with OK. Cut off, what is removed stays removed, and a client is
//           told when its turn comes.
// Threads:  any; it works on the read pool, and waits for nothing there.
// Lifetime: borrows all it is given; they must outlive what is under way.
#pragma once

#include <functional>

#include "delivery/client_homes.h"
#include "store/removal.h"
#include "store/seq_runs.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

class Remover {
 public:
  struct Dependencies {
    Store& store;
    ClientHomes& homes;
    std::function<void(std::function<void()>)> read;  // runs a job that may block
  };
  explicit Remover(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  struct Order {
    ChannelId channel;
    SeqRuns seqs;
    RemovalOrder why;
  };
  using Done = std::function<void(const Status&)>;
  // Parked deliveries of them are abandoned with the rest. A client that cannot be told hinders no
  // other, and is told when its turn comes.
  //   kDataLoss     a message, or the row of somebody who is owed one, is damaged
  //   kUnavailable  the log takes no more writes
  void Remove(Order order, Done done) const;
  // Tells of what was removed before.
  void Tell(Order order, Done done) const;

 private:
  class Removing;
  const Dependencies deps_;
};

}  // namespace ackwire
