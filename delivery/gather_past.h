// What an answer about an earlier time is made of: the message as it was known then, and the walk
// over the journal that brings the past about, a bounded page at a time.
//
// Threads: any; every call may block on disk.
#pragma once

#include <cstddef>
#include <functional>

#include "delivery/explain.h"
#include "delivery/past_client.h"
#include "delivery/policies.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

// Records that one page passes: some tens of milliseconds, so that others get their turn.
inline constexpr std::size_t kPastRecordsAtOnce = 20'000;

// The facts of which message it is about, as of `at`: one that was published later is none.
//   kInvalidArgument  as GatherFacts
[[nodiscard]] StatusOr<DeliveryFacts> GatherMessageThen(const Store& store,
                                                        const Policies& policies,
                                                        const DeliveryQuestion& question,
                                                        Timestamp at);

// The channel's last seq at that time; zero when it had none.
[[nodiscard]] StatusOr<Seq> LastThen(const Store& store, ChannelId channel, Timestamp at);

// When the first message was published or the first event recorded; none while there is neither.
[[nodiscard]] StatusOr<std::optional<Timestamp>> LogBeginsAt(const Store& store);

// Walks the journal from its first record until all is known of `client` at `past.at()`.
class PastWalk {
 public:
  // `past` is what both bring about. Borrows the store.
  struct Told {
    std::function<void(const JournalReader::Beginning&)> begin;
    std::function<void(const JournalEvent&)> add;
  };
  PastWalk(const Store& store, std::string client, const PastClient& past, Told told);

  // Returns whether it has come to its end. After that it may not be called.
  //   as JournalReader::BeginningOf and Walk
  //   kOutOfRange  it is about a time before that from which on the past is known
  [[nodiscard]] StatusOr<bool> Step(std::size_t records_max = kPastRecordsAtOnce);

 private:
  [[nodiscard]] Status Begin();

  const Store& store_;
  const PastClient& past_;
  const Told told_;
  JournalReader::Part part_;
  bool begun_ = false;
};

}  // namespace ackwire
