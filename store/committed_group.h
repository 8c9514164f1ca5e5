// What one commit wrote. Immutable and shared from the moment it is on disk: the derived state, the
// relay and the sessions all look at the same object.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ackwire/v1/message.pb.h"
#include "store/keys.h"
#include "store/records.pb.h"
#include "store/types.h"

namespace ackwire {

// A message with the identity of its channel.
struct StoredMessage {
  ChannelId channel;
  v1::Message message;
  std::optional<keys::IdHash> id_hash;  // where the writer has computed it already

  [[nodiscard]] Seq seq() const { return Seq{message.seq()}; }
  [[nodiscard]] Position position() const { return Position{message.position()}; }
};

struct CommittedGroup {
  Timestamp at{};        // when it was committed
  Position last;         // of the log after this commit
  JournalNumber number;  // of `record`; zero when the commit has none
  std::vector<StoredMessage> messages;
  store::JournalRecord record;
};

using SharedGroup = std::shared_ptr<const CommittedGroup>;

}  // namespace ackwire
