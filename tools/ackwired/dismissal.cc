#include "tools/ackwired/dismissal.h"

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "store/limits.h"
#include "tools/ackwired/parked_walk.h"

namespace ackwire {
namespace {

class Dismissing : public std::enable_shared_from_this<Dismissing> {
 public:
  Dismissing(const ServiceDependencies& deps, const v1::DismissFailuresRequest& request,
             DismissalCalls calls)
      : deps_(deps),
        note_(request.note()),
        calls_(std::move(calls)),
        walk_(deps.store, deps.clock, request.filter()) {}

  // On the read pool.
  void Step() {
    const auto part = walk_.Next();
    if (!part.ok()) return calls_.done(WithDismissed(part.status(), dismissed_));
    if (!part->has_value()) return calls_.done(dismissed_);  // nothing is under way
    Queue(**part);
    GoOn(nullptr);
  }

 private:
  void Queue(const ParkedWalk::Part& part) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, runs] : part) {
      DeliveryServer::Dismissal next{
          .client = key.first, .channel = key.second, .seqs = {}, .note = note_};
      for (const SeqRun& run : runs.runs()) {
        for (Seq seq = run.first; seq <= run.last; ++seq.value) {
          next.seqs.push_back(seq);
          if (next.seqs.size() == kDismissedAtOnceMax) {
            waiting_.push_back(next);
            next.seqs.clear();
          }
        }
      }
      if (!next.seqs.empty()) waiting_.push_back(std::move(next));
    }
  }

  // Begins what may begin now, `ended` being what has just come to its end. With nothing under way
  // any more, the next part is looked for.
  void GoOn(const StatusOr<std::uint64_t>* ended) {
    std::deque<DeliveryServer::Dismissal> beginning;
    bool idle = false;
    std::uint64_t dismissed = 0;
    Status status;
    {
      const std::scoped_lock lock(mutex_);
      if (ended != nullptr) {
        --under_way_;
        status_.Update(ended->status());
        dismissed_ += ended->value_or(0);
      }
      if (!calls_.wanted()) {
        status_.Update(Error(StatusCode::kCancelled, "the caller is gone"));
      }
      if (!status_.ok()) waiting_.clear();
      while (under_way_ < kDismissalsUnderWayMax && !waiting_.empty()) {
        beginning.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        ++under_way_;
      }
      idle = under_way_ == 0;
      dismissed = dismissed_;
      status = status_;
    }
    for (const DeliveryServer::Dismissal& each : beginning) {
      deps_.delivery.Dismiss(each,
                             [self = shared_from_this()](const StatusOr<std::uint64_t>& outcome) {
                               self->GoOn(&outcome);
                             });
    }
    if (!idle) return;
    if (!status.ok()) return calls_.done(WithDismissed(status, dismissed));
    deps_.delivery.Read([self = shared_from_this()] { self->Step(); });
  }

  const ServiceDependencies deps_;
  const std::string note_;
  const DismissalCalls calls_;
  ParkedWalk walk_;  // by one step at a time

  std::mutex mutex_;  // guards all below: answers come on the threads of the clients' homes
  std::deque<DeliveryServer::Dismissal> waiting_;
  std::size_t under_way_ = 0;
  std::uint64_t dismissed_ = 0;
  Status status_;
};

}  // namespace

Status CheckDismissal(const v1::DismissFailuresRequest& request) {
  const v1::FailureFilter& filter = request.filter();
  const bool names_something = !filter.client().empty() || !filter.channel().empty() ||
                               !filter.message_id().empty() || filter.reasons_size() > 0 ||
                               filter.has_since() || filter.has_until();
  if (!names_something) {
    return InvalidArgument(
        "filter: say what is to be dismissed: a client, a channel, reasons, since or until; all "
        "that is parked is channel *");
  }
  if (Status status = CheckFilter(filter); !status.ok()) return status;
  return CheckNote("note", request.note());
}

Status WithDismissed(const Status& status, std::uint64_t dismissed) {
  const std::string message = MessageOf(status) + "; until then " + std::to_string(dismissed) +
                              (dismissed == 1 ? " delivery was dismissed, and stays so"
                                              : " deliveries were dismissed, and stay so");
  return IsDiskFull(status) ? DiskFull(message) : Error(status.code(), message);
}

void StartDismissal(const ServiceDependencies& deps, const v1::DismissFailuresRequest& request,
                    DismissalCalls calls) {
  deps.delivery.Read([dismissing = std::make_shared<Dismissing>(deps, request, std::move(calls))] {
    dismissing->Step();
  });
}

}  // namespace ackwire
