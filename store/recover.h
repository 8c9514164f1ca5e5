// Recovery makes a log that can be opened out of one that cannot, beside it, and says what is lost.
// The damaged directory is only read; accepted, it is renamed and kept:
//
//   DATA_DIR.recovering-20261122T101500Z   the new one in the making
//   DATA_DIR.damaged-20261122T101500Z      the old one, afterwards
//
// Whatever ends a recovery before it is accepted, the damaged directory is as it was.
//
// Threads:  one; blocks on disk.
// Lifetime: borrows the damaged directory, and so its lock. Removes what it made unless it is
//           accepted.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "store/clock.h"
#include "store/data_directory.h"
#include "store/database.h"
#include "store/recovery_report.h"
#include "store/status.h"

namespace ackwire {

class Recovery {
 public:
  struct Options {
    const Clock& clock;
    std::uint64_t seed = 0;  // of the new epoch
    std::string boot_id;     // of the running kernel
  };
  // Makes the new directory; takes as long as reading and writing all the data does.
  //   kDataLoss     what is left contradicts itself
  //   kUnavailable  the old directory cannot be read, or the new one not written
  //   kResourceExhausted  there is too little room beside it
  // The link, if it is one, names it as before.
  [[nodiscard]] static StatusOr<std::unique_ptr<Recovery>> Prepare(const DataDirectory& damaged,
                                                                   const Options& options);
  ~Recovery();
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;

  // Whether Accept can put another directory in the place of this one: asked before Prepare takes
  // its time.
  //   kFailedPrecondition  it is a mount point, or what it lies in may not be written
  [[nodiscard]] static Status CheckReplaceable(const DataDirectory& damaged);

  [[nodiscard]] const RecoveryReport& report() const { return report_; }

  // Puts the report into the new directory as recovery-report.json, and the directory in the place
  // of the damaged one.
  //   kUnavailable  it was not possible; the message says where the old one is
  [[nodiscard]] Status Accept(const std::string& report_json);

 private:
  Recovery(const DataDirectory& damaged, const Options& options);
  [[nodiscard]] Status Build();
  [[nodiscard]] Status CheckRoom() const;
  [[nodiscard]] Status BuildLog(Database& into);
  [[nodiscard]] std::filesystem::path Beside(const std::string& what) const;

  const DataDirectory& damaged_;
  const std::filesystem::path home_;  // the damaged directory itself, whatever names it
  const Options options_;
  const std::string stamp_;
  const std::filesystem::path work_;
  RecoveryReport report_;
  bool made_ = false;  // the work directory is ours to remove
};

}  // namespace ackwire
