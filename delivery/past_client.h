// PastClient is one client as it was at an earlier time: a fold over the journal's events of that
// client. What had happened by then is folded by the classes that fold the present; what was in
// flight then is told by the events that ended those attempts later, which say when each was sent.
//
// An event counts for the time at which it happened, which is up to a flush of the journal (some 50
// ms) before its record was committed. An acknowledgement happens when it is put down to be
// recorded, a few milliseconds after it arrived, if nothing asks for it sooner.
//
// Not on record, and so not told: what was in flight when a server was killed, and that its
// sessions ended then; a session lasts, here, until it is closed or its client opens another. Of a
// session that was opened before the first record that is kept, only what later events say of it.
//
// Threads: one owner. No I/O.
// Bounds:  the client's subscriptions, and its window of attempts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "delivery/ack_window.h"
#include "store/journal_reader.h"
#include "store/ledger_entry.h"
#include "store/ledger_fold.h"
#include "store/ledger_reader.h"
#include "store/types.h"

namespace ackwire::store {
class Event;
}

namespace ackwire {

class PastClient {
 public:
  explicit PastClient(Timestamp at) : at_(at) {}

  // What it was when the first record that is kept came, before all that is added.
  void Begin(const JournalReader::Beginning& beginning);
  // In the order of the journal, from its beginning on.
  void Add(const JournalEvent& event);
  // What is in flight now. REQUIRES: all that happened before it was asked for was added.
  void AddInFlight(const std::vector<AckWindow::Sent>& now);

  // Later events may tell of what was in flight then.
  [[nodiscard]] bool MayHaveMore() const {
    return (session_.has_value() || may_be_open_) && !session_over_;
  }

  struct Session {
    std::string id;
    std::string transport;
    std::string protocol;
    std::string remote_address;
    Timestamp opened_at{};
    std::uint32_t window = 0;  // 0: not on record
  };
  struct Attempt {
    std::uint32_t number = 0;
    Timestamp sent_at{};
    bool went_on = false;  // over this connection, after its end with an earlier one
  };

  [[nodiscard]] Timestamp at() const { return at_; }
  [[nodiscard]] const ClientState& state() const { return state_; }
  // Also of subscriptions that had ended: not subscribed().
  [[nodiscard]] const std::map<ChannelId, LedgerEntry>& entries() const { return entries_; }
  [[nodiscard]] LedgerEntry Entry(ChannelId channel) const;
  // None while it was offline.
  [[nodiscard]] const std::optional<Session>& session() const { return session_; }
  [[nodiscard]] const std::map<DeliveryKey, Attempt>& in_flight() const { return in_flight_; }
  // Of the session: what it had sent, all connections counted that it had resumed; and what was
  // acknowledged over this one.
  [[nodiscard]] std::uint64_t sent() const { return ended_ + in_flight_.size(); }
  [[nodiscard]] std::uint64_t acked() const { return acked_; }

 private:
  void Fold(const JournalEvent& event);
  // Counts what it says of the session's attempts.
  void Count(const store::Event& event);
  // The first event that names a session opened before the journal's beginning, if there is one.
  void FindOpenSession(const store::Event& event);
  // It happened later: the attempts that it ended may have been under way.
  void NoteEnded(const store::Event& event);
  template <typename Runs>
  void NoteRuns(ChannelId channel, const Runs& runs);
  void NoteAttempt(const DeliveryKey& key, const Attempt& attempt);
  // It had ended by then, and did not go on: what comes later is a late acknowledgement.
  [[nodiscard]] bool HadEnded(const DeliveryKey& key, const Attempt& attempt) const;

  const Timestamp at_;
  ClientState state_;
  std::map<ChannelId, LedgerEntry> entries_;
  std::optional<Session> session_;
  bool may_be_open_ = false;  // since before the journal's beginning: an event will tell
  std::string last_session_;
  std::uint64_t ended_ = 0;  // attempts of the last session
  std::uint64_t acked_ = 0;
  std::map<DeliveryKey, Attempt> in_flight_;
  // Of the events that happened later.
  bool session_over_ = false;
  std::set<ChannelId> channels_over_;
};

}  // namespace ackwire
