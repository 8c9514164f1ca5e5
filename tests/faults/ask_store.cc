#include "tests/faults/ask_store.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace ackwire {
namespace {

constexpr std::size_t kAll = 1'000'000;

Answered Refused(const std::string& question, const Status& status) {
  if (status.code() == StatusCode::kUnavailable) return {status, ""};
  return {status, question + ": an I/O error was answered with " + status.ToString()};
}

Answered Judge(const std::string& question, bool right) {
  return {.problem = right ? "" : question + ": the answer is wrong"};
}

bool Same(const v1::Message& one, const v1::Message& other) {
  return one.SerializeAsString() == other.SerializeAsString();
}

// One question of one kind. REQUIRES: there is a channel with a message in it.
class Question {
 public:
  Question(const StoreReaders& store, const NaiveLedger& ledger, Rng& rng)
      : store_(store), ledger_(ledger), rng_(rng) {
    do {
      channel_ = &*AnyOf(ledger.channels());
    } while (messages().empty());
    message_ = &messages()[rng_.Next() % messages().size()];
  }

  Answered ByPosition() {
    const std::string what = "position " + std::to_string(message_->position());
    const auto found = store_.log.ReadAt({message_->position()});
    if (!found.ok()) return Refused(what, found.status());
    return Judge(what, Same(found->message, *message_));
  }

  Answered LogFromPosition() {
    const std::string what = "the log from position " + std::to_string(message_->position());
    const ReadRange range = AnyRange(message_->position());
    const auto found = store_.log.ReadLog(range);
    if (!found.ok()) return Refused(what, found.status());
    std::uint64_t position = message_->position();
    for (const StoredMessage& stored : *found) {
      const auto known = ledger_.channels().find(stored.channel.value);
      if (known == ledger_.channels().end()) return Judge(what, false);
      const std::vector<v1::Message>& all = known->second.messages;
      const std::uint64_t seq = stored.seq().value;
      const bool right = seq != 0 && seq <= all.size() && Same(stored.message, all[seq - 1]) &&
                         stored.position().value == position;
      if (!right) return Judge(what, false);
      position = range.direction == Direction::kForward ? position + 1 : position - 1;
    }
    return Judge(what, !found->empty());
  }

  Answered ChannelFromSeq() {
    const std::string what = "channel " + name() + " from seq " + std::to_string(message_->seq());
    const ReadRange range = AnyRange(message_->seq());
    const auto found = store_.log.ReadChannel(channel(), range);
    if (!found.ok()) return Refused(what, found.status());
    const bool forward = range.direction == Direction::kForward;
    const std::uint64_t there = forward ? messages().size() - message_->seq() + 1 : message_->seq();
    const std::uint64_t whole = std::min<std::uint64_t>(range.messages_max, there);
    if (found->empty() || found->size() > whole) return Judge(what, false);
    std::uint64_t seq = message_->seq();
    for (const StoredMessage& stored : *found) {
      if (!Same(stored.message, messages()[seq - 1])) return Judge(what, false);
      seq = forward ? seq + 1 : seq - 1;
    }
    Answered answered = Judge(what, true);
    answered.cut_short = found->size() < whole;
    return answered;
  }

  Answered ById() {
    const std::string what = "message id " + message_->message_id();
    const auto found = store_.log.FindById(channel(), message_->message_id());
    if (!found.ok()) return Refused(what, found.status());
    return Judge(what, found->has_value() && Same((*found)->message, *message_));
  }

  Answered UnknownId() {
    const std::string what = "an id that was never given";
    const auto found = store_.log.FindById(channel(), "never " + std::to_string(rng_.Next()));
    if (!found.ok()) return Refused(what, found.status());
    return Judge(what, !found->has_value());
  }

  Answered Clients() {
    const auto found = store_.ledger.Clients({.limit = kAll});
    if (!found.ok()) return Refused("the clients", found.status());
    std::vector<std::string> names;
    for (const auto& [client, state] : ledger_.clients()) names.push_back(client);
    return Judge("the clients", *found == names);
  }

  Answered Client() {
    if (ledger_.clients().empty()) return {};
    const auto& [client, known] = *AnyOf(ledger_.clients());
    const auto found = store_.ledger.Client(client);
    if (!found.ok()) return Refused(client, found.status());
    std::uint64_t subscriptions = 0;
    for (const auto& [key, subscription] : ledger_.subscriptions()) {
      subscriptions += key.first == client ? 1 : 0;
    }
    return Judge(client,
                 found->disconnects == known.disconnects && found->subscriptions == subscriptions);
  }

