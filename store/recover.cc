#include "store/recover.h"

#include <fcntl.h>
#include <rocksdb/env.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

#include "store/lost_hints.h"
#include "store/rebuild.h"
#include "store/rng.h"
#include "store/salvage.h"
#include "store/startup_check.h"
#include "store/watermark.h"

namespace ackwire {
namespace {

// "20261122T101500Z"
std::string StampOf(Timestamp time) {
  const std::time_t seconds = ToUnixMs(time) / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &parts);
  return {text, size};
}

std::filesystem::path ItselfOf(const DataDirectory& directory) {
  std::error_code ec;
  std::filesystem::path path = std::filesystem::canonical(directory.path(), ec);
  return ec ? directory.path() : path;
}

bool IsMountPoint(const std::filesystem::path& path) {
  struct statx facts {};
  const int asked = ::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &facts);
  return asked == 0 && (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Status Renamed(rocksdb::Env& env, const std::filesystem::path& from,
               const std::filesystem::path& to) {
  std::error_code ec;
  std::filesystem::rename(from, to, ec);
  if (ec) {
    return Error(StatusCode::kUnavailable,
                 "rename " + from.string() + " to " + to.string() + ": " + ec.message());
  }
  std::unique_ptr<rocksdb::Directory> parent;
  rocksdb::Status synced = env.NewDirectory(std::filesystem::absolute(to).parent_path(), &parent);
  if (synced.ok()) synced = parent->Fsync();
  return FromRocks(synced, "sync the directory of " + to.string());
}

}  // namespace

StatusOr<std::unique_ptr<Recovery>> Recovery::Prepare(const DataDirectory& damaged,
                                                      const Options& options) {
  std::unique_ptr<Recovery> recovery(new Recovery(damaged, options));
  if (Status status = recovery->Build(); !status.ok()) return status;
  return recovery;
}

Recovery::Recovery(const DataDirectory& damaged, const Options& options)
    : damaged_(damaged),
      home_(ItselfOf(damaged)),
      options_(options),
      stamp_(StampOf(options.clock.Now())),
      work_(Beside("recovering")) {
  report_.directory = damaged.path().string();
  report_.kept_as = Beside("damaged").string();
}

Status Recovery::CheckReplaceable(const DataDirectory& damaged) {
  const std::filesystem::path home = ItselfOf(damaged);
  const std::string advice =
      "; copy the directory to another place, recover the copy, and put that in its place";
  if (IsMountPoint(home)) {
    return Error(
        StatusCode::kFailedPrecondition,
        home.string() + " is a mount point, in whose place no other directory can be put" + advice);
  }
  const std::filesystem::path parent = home.parent_path();
  if (::access(parent.c_str(), W_OK | X_OK) == 0) return OkStatus();
  return Error(StatusCode::kFailedPrecondition,
               "what is recovered is made beside " + home.string() + ", and " + parent.string() +
                   " may not be written (" + std::strerror(errno) + ")" + advice);
}

Recovery::~Recovery() {
  std::error_code ignored;
  if (made_) std::filesystem::remove_all(work_, ignored);
}

std::filesystem::path Recovery::Beside(const std::string& what) const {
  return home_.string() + "." + what + "-" + stamp_;
}

Status Recovery::Build() {
  const StatusOr<StartupCheck> found = CheckDirectory(damaged_, options_.boot_id);
  if (!found.ok()) report_.found = MessageOf(found.status());
  if (std::filesystem::exists(work_)) {
    return Error(StatusCode::kUnavailable, work_.string() +
                                               " is there already: another recovery? Remove it if "
                                               "not, and try again");
  }
  if (Status status = CheckRoom(); !status.ok()) return status;
  auto directory = DataDirectory::Open(work_);
  if (!directory.ok()) return directory.status();
  made_ = true;
  Rng rng(options_.seed);
  StatusOr<std::unique_ptr<Database>> into = Database::Open(*std::move(directory), {.rng = rng});
  if (!into.ok()) return into.status();
  report_.epoch = (*into)->epoch();
  if (Status status = BuildLog(**into); !status.ok()) return status;
  auto watermark = Watermark::Open(**into, options_.clock, options_.boot_id);
  if (!watermark.ok()) return watermark.status();
  return (*watermark)->End();
}

// Before it has copied for an hour.
Status Recovery::CheckRoom() const {
  std::error_code ec;
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(home_, ec)) {
    if (file.is_regular_file(ec)) bytes += file.file_size(ec);
  }
  const std::filesystem::space_info disk = std::filesystem::space(home_.parent_path(), ec);
  if (ec || disk.available >= bytes) return OkStatus();
  return Error(StatusCode::kResourceExhausted,
               "what is left is made beside " + home_.string() + ", which takes about its " +
                   std::to_string(bytes) + " bytes, and there are " +
                   std::to_string(disk.available) + " free on that disk");
}

Status Recovery::BuildLog(Database& into) {
  const std::filesystem::path scratch = work_ / "salvaged";
  {
    StatusOr<Salvaged> salvaged = Salvage(damaged_, scratch);
    if (!salvaged.ok()) return salvaged.status();
    report_.files = salvaged->files;
    LostHints hints(*salvaged->rows);
    if (Status status = hints.Read(); !status.ok()) return status;
    const auto mark = Watermark::Read(damaged_);
    report_.end_is_known = mark.ok() && mark->has_value();
    if (report_.end_is_known) hints.Survived(**mark);
    Rebuild rebuild(*salvaged, into, hints, report_);
    if (Status status = rebuild.Run(); !status.ok()) return status;
  }
  std::error_code ec;
  std::filesystem::remove_all(scratch, ec);
  if (!ec) return OkStatus();
  return Error(StatusCode::kUnavailable, "remove " + scratch.string() + ": " + ec.message());
}

namespace {

// In one step: a server that is started at this moment finds one or the other, and not a place
// where it would begin a new log.
Status Exchange(const std::filesystem::path& one, const std::filesystem::path& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) {
    return OkStatus();
  }
  return Error(StatusCode::kUnavailable,
               "exchange " + one.string() + " and " + other.string() + ": " + std::strerror(errno));
}

}  // namespace

Status Recovery::Accept(const std::string& report_json) {
  const std::filesystem::path kept = report_.kept_as;
  {
    const auto made = DataDirectory::OpenExisting(work_);
    if (!made.ok()) return made.status();
    const std::string path = (work_ / "recovery-report.json").string();
    if (Status status = (*made)->WriteFile(path, report_json); !status.ok()) return status;
  }
  if (std::filesystem::exists(kept)) {
    return Error(StatusCode::kUnavailable, kept.string() + " is there already");
  }
  rocksdb::Env& env = damaged_.env();
  if (Status status = CheckReplaceable(damaged_); !status.ok()) return status;
  if (Status status = Exchange(work_, home_); !status.ok()) return status;
  made_ = false;  // what has its name now is the original
  Status status = Renamed(env, work_, kept);
  if (status.ok()) return status;
  return Error(status.code(), MessageOf(status) +
                                  ". What was recovered is in its place; what was "
                                  "damaged is at " +
                                  work_.string());
}

}  // namespace ackwire
