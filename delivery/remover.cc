#include "delivery/remover.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ackwire {
namespace {

constexpr std::size_t kBytesAtOnce = 4ULL << 20U;

}  // namespace

// One order, a step at a time.
class Remover::Removing : public std::enable_shared_from_this<Removing> {
 public:
  Removing(const Dependencies& deps, Order order, Done done)
      : deps_(deps), order_(std::move(order)), left_(order_.seqs), done_(std::move(done)) {}

  void RemoveNext() {
    deps_.read([self = shared_from_this()] {
      const Status status = self->RemoveSome();
      if (!status.ok()) self->StopRemoving(status);
    });
  }

  void TellNext() {
    deps_.read([self = shared_from_this()] {
      const Status status = self->TellSome();
      if (!status.ok()) self->done_(status);
    });
  }

 private:
  // Who was owed what is gone by now is told all the same.
  void StopRemoving(const Status& why) {
    if (!removed_any_) return done_(why);
    first_failure_.Update(why);
    TellNext();
  }

  Status RemoveSome() {
    std::vector<StoredMessage> messages;
    std::size_t bytes = 0;
    while (!left_.empty() && messages.size() < kRemovedAtOnceMax && bytes < kBytesAtOnce) {
      const SeqRun run = left_.runs().front();
      const std::size_t room = kRemovedAtOnceMax - messages.size();
      StatusOr<std::vector<StoredMessage>> read = deps_.store.log().ReadChannel(
          order_.channel, {.from = run.first.value,
                           .messages_max = std::min<std::size_t>(run.length(), room),
                           .bytes_max = kBytesAtOnce});
      if (!read.ok()) return read.status();
      if (read->empty()) {
        left_.DropUpTo(run.last);  // beyond the channel's end
        continue;
      }
      left_.DropUpTo(read->back().seq());
      for (StoredMessage& stored : *read) {
        bytes += stored.message.ByteSizeLong();
        messages.push_back(std::move(stored));
      }
    }
    if (messages.empty()) {
      TellNext();
      return OkStatus();
    }
    RemoveWork work = MakeRemoval(messages, order_.why);
    if (work.rows.empty()) {
      RemoveNext();  // all of them were removed before
      return OkStatus();
    }
    work.done = [self = shared_from_this()](const Status& status) {
      if (!status.ok()) return self->StopRemoving(status);
      self->removed_any_ = true;
      if (self->order_.why.erase) self->deps_.store.eraser().EraseSoon();
      self->RemoveNext();
    };
    deps_.store.Submit(std::move(work));
    return OkStatus();
  }

  using Changes = ClientDirectory::ClientChanges;
  // What some of the clients are to be told.
  struct Page {
    Changes owed;  // together, where nobody has the client
    std::size_t runs = 0;
    Changes parked;  // each by itself: of these the writer says how many it was
  };

  Status TellSome() {
    constexpr std::size_t kMembersAtOnce = 256;
    constexpr std::size_t kRunsAtOnceMax = 16'384;  // one may be owed every second message
    const StatusOr<std::vector<std::string>> members =
        deps_.store.ledger().Members(order_.channel, {.after = after_, .limit = kMembersAtOnce});
    if (!members.ok()) return members.status();
    if (members->empty()) {
      done_(first_failure_);
      return OkStatus();
    }
    Page page;
    for (const std::string& client : *members) {
      after_ = client;
      first_failure_.Update(AddChanges(client, page));
      if (page.runs >= kRunsAtOnceMax) break;
    }
    deps_.homes.AbandonOffline(std::move(page.owed),
                               [self = shared_from_this(), parked = std::move(page.parked)](
                                   const Status& outcome, const Changes& others) {
                                 self->first_failure_.Update(outcome);
                                 const auto changes = std::make_shared<Changes>(others);
                                 changes->insert(changes->end(), parked.begin(), parked.end());
                                 self->MakeChange(changes, 0);
                               });
    return OkStatus();
  }

  Status AddChanges(const std::string& client, Page& page) const {
    const StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, order_.channel);
    if (!entry.ok()) return entry.status();
    const Seq last = deps_.store.derived().LastOf(order_.channel);
    const SeqRuns owed = Common(entry->UndeliveredRuns(last), order_.seqs);
    if (!owed.empty()) {
      AddRuns(owed, *Add(client, page.owed).mutable_runs());
      page.runs += owed.runs().size();
    }
    if (entry->parked() == 0) return OkStatus();
    const StatusOr<SeqRuns> parked =
        deps_.store.ledger().ParkedOf(client, order_.channel, order_.seqs);
    if (!parked.ok() || parked->empty()) return parked.status();
    store::Abandoned& abandoned = Add(client, page.parked);
    for (const SeqRun& run : parked->runs()) {
      for (Seq seq = run.first; seq <= run.last; ++seq.value) abandoned.add_unparked(seq.value);
    }
    return OkStatus();
  }

  store::Abandoned& Add(const std::string& client, Changes& changes) const {
    store::Abandoned& abandoned =
        *changes.emplace_back(ClientDirectory::ClientChange{client, {}}).event.mutable_abandoned();
    abandoned.set_channel(order_.channel.value);
    abandoned.set_reason(order_.why.reason);
    abandoned.set_detail(order_.why.detail);
    return abandoned;
  }

  // One after the other: whoever removes much is in no hurry.
  void MakeChange(const std::shared_ptr<Changes>& changes, std::size_t at) {
    if (at == changes->size()) return TellNext();
    const auto& [client, event] = (*changes)[at];
    deps_.homes.Change(client, event,
                       [self = shared_from_this(), changes, at](const StatusOr<Recorded>& made) {
                         self->first_failure_.Update(made.status());
                         self->MakeChange(changes, at + 1);
                       });
  }

  const Dependencies& deps_;
  const Order order_;
  SeqRuns left_;       // to be removed
  std::string after_;  // the member that was told last
  bool removed_any_ = false;
  Status first_failure_;
  const Done done_;
};

void Remover::Remove(Order order, Done done) const {
  std::make_shared<Removing>(deps_, std::move(order), std::move(done))->RemoveNext();
}

void Remover::Tell(Order order, Done done) const {
  std::make_shared<Removing>(deps_, std::move(order), std::move(done))->TellNext();
}

}  // namespace ackwire
