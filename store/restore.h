// Restore makes a data directory of a backup: a copy that shares nothing with it, as a new epoch.
// Until it is accepted, the directory's format says that it is being restored, and no server opens
// it.
//
// Threads:  one; blocks on disk.
// Lifetime: borrows the backup. Removes what it made unless it is accepted.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "store/clock.h"
#include "store/data_directory.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

class Restore {
 public:
  struct Options {
    const Clock& clock;
    std::uint64_t seed = 0;  // of the new epoch
    std::string boot_id;     // of the running kernel
    // Of one stage, how many bytes are done.
    std::function<void(const std::string& stage, std::uint64_t done, std::uint64_t total)> progress;
  };
  // Checks the whole backup before it makes anything.
  //   kNotFound           there is no whole backup
  //   kFailedPrecondition there is something in the data directory
  //   kDataLoss           the backup is damaged; the message names the file
  //   kResourceExhausted  the disk is full (IsDiskFull)
  //   kUnavailable        a file cannot be read or written
  [[nodiscard]] static StatusOr<std::unique_ptr<Restore>> Prepare(
      const std::filesystem::path& backup, const std::filesystem::path& data_directory,
      const Options& options);
  ~Restore();
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  // What was made, to be verified before it is accepted.
  [[nodiscard]] const DataDirectory& made() const { return *made_; }
  [[nodiscard]] const store::BackupManifest& manifest() const { return manifest_; }
  [[nodiscard]] const std::string& epoch() const { return epoch_; }

  // From now on it is a log's directory, for a server to open.
  [[nodiscard]] Status Accept();

 private:
  Restore(std::unique_ptr<DataDirectory> backup, std::filesystem::path data_directory,
          const Options& options);
  [[nodiscard]] Status CheckBackup();
  [[nodiscard]] Status Make();
  [[nodiscard]] Status CopyFiles();
  [[nodiscard]] Status StartEpoch();
  void RemoveMade();

  const std::unique_ptr<DataDirectory> backup_;
  const std::filesystem::path data_directory_;
  const Options options_;
  store::BackupManifest manifest_;
  std::string epoch_;
  std::unique_ptr<DataDirectory> made_;
  bool was_there_ = false;  // an empty directory
  bool owned_ = false;      // what is in the data directory is ours to remove
};

}  // namespace ackwire
