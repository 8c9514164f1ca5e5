// Which message a request means: one of a channel, by seq or by message id.
//
// Threads: any; FindMessage blocks on disk.
#pragma once

#include <string>

#include "store/committed_group.h"
#include "store/status.h"
#include "store/store.h"
#include "store/types.h"

namespace ackwire {

// Of seq and message id one, and one alone.
struct NamedMessage {
  std::string channel;
  Seq seq;
  std::string message_id;
};

//   kInvalidArgument  names the field and what it must be
[[nodiscard]] Status CheckNamedMessage(const NamedMessage& name);

// One that was lost is found too: a stub (store/stub.h). REQUIRES: the name passes the check.
//   kNotFound  names what there is not: channel, seq or message_id
[[nodiscard]] StatusOr<StoredMessage> FindMessage(const Store& store, const NamedMessage& name);

}  // namespace ackwire
