#include "tools/ackbench/raw_puts.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "store/keys.h"
#include "store/proto_time.h"
#include "store/recovery.h"
#include "store/rocks_options.h"

namespace ackwire::bench {
namespace {

void Check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("raw puts: " + status.ToString());
}

void PutBatches(rocksdb::DB& db, const std::vector<std::string>& rows, const RawPuts& puts) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  std::uint64_t position = 0;
  while (position < puts.messages) {
    rocksdb::WriteBatch batch;
    const std::uint64_t end = std::min(position + puts.group, puts.messages);
    for (; position < end; ++position) {
      Check(batch.Put(keys::Log({position + 1}), rows[position % rows.size()]));
    }
    Check(db.Write(synced, &batch));
  }
}

void PutOneByOne(rocksdb::DB& db, const std::vector<std::string>& rows, const RawPuts& puts) {
  rocksdb::WriteOptions options;
  for (std::uint64_t position = 0; position < puts.messages; ++position) {
    options.sync = (position + 1) % puts.group == 0 || position + 1 == puts.messages;
    Check(db.Put(options, keys::Log({position + 1}), rows[position % rows.size()]));
  }
}

}  // namespace

std::vector<std::string> MakeLogRows(const Workload& workload, std::uint64_t count) {
  std::vector<std::string> rows;
  rows.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    StoredMessage stored{ChannelId{i % workload.options().channels + 1}, workload.Draft(i)};
    stored.message.set_seq(i / workload.options().channels + 1);
    stored.message.set_position(i + 1);
    SetTime(*stored.message.mutable_published_at(), FromUnixMs(1'800'000'000'000));
    rows.push_back(MakeLogRow(stored));
  }
  return rows;
}

double MeasureRawPuts(const std::filesystem::path& directory, const std::vector<std::string>& rows,
                      const RawPuts& puts) {
  const auto cache = rocksdb::NewLRUCache(1U << 20U);
  rocksdb::DB* opened = nullptr;
  Check(rocksdb::DB::Open({DatabaseOptions(nullptr), FamilyOptions(Family::kLog, cache)},
                          directory.string(), &opened));
  const std::unique_ptr<rocksdb::DB> db(opened);
  const auto started = std::chrono::steady_clock::now();
  if (puts.batched) {
    PutBatches(*db, rows, puts);
  } else {
    PutOneByOne(*db, rows, puts);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  Check(db->Close());
  return static_cast<double>(puts.messages) / took.count();
}

}  // namespace ackwire::bench
