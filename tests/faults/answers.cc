#include "tests/faults/answers.h"

#include <optional>
#include <sstream>

#include "store/difference.h"
#include "store/keys.h"
#include "store/proto_time.h"
#include "store/record.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {
namespace {

constexpr std::size_t kAll = 1'000'000;

std::string TextOf(const StoredMessage& stored) { return stored.message.ShortDebugString(); }
std::string TextOf(const std::optional<StoredMessage>& stored) {
  return stored ? TextOf(*stored) : "none";
}
std::string TextOf(const std::optional<std::string>& bytes) { return bytes.value_or("none"); }
std::string TextOf(const std::optional<EventId>& id) { return id ? Text(id->value) : "none"; }
std::string TextOf(const JournalEvent& event) {
  return Text(event.id.value) + " " + event.event.ShortDebugString();
}
std::string TextOf(const std::optional<JournalEvent>& event) {
  return event ? TextOf(*event) : "none";
}
std::string TextOf(const std::string& name) { return name; }
std::string TextOf(Seq seq) { return Text(seq.value); }
std::string TextOf(const ClientState& client) {
  return Text(client.subscriptions) + " " + Text(client.disconnects) + " " +
         Text(static_cast<std::uint64_t>(ToUnixMs(client.last_seen_at)));
}
std::string TextOf(const LedgerEntry& entry) {
  if (!entry.subscribed()) return "none";
  std::ostringstream out;
  out << entry.start().value << " since " << ToUnixMs(entry.created_at());
  for (const auto& [seq, retry] : entry.retries()) {
    out << ", " << seq.value << ' ' << retry.attempts << ' ' << retry.counted << ' '
        << ToUnixMs(retry.due) << ' ' << retry.reason;
  }
  return out.str();
}
std::string TextOf(const ChannelEntry& each) {
  return Text(each.channel.value) + " " + TextOf(each.entry);
}
template <typename T>
std::string TextOf(const std::vector<T>& many) {
  std::string text;
  for (const T& one : many) text += TextOf(one) + ";";
  return text;
}

class Asker {
 public:
  Asker(Store& store, const SurvivingLog& log) : store_(store), log_(log), ledger_(log) {}

  Answers Run() {
    AskLog();
    AskJournal();
    for (const auto& [id, channel] : ledger_.channels()) {
      Note("members of " + channel.name, store_.ledger().Members({id}, {.limit = kAll}));
    }
    Note("clients", store_.ledger().Clients({.limit = kAll}));
    for (const auto& [name, client] : ledger_.clients()) AskClient(name);
    AskTotals();
    return std::move(answers_);
  }

 private:
  template <typename T>
  void Note(const std::string& question, const StatusOr<T>& answer) {
    if (answer.ok()) {
      answers_[question] = TextOf(*answer);
    } else if (answer.status().code() == StatusCode::kDataLoss) {
      answers_[question] = kDataLossAnswer;
    } else {
      answers_[question] = answer.status().ToString();
    }
  }

  void AskLog() {
    for (const StoredMessage& stored : log_.messages) {
      const v1::Message& message = stored.message;
      Note("position " + Text(message.position()), store_.log().ReadAt(stored.position()));
      Note("seq " + Text(message.seq()) + " of " + message.channel(),
           store_.log().ReadSeq(stored.channel, stored.seq()));
      Note("id " + message.message_id() + " of " + message.channel(),
           store_.log().FindById(stored.channel, message.message_id()));
    }
  }

  void AskJournal() {
    for (std::uint64_t number = 1; number <= log_.records.size(); ++number) {
      const std::string question = "journal record " + Text(number);
      const auto row = store_.database().Get(Family::kJournal, keys::Journal({number}));
      Note(question, row);
      if (!row.ok() || !row->has_value()) continue;
      if (!record::Open(**row, question).ok()) answers_[question] = kDataLossAnswer;
    }
  }

  void AskClient(const std::string& client) {
    const LedgerReader& ledger = store_.ledger();
    Note("client " + client, ledger.Client(client));
    Note("subscriptions of " + client, ledger.Entries(client));
    for (const auto& [id, channel] : ledger_.channels()) {
      const std::string of = " of " + client + " to " + channel.name;
      const auto entry = ledger.Entry(client, {id});
      Note("subscription" + of, entry);
      if (entry.ok()) {
        std::string owed;
        const SeqRuns undelivered = entry->UndeliveredRuns({channel.messages.size()});
        for (const SeqRun& run : undelivered.runs()) {
          owed += Text(run.first.value) + "-" + Text(run.last.value) + " ";
        }
        answers_["undelivered" + of] = owed;
      } else {
        Note("undelivered" + of, entry);
      }
      Note("parked" + of, ledger.ParkedSeqs(client, {id}));
      for (Seq seq{1}; seq.value <= channel.messages.size(); ++seq.value) {
        const std::string which = of + ", seq " + Text(seq.value);
        Note("parked by" + which, ledger.ParkedBy(client, {id}, seq));
        Note("acknowledged" + which, ledger.AckOf(client, {id}, seq));
        Note("failures" + which, ledger.FailureEvents(client, {id}, seq, kAll));
      }
    }
  }

  void AskTotals() {
    store_.derived().Read([this](const DerivedView& view) {
      answers_["totals"] = Text(view.totals.undelivered) + " " + Text(view.totals.parked) + " " +
                           Text(view.totals.clients);
      for (const ChannelInfo& channel : view.channels.List({.limit = kAll})) {
        answers_["channel " + channel.name] = Text(channel.id.value) + " " +
                                              Text(channel.last.value) + " " +
                                              Text(channel.subscriptions);
      }
      return 0;
    });
  }

  Store& store_;
  const SurvivingLog& log_;
  const NaiveLedger ledger_;
  Answers answers_;
};

}  // namespace

Answers Ask(Store& store, const SurvivingLog& log) { return Asker(store, log).Run(); }

}  // namespace ackwire
