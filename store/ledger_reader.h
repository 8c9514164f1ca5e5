// LedgerReader reads what clients are owed and what became of it, as of the last commit: stored
// rows with the tails folded onto them.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/ledger_entry.h"
#include "store/ledger_fold.h"
#include "store/status.h"

namespace ackwire {

// An event of the journal and when it was committed.
struct JournalEvent {
  EventId id;
  Timestamp committed_at{};
  store::Event event;
};
// Whether it acknowledges this delivery of its client, also one that was parked; whether it makes
// it fail, for now or for good.
[[nodiscard]] bool Acknowledges(const store::Event& event, ChannelId channel, Seq seq);
[[nodiscard]] bool TellsOfFailure(const store::Event& event, ChannelId channel, Seq seq);

struct ParkedDelivery {
  std::string client;
  ChannelId channel;
  Seq seq;
  EventId by;  // the event that parked it
  friend bool operator==(const ParkedDelivery&, const ParkedDelivery&) = default;
};

struct ChannelEntry {
  ChannelId channel;
  LedgerEntry entry;
};

class LedgerReader {
 public:
  LedgerReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // All of these: kDataLoss for a damaged row.

  [[nodiscard]] StatusOr<ClientState> Client(const std::string& client) const;
  // Not subscribed() when there is no subscription.
  [[nodiscard]] StatusOr<LedgerEntry> Entry(const std::string& client, ChannelId channel) const;
  // All subscriptions of a client, in order of channel.
  [[nodiscard]] StatusOr<std::vector<ChannelEntry>> Entries(const std::string& client) const;

  // Names in order, which come after `after` and begin with `prefix`.
  struct Page {
    std::string prefix;
    std::string after;
    std::size_t limit = 0;
  };
  [[nodiscard]] StatusOr<std::vector<std::string>> Clients(const Page& page) const;
  // The clients subscribed to a channel, at the cost of the page.
  [[nodiscard]] StatusOr<std::vector<std::string>> Members(ChannelId channel,
                                                           const Page& page) const;

  // The event that parked it; none when it is not parked.
  [[nodiscard]] StatusOr<std::optional<EventId>> ParkedBy(const std::string& client,
                                                          ChannelId channel, Seq seq) const;
  [[nodiscard]] StatusOr<std::vector<Seq>> ParkedSeqs(const std::string& client,
                                                      ChannelId channel) const;
  // Of a run, or of several, what is parked.
  [[nodiscard]] StatusOr<SeqRuns> ParkedOf(const std::string& client, ChannelId channel,
                                           SeqRun seqs) const;
  [[nodiscard]] StatusOr<SeqRuns> ParkedOf(const std::string& client, ChannelId channel,
                                           const SeqRuns& seqs) const;
  // All that is parked, in order of client, channel and seq, a part at a time: it may hold fewer
  // than the limit, or none, before the end.
  struct ParkedQuery {
    std::string client;  // empty: of all
    ChannelId channel;   // with a client; zero: of all
    std::string from;    // where the part before ended; empty: at the beginning
    std::size_t limit = 0;
  };
  struct ParkedPage {
    std::vector<ParkedDelivery> deliveries;
    std::string next;  // empty at the end
  };
  [[nodiscard]] StatusOr<ParkedPage> Parked(const ParkedQuery& query) const;

  // The newest acknowledgement on record that ends at or after `seq`, if it covers it.
  [[nodiscard]] StatusOr<std::optional<JournalEvent>> AckOf(const std::string& client,
                                                            ChannelId channel, Seq seq) const;
  // What acknowledgements on record cover of a run, and perhaps of what is beside it. Where the
  // journal was trimmed, also what is settled without anything on record of how.
  [[nodiscard]] StatusOr<SeqRuns> AckedOf(const std::string& client, ChannelId channel,
                                          SeqRun seqs) const;
  // The events that made `seq` of a subscription fail, oldest first, at most the newest `limit`.
  [[nodiscard]] StatusOr<std::vector<JournalEvent>> FailureEvents(const std::string& client,
                                                                  ChannelId channel, Seq seq,
                                                                  std::size_t limit) const;

  //   kNotFound  there is no such event (any more)
  [[nodiscard]] StatusOr<JournalEvent> Event(EventId id) const;

 private:
  [[nodiscard]] StatusOr<std::vector<Seq>> ParkedSeqs(const Database::Range& range) const;
  // The event of the first acknowledged run on record that ends at `seq` or later.
  [[nodiscard]] StatusOr<std::optional<EventId>> NextAck(const std::string& client,
                                                         ChannelId channel, Seq seq) const;
  // The events of a ledger key that the tails hold, oldest first.
  [[nodiscard]] std::vector<TailEvent> TailEvents(const std::string& key) const;
  // Stored rows of a plain family in the range with the tails' rows put over them.
  [[nodiscard]] StatusOr<std::map<std::string, std::string>> Rows(
      Family family, const Database::Range& range) const;
  // The first of these: at most `limit` rows on disk and as many of each tail. `next` is where what
  // is not looked at begins.
  struct Part {
    std::map<std::string, std::string> rows;
    std::string next;
  };
  [[nodiscard]] StatusOr<Part> NextPart(Family family, const Database::Range& range,
                                        std::size_t limit) const;
  [[nodiscard]] StatusOr<JournalEvent> FindEvent(EventId id) const;
  [[nodiscard]] Status NotAKey(const std::string& where, const std::string& key) const;
  // Of a run, what is settled and neither parked nor abandoned on record.
  [[nodiscard]] StatusOr<SeqRuns> SettledWithoutRecord(const std::string& client, ChannelId channel,
                                                       SeqRun seqs) const;
  // The next key of family `ledger` at or after `key`, in the tails or stored; empty at the end.
  [[nodiscard]] StatusOr<std::string> NextLedgerKey(const std::string& key) const;

  const Database& database_;
  const Derived& derived_;
};

}  // namespace ackwire
