#include "delivery/message_cache.h"

#include "store/proto_time.h"
#include "store/stub.h"

namespace ackwire {
namespace {

std::size_t BytesOf(const EncodedMessage& message) {
  constexpr std::size_t kOverheadBytes = 200;
  std::size_t bytes = kOverheadBytes;
  for (const std::string& form : message.forms) bytes += form.size();
  return bytes;
}

bool HasAll(const EncodedMessage& message, const MessageCache::Forms& forms) {
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (forms[i] && message.forms[i].empty()) return false;
  }
  return true;
}

void Encode(const v1::Message& message, const MessageCache::Forms& forms, EncodedMessage& out) {
  const std::array protocols = {&frame::JsonProtocol(), &frame::BinaryProtocol()};
  for (const frame::FrameProtocol* protocol : protocols) {
    const auto at = static_cast<std::size_t>(protocol->form());
    if (forms[at] && out.forms[at].empty()) out.forms[at] = protocol->EncodeMessage(message);
  }
}

}  // namespace

std::shared_ptr<const EncodedMessage> MessageCache::Put(const StoredMessage& stored,
                                                        const Forms& forms) {
  const DeliveryKey key{stored.channel, stored.seq()};
  Entry* const found = Used(key);
  if (found != nullptr && HasAll(*found->message, forms)) return found->message;
  // Whoever holds it may go on reading: what is added is added to a copy.
  auto message = found == nullptr ? std::make_shared<EncodedMessage>()
                                  : std::make_shared<EncodedMessage>(*found->message);
  Encode(stored.message, forms, *message);
  if (found != nullptr) {
    bytes_ += BytesOf(*message) - BytesOf(*found->message);
    found->message = message;
    return message;
  }
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

std::shared_ptr<const EncodedMessage> MessageCache::Find(const DeliveryKey& key, frame::Form form) {
  Entry* const found = Used(key);
  const bool is_there = found != nullptr && !found->message->In(form).empty();
  return is_there ? found->message : nullptr;
}

MessageCache::Entry* MessageCache::Used(const DeliveryKey& key) {
  const auto found = by_key_.find({key.channel.value, key.seq.value});
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &*found->second;
}

}  // namespace ackwire
