#include "tools/ackwired/backup_stream.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/backup.h"
#include "store/backup_manifest.h"
#include "store/proto_time.h"
#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/system_clock.h"

namespace ackwire {
namespace {

constexpr std::chrono::milliseconds kProgressInterval{100};

v1::BackupSummary SummaryOf(const store::BackupManifest& manifest) {
  v1::BackupSummary summary;
  summary.set_id(manifest.id());
  summary.set_epoch(manifest.epoch());
  summary.set_position(manifest.position());
  summary.set_journal_number(manifest.journal_number());
  SetTime(*summary.mutable_made_at(), FromUnixMs(manifest.made_at_ms()));
  summary.set_version(manifest.version());
  summary.set_files(static_cast<std::uint64_t>(manifest.files_size()));
  summary.set_bytes(BytesOf(manifest));
  return summary;
}

class BackupStream final : public grpc::ServerWriteReactor<v1::BackupProgress>,
                           public std::enable_shared_from_this<BackupStream> {
 public:
  BackupStream(const ServiceDependencies& deps, const v1::BackupRequest& request)
      : deps_(deps), directory_(request.directory()) {}

  void Start(BackupThread& thread, const Status& allowed) {
    self_ = shared_from_this();
    if (!allowed.ok()) return End(allowed);
    if (thread.Start([self = self_] { self->Run(); })) return;
    End(Error(StatusCode::kFailedPrecondition,
              "another backup is being made; wait until it has ended"));
  }

  void OnWriteDone(bool ok) override {
    bool ended = false;
    {
      const std::scoped_lock lock(mutex_);
      writing_ = false;
      cancelled_ = cancelled_ || !ok;
      ended = outcome_.has_value();
    }
    if (ended) SendOutcome();
  }

  void OnCancel() override {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
  }

  void OnDone() override { const std::shared_ptr<BackupStream> last = std::move(self_); }

 private:
  void Run() {
    const StatusOr<store::BackupManifest> made =
        MakeBackup(deps_.store.database(),
                   {.path = directory_,
                    .clock = deps_.clock,
                    .seed = RandomSeed(),
                    .version = ACKWIRE_VERSION,
                    .boot_id = BootId(),
                    .min_free_bytes = deps_.min_free_bytes,
                    .progress = [this](const std::string& stage, std::uint64_t done,
                                       std::uint64_t total) { return Tell(stage, done, total); }});
    if (made.ok()) {
      spdlog::info("backup {} in {}: position {}, journal record {}", made->id(), directory_,
                   made->position(), made->journal_number());
    } else {
      spdlog::warn("no backup: {}", MessageOf(made.status()));
    }
    End(made);
  }

  // Leaves out what comes too fast.
  [[nodiscard]] Status Tell(const std::string& stage, std::uint64_t done, std::uint64_t total) {
    const Timestamp now = deps_.clock.Now();
    {
      const std::scoped_lock lock(mutex_);
      if (cancelled_) return Error(StatusCode::kCancelled, "the call was ended");
      const bool due = stage != message_.stage() || now - told_at_ >= kProgressInterval;
      if (writing_ || !due) return OkStatus();
      writing_ = true;
      told_at_ = now;
      message_.set_stage(stage);
      message_.set_done_bytes(done);
      message_.set_total_bytes(total);
    }
    StartWrite(&message_);
    return OkStatus();
  }

  void End(StatusOr<store::BackupManifest> outcome) {
    bool writing = false;
    {
      const std::scoped_lock lock(mutex_);
      outcome_ = std::move(outcome);
      writing = writing_;
    }
    if (!writing) SendOutcome();
  }

  // REQUIRES: it has ended, and no message is on its way.
  void SendOutcome() {
    if (!outcome_->ok()) {
      Finish(ToGrpc(outcome_->status()));
      return;
    }
    message_.Clear();
    *message_.mutable_backup() = SummaryOf(**outcome_);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  const ServiceDependencies deps_;
  const std::string directory_;
  std::shared_ptr<BackupStream> self_;  // until OnDone

  std::mutex mutex_;  // guards all below; the message while it is on its way is gRPC's
  bool writing_ = false;
  bool cancelled_ = false;
  Timestamp told_at_{};
  v1::BackupProgress message_;
  std::optional<StatusOr<store::BackupManifest>> outcome_;
};

}  // namespace

BackupThread::~BackupThread() {
  if (thread_.joinable()) thread_.join();
}

bool BackupThread::Start(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  if (busy_) return false;
  if (thread_.joinable()) thread_.join();  // it has ended
  busy_ = true;
  thread_ = std::thread([this, job = std::move(job)] {
    job();
    const std::scoped_lock ended(mutex_);
    busy_ = false;
  });
  return true;
}

grpc::ServerWriteReactor<v1::BackupProgress>* StartBackupStream(const ServiceDependencies& deps,
                                                                BackupThread& thread,
                                                                const AskedBackup& asked) {
  const auto stream = std::make_shared<BackupStream>(deps, asked.request);
  stream->Start(thread, asked.allowed);
  return stream.get();
}

}  // namespace ackwire
