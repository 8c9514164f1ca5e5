#include "delivery/message_cache.h"

#include "delivery/message_json.h"
#include "store/stub.h"

namespace ackwire {
namespace {

std::size_t BytesOf(const EncodedMessage& message) {
  constexpr std::size_t kOverheadBytes = 200;
  return message.json.size() + kOverheadBytes;
}

}  // namespace

std::shared_ptr<const EncodedMessage> MessageCache::Put(const StoredMessage& stored) {
  const DeliveryKey key{stored.channel, stored.seq()};
  if (auto found = Find(key)) return found;
  auto message = std::make_shared<EncodedMessage>();
  message->json = EncodeMessage(stored.message);
  if (IsStub(stored)) message->gone_for = GoneFor(stored.message);
  message->published_at = TimeOf(stored.message.published_at());
  if (stored.message.has_expires_at()) message->expires_at = TimeOf(stored.message.expires_at());
  bytes_ += BytesOf(*message);
  entries_.push_front({key, message});
  by_key_[{key.channel.value, key.seq.value}] = entries_.begin();
  while (bytes_ > kCachedBytesMax && entries_.size() > 1) {
    const Entry& oldest = entries_.back();
    bytes_ -= BytesOf(*oldest.message);
    by_key_.erase({oldest.key.channel.value, oldest.key.seq.value});
    entries_.pop_back();
  }
  return message;
}

void MessageCache::Forget(ChannelId channel, const SeqRuns& seqs) {
  for (const SeqRun& run : seqs.runs()) {
    for (Seq seq = run.first; seq <= run.last; ++seq.value) {
      const auto found = by_key_.find({channel.value, seq.value});
      if (found == by_key_.end()) continue;
      bytes_ -= BytesOf(*found->second->message);
      entries_.erase(found->second);
      by_key_.erase(found);
    }
  }
}

std::shared_ptr<const EncodedMessage> MessageCache::Find(const DeliveryKey& key) {
  const auto found = by_key_.find({key.channel.value, key.seq.value});
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->message;
}

}  // namespace ackwire
