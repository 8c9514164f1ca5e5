#include "store/removal.h"

#include "store/check.h"
#include "store/recovery.h"
#include "store/seq_runs.h"
#include "store/stub.h"

namespace ackwire {

RemoveWork MakeRemoval(const std::vector<StoredMessage>& messages, const RemovalOrder& order) {
  CHECK(!messages.empty() && messages.size() <= kRemovedAtOnceMax, "a commit takes so many");
  RemoveWork work;
  SeqRuns seqs;
  for (const StoredMessage& stored : messages) {
    seqs.Add({stored.seq(), stored.seq()});
    const bool removed_before = IsStub(stored);
    if (removed_before && !order.erase) continue;
    work.rows.push_back(
        {.position = stored.position(),
         .channel = stored.channel,
         .id_hash = keys::HashOfId(stored.message.message_id()),
         .stub = MakeLogRow(removed_before ? stored : MakeStub(stored, order.reason))});
  }
  work.erase = order.erase;
  store::Removed& removed = *work.event.mutable_removed();
  removed.set_channel(messages.front().channel.value);
  AddRuns(seqs, *removed.mutable_runs());
  removed.set_reason(order.reason);
  removed.set_detail(order.detail);
  return work;
}

}  // namespace ackwire
