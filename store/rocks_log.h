// RocksLog is what RocksDB says of its work, in a file beside the database; what it said before the
// last start is in the same with `.old` behind its name.
//
// RocksDB's own aborts the process at the line after one that could not be written (as Debian
// builds it): on a disk that fails, before anybody is told. Here such a line is left out.
//
// Threads: any.
#pragma once

#include <rocksdb/env.h>

#include <cstdio>
#include <memory>
#include <string>

namespace ackwire {

class RocksLog final : public rocksdb::Logger {
 public:
  // Borrows the clock in `env`.
  RocksLog(rocksdb::Env& env, const std::string& path);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

 protected:
  rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  rocksdb::Env& env_;
  const std::unique_ptr<std::FILE, Close> file_;  // null: it cannot be written at all
};

}  // namespace ackwire
