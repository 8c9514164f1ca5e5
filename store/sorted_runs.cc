#include "store/sorted_runs.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

namespace ackwire {

SortedRuns::SortedRuns(Database& database) : database_(database) {}

SortedRuns::~SortedRuns() = default;

Status SortedRuns::DeleteLeftovers(const DataDirectory& directory) {
  rocksdb::Env& env = directory.env();
  std::vector<std::string> names;
  const rocksdb::Status listed = env.GetChildren(directory.ingest_path(), &names);
  if (listed.IsNotFound()) return OkStatus();
  if (!listed.ok()) return FromRocks(listed, "read " + directory.ingest_path());
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const std::string path = directory.ingest_path() + "/" + name;
    const rocksdb::Status deleted = env.DeleteFile(path);
    if (!deleted.ok()) return FromRocks(deleted, "delete " + path);
  }
  return OkStatus();
}

Status SortedRuns::Add(Family family, const std::string& key,
                       const std::optional<std::string>& value) {
  if (runs_.empty() || runs_.back().family != family) {
    if (Status status = Finish(); !status.ok()) return status;
    if (Status status = Begin(family); !status.ok()) return status;
  }
  return FromRocks(value ? file_->Put(key, *value) : file_->Delete(key),
                   "write " + runs_.back().path);
}

Status SortedRuns::Begin(Family family) {
  const DataDirectory& directory = database_.directory();
  rocksdb::Env& env = directory.env();
  rocksdb::Status status = env.CreateDirIfMissing(directory.ingest_path());
  if (!status.ok()) return FromRocks(status, "create " + directory.ingest_path());
  const std::string path = directory.ingest_path() + "/" + NameOf(family) + ".sst";
  // An ingested file is a second link to one of RocksDB's own until this one is deleted: to write
  // over it would write over the database.
  status = env.FileExists(path);
  if (status.ok()) status = env.DeleteFile(path);
  if (!status.ok() && !status.IsNotFound()) return FromRocks(status, "delete " + path);
  rocksdb::ColumnFamilyHandle* handle = database_.handle(family);
  constexpr bool kDropFromPageCache = false;  // it is read soon
  file_ = std::make_unique<rocksdb::SstFileWriter>(
      rocksdb::EnvOptions(), database_.rocks().GetOptions(handle), handle, kDropFromPageCache);
  runs_.push_back({family, path});
  return FromRocks(file_->Open(path), "create " + path);
}

Status SortedRuns::Finish() {
  if (file_ == nullptr) return OkStatus();
  const rocksdb::Status status = file_->Finish();
  file_.reset();
  return FromRocks(status, "write " + runs_.back().path);
}

Status SortedRuns::Ingest() {
  std::vector<rocksdb::IngestExternalFileArg> files;
  for (const Run& run : runs_) {
    rocksdb::IngestExternalFileArg file;
    file.column_family = database_.handle(run.family);
    file.external_files = {run.path};
    file.options.move_files = true;  // a link, not a copy
    // The number that orders it among other rows stands in the manifest; a file that was synced is
    // not written to again.
    file.options.write_global_seqno = false;
    files.push_back(std::move(file));
  }
  const rocksdb::Status ingested = database_.rocks().IngestExternalFiles(files);
  if (!ingested.ok()) return FromRocks(ingested, "ingest the derived rows");
  return database_.RowsMoved();
}

}  // namespace ackwire
