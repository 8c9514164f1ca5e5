#include "store/log_rows.h"

#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>

#include <array>

#include "store/check.h"
#include "store/keys.h"
#include "store/record.h"

namespace ackwire {

std::string EncodeDraft(v1::Message& draft) {
  draft.clear_seq();
  draft.clear_position();
  draft.clear_published_at();
  draft.clear_expires_at();
  std::string encoded;
  CHECK(draft.SerializeToString(&encoded), "a message is at most 2 GiB");
  return encoded;
}

void LogRows::Put(rocksdb::WriteBatch& batch, const StoredMessage& stored, std::string_view encoded,
                  IdOrigin id_origin) {
  const v1::Message& message = stored.message;
  assigned_.Clear();
  assigned_.set_seq(message.seq());
  assigned_.set_position(message.position());
  *assigned_.mutable_published_at() = message.published_at();
  if (message.has_expires_at()) *assigned_.mutable_expires_at() = message.expires_at();
  if (id_origin == IdOrigin::kWriter) assigned_.set_message_id(message.message_id());
  CHECK(assigned_.SerializeToString(&assigned_bytes_), "numbers and a short id");
  const std::string channel = keys::U64(stored.channel.value);
  const record::Header header = record::MakeHeader({channel, encoded, assigned_bytes_});
  const std::string key = keys::Log(stored.position());
  const rocksdb::Slice key_slice = key;
  const std::array<rocksdb::Slice, 4> value = {
      rocksdb::Slice(header.data(), header.size()), channel,
      rocksdb::Slice(encoded.data(), encoded.size()), assigned_bytes_};
  batch.Put(database_.handle(Family::kLog), rocksdb::SliceParts(&key_slice, 1),
            rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
}

}  // namespace ackwire
