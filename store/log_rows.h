// LogRows puts the log rows of a commit into its batch. A row's message is in two parts, which a
// protobuf message may be: the draft, encoded by whoever submitted it, and behind it what the
// writer assigned. So the writer, for which all others wait, encodes a few numbers only.
//
// Threads: the writer thread; EncodeDraft: any.
#pragma once

#include <string>
#include <string_view>

#include "ackwire/v1/message.pb.h"
#include "store/committed_group.h"
#include "store/database.h"

namespace ackwire {

// The bytes of a draft without seq, position and times, which are the writer's: removed from it.
[[nodiscard]] std::string EncodeDraft(v1::Message& draft);

// Whether the writer made the message id, or the draft had one.
enum class IdOrigin { kDraft, kWriter };

class LogRows {
 public:
  explicit LogRows(const Database& database) : database_(database) {}

  // `encoded` is of the draft that became `stored`.
  void Put(rocksdb::WriteBatch& batch, const StoredMessage& stored, std::string_view encoded,
           IdOrigin id_origin);

 private:
  const Database& database_;
  // Both keep their memory from row to row.
  v1::Message assigned_;
  std::string assigned_bytes_;
};

}  // namespace ackwire
