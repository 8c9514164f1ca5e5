#include "store/store.h"

#include <chrono>
#include <utility>

namespace ackwire {
namespace {

// How much a crash leaves to fold again: a second of writing.
constexpr std::chrono::milliseconds kDerivedInterval{1000};

}  // namespace

StatusOr<std::unique_ptr<Store>> Store::Open(const Options& options) {
  Rng rng(options.seed);
  StatusOr<std::unique_ptr<Database>> database =
      Database::Open(options.directory, rng, options.env);
  if (!database.ok()) return database.status();
  std::unique_ptr<Store> store(new Store(*std::move(database), options));
  if (Status status = store->derived_.Recover(); !status.ok()) return status;
  return store;
}

Store::Store(std::unique_ptr<Database> database, const Options& options)
    : database_(std::move(database)),
      rng_(options.seed ^ 0x9E3779B97F4A7C15ULL),
      derived_(*database_),
      log_(*database_, derived_),
      ledger_(*database_, derived_),
      writer_({*database_, derived_, log_, ledger_, options.clock, rng_}),
      derived_writer_(*database_, derived_) {}

void Store::Start(WriterThread::Listeners listeners) {
  listeners_ = std::move(listeners);
  writer_thread_ = std::make_unique<WriterThread>(writer_, listeners_);
  background_ = std::thread([this] { RunBackground(); });
}

void Store::StopWriting() {
  if (writer_thread_ != nullptr) writer_thread_->Stop();
}

Store::~Store() {
  StopWriting();
  if (!background_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  background_.join();
}

void Store::RunBackground() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      last = wake_.wait_for(lock, kDerivedInterval, [this] { return stopping_; });
    }
    if (Status status = derived_writer_.Step(); !status.ok()) {
      const Status why =
          Error(StatusCode::kUnavailable, "the log takes no more writes: " + MessageOf(status));
      writer_thread_->Fail(why);
      derived_.Fail(why);  // a writer that waits for room would wait for ever
      return;
    }
  }
}

}  // namespace ackwire
