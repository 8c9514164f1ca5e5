#include "delivery/receipts.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "delivery/explain.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "store/stub.h"

namespace ackwire {
namespace {

constexpr std::size_t kFailuresAtOnce = 10'000;
constexpr std::size_t kMembersAtOnce = 256;
constexpr std::size_t kExplainedAtOnce = 16;

// For which a delivery ends without an attempt that failed, and without being parked.
const std::set<int> kAbandoning = {v1::REASON_EXPIRED,      v1::REASON_RETENTION,
                                   v1::REASON_UNSUBSCRIBED, v1::REASON_SUBSCRIPTION_EXPIRED,
                                   v1::REASON_DISMISSED,    v1::REASON_REDACTED};

bool HasExpired(const v1::Message& message, Timestamp now) {
  return message.has_expires_at() && TimeOf(message.expires_at()) <= now;
}

Receipt ReceiptFor(v1::DeliveryState state) {
  switch (state) {
    case v1::DELIVERY_STATE_ACKED:
      return Receipt::kAcked;
    case v1::DELIVERY_STATE_PENDING:
    case v1::DELIVERY_STATE_IN_FLIGHT:
    case v1::DELIVERY_STATE_BACKOFF:
      return Receipt::kPending;
    default:
      return Receipt::kFailed;
  }
}

}  // namespace

void ReceiptCount::Add(std::string_view client, Receipt receipt) {
  const bool acked = receipt == Receipt::kAcked;
  ++(acked ? acked_ : receipt == Receipt::kPending ? pending_ : failed_);
  bool& reached = users_[std::string(UserOf(client))];
  if (acked && !reached) ++users_reached_;
  reached = reached || acked;
}

void ReceiptCount::WriteTo(v1::Receipts& out) const {
  out.set_owed(acked_ + pending_ + failed_);
  out.set_acked(acked_);
  out.set_pending(pending_);
  out.set_failed(failed_);
  out.set_users_owed(users_.size());
  out.set_users_reached(users_reached_);
}

void ReceiptChoice::Add(const std::string& client, Receipt receipt, ReceiptCount& count) {
  std::vector<std::string>& kept = kept_[receipt];
  if (kept.size() < clients_max_) {
    kept.push_back(client);
  } else {
    count.Add(client, receipt);
  }
}

std::vector<std::string> ReceiptChoice::Take(ReceiptCount& count) {
  std::vector<std::string> chosen;
  for (auto& [receipt, clients] : std::exchange(kept_, {})) {
    for (std::string& client : clients) {
      if (chosen.size() < clients_max_) {
        chosen.push_back(std::move(client));
      } else {
        count.Add(client, receipt);
      }
    }
  }
  return chosen;
}

ReceiptScan::ReceiptScan(const Store& store, const Policies& policies, StoredMessage message,
                         Options options)
    : store_(store),
      policies_(policies),
      message_(std::move(message)),
      options_(std::move(options)),
      choice_(std::min(options_.clients_max, kClientsExplainedMax)) {}

StatusOr<bool> ReceiptScan::Step() {
  static constexpr std::array<Phase, 4> kPhases = {&ReceiptScan::ReadAbandoned,
                                                   &ReceiptScan::ReadMembers, &ReceiptScan::AddLeft,
                                                   &ReceiptScan::ExplainSome};
  const StatusOr<bool> done = (this->*kPhases.at(phase_))();
  if (!done.ok()) return done.status();
  if (*done) ++phase_;
  return phase_ < kPhases.size();
}

StatusOr<bool> ReceiptScan::ReadAbandoned() {
  const auto page = store_.failures().List(
      {.channel = message_.message.channel(), .seq = message_.seq(), .reasons = kAbandoning},
      {.from = next_failure_, .direction = Direction::kForward, .limit = kFailuresAtOnce});
  if (!page.ok()) return page.status();
  for (const Failure& failure : page->failures) abandoned_[failure.client] = failure.reason;
  next_failure_ = page->next;
  return next_failure_.value == 0;
}

StatusOr<bool> ReceiptScan::ReadMembers() {
  const auto members =
      store_.ledger().Members(message_.channel, {.after = member_, .limit = kMembersAtOnce});
  if (!members.ok()) return members.status();
  for (const std::string& client : *members) {
    const auto receipt = ReceiptOf(client);
    if (!receipt.ok()) return receipt.status();
    if (!*receipt) continue;
    abandoned_.erase(client);
    choice_.Add(client, **receipt, count_);
  }
  if (members->size() < kMembersAtOnce) return true;
  member_ = members->back();
  return false;
}

StatusOr<std::optional<Receipt>> ReceiptScan::ReceiptOf(const std::string& client) {
  using Found = std::optional<Receipt>;
  const LedgerReader& ledger = store_.ledger();
  const Seq seq = message_.seq();
  // What is settled stays so: the entry is read first, and what settled it afterwards.
  const StatusOr<LedgerEntry> entry = ledger.Entry(client, message_.channel);
  if (!entry.ok()) return entry.status();
  if (!entry->subscribed() || seq < entry->start()) return Found();
  if (!entry->IsSettled(seq)) return Found(Unsettled(client));
  if (entry->parked() > 0) {
    const auto parked_by = ledger.ParkedBy(client, message_.channel, seq);
    if (!parked_by.ok()) return parked_by.status();
    if (parked_by->has_value()) return Found(Receipt::kFailed);
  }
  if (!abandoned_.contains(client)) return Found(Receipt::kAcked);
  const auto acked = ledger.AckOf(client, message_.channel, seq);
  if (!acked.ok()) return acked.status();
  return Found(acked->has_value() ? Receipt::kAcked : Receipt::kFailed);
}

// What expired or was lost is put on record when its turn comes; whoever has it may acknowledge it
// until then (delivery/explain.cc).
Receipt ReceiptScan::Unsettled(const std::string& client) const {
  if (!IsStub(message_) && !HasExpired(message_.message, options_.now)) return Receipt::kPending;
  const auto live = options_.live.find(client);
  const bool in_flight = live != options_.live.end() && live->second.in_flight;
  return in_flight ? Receipt::kPending : Receipt::kFailed;
}

StatusOr<bool> ReceiptScan::AddLeft() {
  for (const auto& [client, reason] : abandoned_) {
    const bool left =
        reason == v1::REASON_UNSUBSCRIBED || reason == v1::REASON_SUBSCRIPTION_EXPIRED;
    if (left) choice_.Add(client, Receipt::kFailed, count_);
  }
  to_explain_ = choice_.Take(count_);
  std::reverse(to_explain_.begin(), to_explain_.end());  // so that the first is taken first
  return true;
}

StatusOr<bool> ReceiptScan::ExplainSome() {
  for (std::size_t i = 0; i < kExplainedAtOnce && !to_explain_.empty(); ++i) {
    const std::string client = std::move(to_explain_.back());
    to_explain_.pop_back();
    StatusOr<DeliveryFacts> facts = GatherFacts(
        store_, policies_,
        {.client = client, .channel = message_.message.channel(), .seq = message_.seq()},
        options_.now);
    if (!facts.ok()) return facts.status();
    const auto live = options_.live.find(client);
    facts->online = live != options_.live.end();
    if (facts->online) facts->live = live->second;
    v1::Delivery delivery = Explain(*facts);
    // It may have settled it, or left, since it was chosen: what is counted is what is shown.
    if (delivery.state() == v1::DELIVERY_STATE_NOT_OWED) continue;
    count_.Add(client, ReceiptFor(delivery.state()));
    *result_.add_deliveries() = std::move(delivery);
  }
  return to_explain_.empty();
}

v1::Receipts ReceiptScan::Result() {
  count_.WriteTo(result_);
  return std::move(result_);
}

namespace {

// One step, and the next in a turn of its own.
void Continue(const std::shared_ptr<ReceiptScan>& scan,
              const std::function<void(std::function<void()>)>& read, const ReceiptsDone& done) {
  const StatusOr<bool> more = scan->Step();
  if (!more.ok()) return done(more.status());
  if (!*more) return done(scan->Result());
  read([scan, read, done] { Continue(scan, read, done); });
}

}  // namespace

void AskReceipts(const ReceiptsSource& source, const ReceiptsQuestion& question,
                 const ReceiptsDone& done) {
  if (Status status = CheckNamedMessage(question.message); !status.ok()) return done(status);
  source.read([&source, question, done] {
    const StatusOr<StoredMessage> message = FindMessage(source.store, question.message);
    if (!message.ok()) return done(message.status());
    const auto count = [&source, question, done, message = *message](LiveDeliveries live) {
      const auto scan = std::make_shared<ReceiptScan>(
          source.store, source.policies, message,
          ReceiptScan::Options{question.clients_max, source.clock.Now(), std::move(live)});
      source.read([scan, &source, done] { Continue(scan, source.read, done); });
    };
    // The sessions are only asked where it makes a difference.
    const bool ended = IsStub(*message) || HasExpired(message->message, source.clock.Now());
    if (question.clients_max == 0 && !ended) return count({});
    source.ask_live(message->channel, message->seq(), count);
  });
}

}  // namespace ackwire
