// GuardedEnv is an Env that keeps two faults of RocksDB (7.8) from the database:
// - It looks for the first and the last key of a sorted run that it ingests, and takes a read that
//   fails for a file without keys: its rows would be in the database and never be found. What comes
//   next is a link to the file: that one is refused here, and so nothing is ingested.
// - When its list of files, the MANIFEST, cannot be synced, it deletes the tables of the ingestion
//   that the list names already: the next start finds the list as it was written, and misses them.
//   Once a write or sync of a list has failed, no table is deleted. The next start sees which are
//   of use.
//
// Threads:  any.
// Lifetime: borrows the Env that it stands for; outlives the database that uses it.
#pragma once

#include <rocksdb/env.h>

#include <string>

namespace ackwire {

class GuardedEnv final : public rocksdb::EnvWrapper {
 public:
  // Sorted runs are below `ingest_path`.
  GuardedEnv(rocksdb::Env& env, const std::string& ingest_path);

  const char* Name() const override { return "GuardedEnv"; }
};

}  // namespace ackwire
