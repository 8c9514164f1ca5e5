// MessageCache keeps the newest messages of one I/O thread as they go to clients, so that a message
// is read and encoded once for all sessions of the thread, live or catching up together.
//
// Threads: one I/O thread.
// Bounds:  kCachedBytesMax of text; what was used longest ago goes first.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "ackwire/v1/deliveries.pb.h"
#include "delivery/ack_window.h"
#include "delivery/frame_protocol.h"
#include "store/committed_group.h"
#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

inline constexpr std::size_t kCachedBytesMax = 32ULL << 20U;

struct EncodedMessage {
  // Empty: nobody has asked for this form.
  [[nodiscard]] const std::string& In(frame::Form form) const {
    return forms[static_cast<std::size_t>(form)];
  }
  std::array<std::string, frame::kForms> forms;
  Timestamp published_at{};
  std::optional<Timestamp> expires_at;
  // Only its place is left: there is nothing to deliver. As GoneFor (store/stub.h) has it.
  std::optional<v1::Reason> gone_for;
};

class MessageCache {
 public:
  using Forms = std::array<bool, frame::kForms>;
  // Encodes it in these forms, where it is not here in them.
  std::shared_ptr<const EncodedMessage> Put(const StoredMessage& stored, const Forms& forms);
  // These were removed from the log, at most as many as one commit removes. What was read of them
  // is for nobody.
  void Forget(ChannelId channel, const SeqRuns& seqs);
  // Null when it is not here in this form.
  [[nodiscard]] std::shared_ptr<const EncodedMessage> Find(const DeliveryKey& key,
                                                           frame::Form form);

 private:
  struct Entry {
    DeliveryKey key;
    std::shared_ptr<const EncodedMessage> message;
  };
  [[nodiscard]] Entry* Used(const DeliveryKey& key);

  using KeyPair = std::pair<std::uint64_t, std::uint64_t>;

  std::list<Entry> entries_;  // most recently used first
  absl::flat_hash_map<KeyPair, std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace ackwire
