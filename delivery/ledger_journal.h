// LedgerJournal gathers what happens to one client's deliveries as journal events: in the order in
// which it happens, and acknowledgements that come together as one event.
//
// Threads: one owner, the ClientLedger.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/ack_window.h"
#include "store/records.pb.h"
#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

// The connection that a client's deliveries go over.
struct SessionIdentity {
  std::string id;
  std::string transport;  // websocket, sse
  std::string protocol;
  std::string remote_address;
};

// How an attempt ended without an acknowledgement.
struct HowFailed {
  AckWindow::State state;
  v1::Reason reason;
  bool counted = false;
  Timestamp due{};
};

class LedgerJournal {
 public:
  LedgerJournal(std::string client, SessionIdentity session)
      : client_(std::move(client)), session_(std::move(session)) {}

  struct Acked {
    AckWindow::Sent sent;
    bool was_parked = false;
    // A later attempt that was under way: it ends with this acknowledgement.
    std::optional<AckWindow::Sent> overtaken;
    ReplayId replay;  // it was a delivery of a replay, and not acknowledged before
  };
  void AddAcked(const Acked& acked) { acked_.push_back(acked); }
  // The next acknowledgement is the first since a disconnection.
  void EndDisconnects() { after_disconnects_ = true; }

  // Both may be added to until the next call.
  store::Event& Add(Timestamp now);
  store::Failed& AddFailed(v1::Reason reason, const std::string& detail, Timestamp now);
  void AddAbandoned(const DeliveryKey& key, v1::Reason reason, Timestamp now);
  using Runs = google::protobuf::RepeatedPtrField<store::SentRun>;
  // To the last run where it goes on with the same attempt of the same frame.
  static void AddRun(Runs& runs, const AckWindow::Sent& sent);
  // The attempt is one of those that the event made fail.
  static void AddAttempt(store::Failed& record, const AckWindow::Sent& sent, const HowFailed& how);

  // What became of a replay's delivery.
  struct Outcome {
    ReplayId replay;
    store::ReplayOutcome::Kind kind = store::ReplayOutcome::KIND_UNSPECIFIED;
    v1::Reason reason = v1::REASON_UNSPECIFIED;
    v1::DeliveryState state = v1::DELIVERY_STATE_UNSPECIFIED;
    friend auto operator<=>(const Outcome&, const Outcome&) = default;
  };
  void AddOutcome(const Outcome& outcome, const DeliveryKey& key) {
    outcomes_[{outcome, key.channel}].Add({key.seq, key.seq});
  }

  // Everything since the last call, oldest first.
  [[nodiscard]] std::vector<store::Event> Take(Timestamp now);
  [[nodiscard]] bool empty() const {
    return events_.empty() && acked_.empty() && outcomes_.empty();
  }

 private:
  void WriteAcked(Timestamp now);
  void WriteOutcomes(Timestamp now);

  const std::string client_;
  const SessionIdentity session_;
  std::vector<Acked> acked_;  // not yet an event
  bool after_disconnects_ = false;
  std::map<std::pair<Outcome, ChannelId>, SeqRuns> outcomes_;  // likewise
  std::vector<store::Event> events_;
};

}  // namespace ackwire
