// What a NaiveLedger and a store answer to the same questions, as lines of text.
#include <limits>
#include <sstream>

#include "store/proto_time.h"
#include "tests/faults/naive_ledger.h"
#include "tests/faults/replay_line.h"

namespace ackwire {
namespace {

constexpr std::size_t kAll = 1'000'000;

std::string ChannelLine(std::uint64_t id, const std::string& name, std::uint64_t last,
                        std::uint64_t subscriptions, std::int64_t published_at_ms) {
  std::ostringstream out;
  out << "channel " << id << ' ' << name << ": last seq " << last << " of " << published_at_ms
      << ", " << subscriptions << " subscriptions";
  return out.str();
}

std::string MessageLine(const v1::Message& message, std::uint64_t position_by_id) {
  return "message " + message.ShortDebugString() + ", by its id " + std::to_string(position_by_id);
}

std::string ClientLine(const std::string& name, std::uint64_t subscriptions,
                       const NaiveLedger::Client& client) {
  std::ostringstream out;
  out << "client " << name << ": " << subscriptions << " subscriptions, " << client.disconnects
      << " disconnects, seen " << client.last_seen_at_ms << ", paused at " << client.paused_at_ms
      << " for \"" << client.pause_note << '"';
  return out.str();
}

std::string SubscriptionLine(const NaiveLedger::SubscriptionKey& key,
                             const NaiveLedger::Subscription& subscription,
                             const std::vector<std::uint64_t>& undelivered) {
  std::ostringstream out;
  out << "subscription of " << key.first << " to " << key.second << ": from " << subscription.start
      << " since " << subscription.created_at_ms << ", undelivered";
  for (const std::uint64_t seq : undelivered) out << ' ' << seq;
  out << ", parked";
  for (const auto& [seq, event] : subscription.parked) out << ' ' << seq << " by " << event;
  out << ", retries";
  for (const auto& [seq, retry] : subscription.retries) {
    out << ' ' << seq << '(' << retry.attempts << ' ' << retry.counted << ' ' << retry.due_at_ms
        << ' ' << retry.reason << ')';
  }
  return out.str();
}

std::string TotalsLine(const Totals& totals) {
  return "undelivered " + std::to_string(totals.undelivered) + ", parked " +
         std::to_string(totals.parked) + ", clients " + std::to_string(totals.clients);
}

// Asks a store and gathers the lines; stops at the first error.
class Asker {
 public:
  explicit Asker(const StoreReaders& store) : store_(store) {}

  StatusOr<std::vector<std::string>> Run() {
    const auto channels = store_.derived.Read(
        [](const DerivedView& view) { return view.channels.List({.limit = kAll}); });
    std::map<ChannelId, ChannelInfo> by_id;
    for (const ChannelInfo& channel : channels) by_id[channel.id] = channel;
    for (const auto& [id, channel] : by_id) AskChannel(channel);
    const auto clients = store_.ledger.Clients({.limit = kAll});
    if (Keep(clients.status())) {
      for (const std::string& client : *clients) AskClient(client, by_id);
    }
    if (!status_.ok()) return status_;
    for (std::string& line : DescribeReplaysOf(store_.derived)) lines_.push_back(std::move(line));
    lines_.push_back(
        TotalsLine(store_.derived.Read([](const DerivedView& view) { return view.totals; })));
    return std::move(lines_);
  }

 private:
  bool Keep(const Status& status) {
    status_.Update(status);
    return status.ok();
  }

  void AskChannel(const ChannelInfo& channel) {
    lines_.push_back(ChannelLine(channel.id.value, channel.name, channel.last.value,
                                 channel.subscriptions, ToUnixMs(channel.last_published_at)));
    const auto messages = store_.log.ReadChannel(
        channel.id, {.messages_max = kAll, .bytes_max = std::numeric_limits<std::size_t>::max()});
    if (!Keep(messages.status())) return;
    for (const StoredMessage& stored : *messages) {
      const auto found = store_.log.FindById(channel.id, stored.message.message_id());
      if (!Keep(found.status())) return;
      lines_.push_back(
          MessageLine(stored.message, found->has_value() ? (*found)->position().value : 0));
    }
    const auto members = store_.ledger.Members(channel.id, {.limit = kAll});
    if (!Keep(members.status())) return;
    for (const std::string& member : *members) lines_.push_back("member " + member);
  }

