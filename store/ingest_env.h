// IngestEnv is an Env that keeps a sorted run out of the database when something of it could not be
// read. RocksDB (7.8) looks for the first and the last key of a file that it ingests, and takes a
// read that fails for a file without keys: its rows would be in the database and never be found.
// What comes next is a link to the file: that one is refused here, and so nothing is ingested.
//
// Threads:  any.
// Lifetime: borrows the Env that it stands for; outlives the database that uses it.
#pragma once

#include <rocksdb/env.h>

#include <string>

namespace ackwire {

class IngestEnv final : public rocksdb::EnvWrapper {
 public:
  // Sorted runs are below `ingest_path`.
  IngestEnv(rocksdb::Env& env, const std::string& ingest_path);

  const char* Name() const override { return "IngestEnv"; }
};

}  // namespace ackwire
