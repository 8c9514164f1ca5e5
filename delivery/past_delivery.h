// PastDelivery is one delivery as it was at an earlier time: the facts that Explain decides on, as
// they were then, folded from the events of the delivery's client.
//
// As it is now, not as it was: the policy (the wait for an acknowledgement, the attempts there may
// be, the order of a channel). And damage on disk, which is not on record, holds nothing up.
//
// Threads: one owner. No I/O.
// Bounds:  those of PastClient, and kPastFailuresMax events.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "delivery/explain.h"
#include "delivery/past_client.h"
#include "delivery/policy.h"

namespace ackwire {

// More than anyone reads; the newest are kept.
inline constexpr std::size_t kPastFailuresMax = 1000;

class PastDelivery {
 public:
  // `asked` says which delivery, and has the message if it was published by then; `now` in it is
  // the time it is about.
  PastDelivery(DeliveryFacts asked, Ordering ordering);

  // As those of PastClient.
  void Begin(const JournalReader::Beginning& beginning);
  void Add(const JournalEvent& event);
  void AddInFlight(const std::vector<AckWindow::Sent>& now) { client_.AddInFlight(now); }
  [[nodiscard]] const PastClient& client() const { return client_; }

  [[nodiscard]] DeliveryFacts Facts() const;

 private:
  void Keep(const JournalEvent& event);
  void Unpark();
  [[nodiscard]] LiveDelivery Live() const;

  const DeliveryFacts asked_;
  const Ordering ordering_;
  PastClient client_;
  std::deque<JournalEvent> failures_;
  std::optional<JournalEvent> parked_;
  bool parked_before_ = false;  // by a record that is not kept
  std::optional<JournalEvent> acked_;
};

// Explains it, in a sentence that says of which time it speaks, and also whether anything was on
// record by then.
[[nodiscard]] v1::Delivery ExplainThen(const DeliveryFacts& facts,
                                       std::optional<Timestamp> log_begins);

}  // namespace ackwire