  void AskClient(const std::string& client, const std::map<ChannelId, ChannelInfo>& channels) {
    const auto state = store_.ledger.Client(client);
    const auto entries = store_.ledger.Entries(client);
    if (!Keep(state.status()) || !Keep(entries.status())) return;
    lines_.push_back(ClientLine(client, state->subscriptions,
                                {.last_seen_at_ms = ToUnixMs(state->last_seen_at),
                                 .disconnects = state->disconnects,
                                 .paused_at_ms = ToUnixMs(state->paused_at),
                                 .pause_note = state->pause_note}));
    for (const ChannelEntry& each : *entries) {
      AskSubscription({client, each.channel.value}, each.entry, channels.at(each.channel).last);
    }
  }

  void AskSubscription(const NaiveLedger::SubscriptionKey& key, const LedgerEntry& entry,
                       Seq last) {
    NaiveLedger::Subscription plain{.start = entry.start().value,
                                    .created_at_ms = ToUnixMs(entry.created_at())};
    const auto parked = store_.ledger.ParkedSeqs(key.first, {key.second});
    if (!Keep(parked.status())) return;
    for (const Seq seq : *parked) {
      const auto by = store_.ledger.ParkedBy(key.first, {key.second}, seq);
      if (!Keep(by.status())) return;
      plain.parked[seq.value] = by->value_or(EventId{}).value;
    }
    for (const auto& [seq, retry] : entry.retries()) {
      plain.retries[seq.value] = {retry.attempts, retry.counted, ToUnixMs(retry.due), retry.reason};
    }
    std::vector<std::uint64_t> undelivered;
    const SeqRuns runs = entry.UndeliveredRuns(last);
    for (const SeqRun& run : runs.runs()) {
      for (Seq seq = run.first; seq <= run.last; ++seq.value) undelivered.push_back(seq.value);
    }
    lines_.push_back(SubscriptionLine(key, plain, undelivered));
  }

  const StoreReaders& store_;
  std::vector<std::string> lines_;
  Status status_;
};

}  // namespace

void NaiveLedger::DescribeChannels(std::vector<std::string>& lines) const {
  for (const auto& [id, channel] : channels_) {
    std::vector<std::string> members;
    for (const auto& [key, subscription] : subscriptions_) {
      if (key.second == id) members.push_back("member " + key.first);
    }
    const std::int64_t published_at_ms =
        channel.messages.empty() ? 0 : ToUnixMs(TimeOf(channel.messages.back().published_at()));
    lines.push_back(
        ChannelLine(id, channel.name, channel.messages.size(), members.size(), published_at_ms));
    for (const v1::Message& message : channel.messages) {
      lines.push_back(MessageLine(message, message.position()));
    }
    lines.insert(lines.end(), members.begin(), members.end());
  }
}

void NaiveLedger::DescribeClients(std::vector<std::string>& lines) const {
  for (const auto& [name, client] : clients_) {
    std::vector<std::string> subscriptions;
    for (const auto& [key, subscription] : subscriptions_) {
      if (key.first != name) continue;
      subscriptions.push_back(SubscriptionLine(key, subscription, Undelivered(key)));
    }
    lines.push_back(ClientLine(name, subscriptions.size(), client));
    lines.insert(lines.end(), subscriptions.begin(), subscriptions.end());
  }
}

std::vector<std::string> NaiveLedger::Describe() const {
  std::vector<std::string> lines;
  DescribeChannels(lines);
  DescribeClients(lines);
  DescribeReplays(lines);
  Totals totals{.clients = clients_.size()};
  for (const auto& [key, subscription] : subscriptions_) {
    totals.undelivered += Undelivered(key).size();
    totals.parked += subscription.parked.size();
  }
  lines.push_back(TotalsLine(totals));
  return lines;
}

StatusOr<std::vector<std::string>> DescribeStore(const StoreReaders& store) {
  return Asker(store).Run();
}

}  // namespace ackwire