  Answered Members() {
    const std::string what = "members of " + name();
    const auto found = store_.ledger.Members(channel(), {.limit = kAll});
    if (!found.ok()) return Refused(what, found.status());
    std::vector<std::string> members;
    for (const auto& [key, subscription] : ledger_.subscriptions()) {
      if (key.second == channel().value) members.push_back(key.first);
    }
    return Judge(what, *found == members);
  }

  Answered Subscription() {
    if (ledger_.subscriptions().empty()) return {};
    const auto& [key, known] = *AnyOf(ledger_.subscriptions());
    const std::string what = "what " + key.first + " is owed";
    const auto found = store_.ledger.Entry(key.first, {key.second});
    if (!found.ok()) return Refused(what, found.status());
    const Seq last{ledger_.channels().at(key.second).messages.size()};
    std::vector<std::uint64_t> owed;
    const SeqRuns runs = found->UndeliveredRuns(last);
    for (const SeqRun& run : runs.runs()) {
      for (Seq seq = run.first; seq <= run.last; ++seq.value) owed.push_back(seq.value);
    }
    return Judge(what, found->start().value == known.start && owed == ledger_.Undelivered(key));
  }

  Answered Subscriptions() {
    if (ledger_.subscriptions().empty()) return {};
    const std::string client = AnyOf(ledger_.subscriptions())->first.first;
    const auto found = store_.ledger.Entries(client);
    if (!found.ok()) return Refused("the subscriptions of " + client, found.status());
    std::vector<std::uint64_t> channels;
    for (const ChannelEntry& each : *found) channels.push_back(each.channel.value);
    std::vector<std::uint64_t> expected;
    for (const auto& [key, known] : ledger_.subscriptions()) {
      if (key.first == client) expected.push_back(key.second);
    }
    return Judge("the subscriptions of " + client, channels == expected);
  }

  Answered Parked() {
    if (ledger_.subscriptions().empty()) return {};
    const auto& [key, known] = *AnyOf(ledger_.subscriptions());
    const std::string what = "what is parked for " + key.first;
    const auto found = store_.ledger.ParkedSeqs(key.first, {key.second});
    if (!found.ok()) return Refused(what, found.status());
    std::vector<std::uint64_t> seqs;
    for (const Seq seq : *found) seqs.push_back(seq.value);
    std::vector<std::uint64_t> expected;
    for (const auto& [seq, event] : known.parked) expected.push_back(seq);
    return Judge(what, seqs == expected);
  }

  Answered ParkedBy() {
    if (ledger_.subscriptions().empty()) return {};
    const auto& [key, known] = *AnyOf(ledger_.subscriptions());
    if (known.parked.empty()) return {};
    const auto& [seq, event] = *AnyOf(known.parked);
    const std::string what = "what parked seq " + std::to_string(seq) + " for " + key.first;
    const auto found = store_.ledger.ParkedBy(key.first, {key.second}, {seq});
    if (!found.ok()) return Refused(what, found.status());
    if (!found->has_value() || (*found)->value != event) return Judge(what, false);
    const auto record = store_.ledger.Event(**found);
    if (!record.ok()) return Refused(what, record.status());
    return Judge(what, record->event.has_parked() && record->event.parked().seq() == seq);
  }

 private:
  template <typename Map>
  typename Map::const_iterator AnyOf(const Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(rng_.Next() % map.size()));
  }
  ReadRange AnyRange(std::uint64_t from) {
    return {.from = from,
            .messages_max = 1 + rng_.Next() % 8,
            .direction = rng_.Next() % 2 == 0 ? Direction::kForward : Direction::kReverse};
  }
  [[nodiscard]] ChannelId channel() const { return {channel_->first}; }
  [[nodiscard]] const std::string& name() const { return channel_->second.name; }
  [[nodiscard]] const std::vector<v1::Message>& messages() const {
    return channel_->second.messages;
  }

  const StoreReaders& store_;
  const NaiveLedger& ledger_;
  Rng& rng_;
  const std::pair<const std::uint64_t, NaiveLedger::Channel>* channel_;
  const v1::Message* message_;
};

constexpr std::array kQuestions = {
    &Question::ByPosition,    &Question::LogFromPosition, &Question::ChannelFromSeq,
    &Question::ById,          &Question::UnknownId,       &Question::Clients,
    &Question::Client,        &Question::Members,         &Question::Subscription,
    &Question::Subscriptions, &Question::Parked,          &Question::ParkedBy,
};

}  // namespace

Answered AskStore(const StoreReaders& store, const NaiveLedger& ledger, Rng& rng) {
  const bool messages =
      std::any_of(ledger.channels().begin(), ledger.channels().end(),
                  [](const auto& channel) { return !channel.second.messages.empty(); });
  if (!messages) return {};
  Question question(store, ledger, rng);
  return (question.*kQuestions[rng.Next() % kQuestions.size()])();
}

}  // namespace ackwire
