#include "tools/ackwired/follow_streams.h"

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "store/limits.h"
#include "store/stub.h"
#include "tools/ackwired/failure_view.h"
#include "tools/ackwired/grpc_caller.h"
#include "tools/ackwired/grpc_status.h"

namespace ackwire {
namespace {

constexpr Duration kAfterExpiry{10};  // so that the token has expired for sure

// What is the same for all of them: whose turn it is.
template <typename Response>
class FollowStream : public grpc::ServerWriteReactor<Response>,
                     public std::enable_shared_from_this<FollowStream<Response>> {
 public:
  // It may not be, or there is something wrong with what it asks for: then the call ends.
  void Start(StatusOr<Caller> caller) {
    self_ = this->shared_from_this();
    if (!caller.ok()) return End(ToGrpc(caller.status()));
    caller_ = *std::move(caller);
    WakeAtExpiry();
    PostRead();
  }

  void OnWriteDone(bool ok) override {
    // Only once StartWrite has returned, on the thread that wrote.
    { const std::scoped_lock lock(mutex_); }
    if (ok) {
      PostRead();
    } else {
      End(grpc::Status::CANCELLED);
    }
  }

  void OnCancel() override {
    {
      const std::scoped_lock lock(mutex_);
      cancelled_ = true;
      // Whoever is busy sees it.
      if (state_ != State::kWaiting) return;
      state_ = State::kEnded;
    }
    this->Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override { const auto last = std::move(self_); }

 protected:
  explicit FollowStream(const ServiceDependencies& deps) : deps_(deps) {}

  enum class Next {
    kWrite,  // the response
    kAgain,  // there was nothing to write, and there is more to read
    kWait,   // until there is more
    kEnd,
  };
  // Fills the response with what comes next. May block on disk.
  [[nodiscard]] virtual StatusOr<Next> ReadNext(Response& response) = 0;
  // Calls `wake` once, when there is more than the last ReadNext saw.
  virtual void WhenMore(std::function<void()> wake) = 0;

  [[nodiscard]] const ServiceDependencies& deps() const { return deps_; }

 private:
  enum class State {
    kBusy,     // a read or a write is under way, and goes on with what comes next
    kWaiting,  // for more, or for the call to be cancelled
    kEnded,
  };

  [[nodiscard]] std::shared_ptr<FollowStream> shared() {
    return std::static_pointer_cast<FollowStream>(this->shared_from_this());
  }

  void PostRead() {
    deps_.delivery.Read([self = shared()] { self->Read(); });
  }

  void Read() {
    if (IsCancelled()) return End(grpc::Status::CANCELLED);
    const Status expired = caller_.CheckExpiry(deps_.clock.Now());
    if (!expired.ok()) return End(ToGrpc(expired));
    response_.Clear();
    const StatusOr<Next> next = ReadNext(response_);
    if (!next.ok()) return End(ToGrpc(next.status()));
    switch (*next) {
      case Next::kWrite: {
        // For OnWriteDone, which comes on another thread, never from within.
        const std::scoped_lock lock(mutex_);
        this->StartWrite(&response_);
        break;
      }
      case Next::kAgain:
        PostRead();
        break;
      case Next::kWait:
        Wait();
        break;
      case Next::kEnd:
        End(grpc::Status::OK);
        break;
    }
  }

  void Wait() {
    bool cancelled = false;
    {
      const std::scoped_lock lock(mutex_);
      cancelled = cancelled_;
      if (!cancelled) state_ = State::kWaiting;
    }
    if (cancelled) return End(grpc::Status::CANCELLED);
    // Weak: the server keeps this until there is more, and the call may be gone by then.
    WhenMore([weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->Wake();
    });
    // Its end may have come during the read.
    if (!caller_.CheckExpiry(deps_.clock.Now()).ok()) Wake();
  }

  // Where nothing comes, nobody else would look at the token again.
  void WakeAtExpiry() {
    const std::optional<Timestamp> expiry = caller_.expires_at();
    constexpr auto kNever =
        std::chrono::floor<Duration>(std::chrono::system_clock::time_point::max()) - kAfterExpiry;
    if (!expiry || *expiry >= kNever) return;
    const std::chrono::system_clock::time_point then = *expiry + kAfterExpiry;
    expiry_.Set(then, [weak = this->weak_from_this()](bool in_time) {
      const auto self = in_time ? weak.lock() : nullptr;
      if (self != nullptr) self->Wake();
    });
  }

  void Wake() {
    {
      const std::scoped_lock lock(mutex_);
      if (state_ != State::kWaiting) return;
      state_ = State::kBusy;
    }
    PostRead();
  }

  bool IsCancelled() const {
    const std::scoped_lock lock(mutex_);
    return cancelled_;
  }

  // REQUIRES: called by whoever is busy.
  void End(const grpc::Status& status) {
    {
      const std::scoped_lock lock(mutex_);
      state_ = State::kEnded;
    }
    this->Finish(status);
  }

  const ServiceDependencies deps_;
  std::shared_ptr<FollowStream> self_;  // until OnDone
  Caller caller_;
  grpc::Alarm expiry_;
  Response response_;  // of whoever is busy

  mutable std::mutex mutex_;  // guards the next two
  State state_ = State::kBusy;
  bool cancelled_ = false;
};

// So many messages with the most that headers, names and ids may take, and kBytesPerResponse of
// payload, stay below the 4 MiB that a gRPC client takes by default.
constexpr std::uint64_t kMessagesPerResponse = 256;
constexpr std::size_t kBytesPerResponse = 1ULL << 20U;

Status CheckRead(const v1::ReadRequest& request) {
  if (request.reverse() && request.follow()) {
    return InvalidArgument(
        "reverse, follow: what is published next has no place in a reverse "
        "order; give one of the two");
  }
  return request.channel().empty() ? OkStatus() : CheckChannelName(request.channel());
}

// The whole log is all channels.
Status MayRead(const Caller& caller, const v1::ReadRequest& request) {
  return request.channel().empty() ? caller.MaySubscribeToAll("")
                                   : caller.MaySubscribe(request.channel());
}

class ReadStream final : public FollowStream<v1::ReadResponse> {
 public:
  ReadStream(const ServiceDependencies& deps, const v1::ReadRequest& request)
      : FollowStream(deps),
        request_(request),
        from_(request.from()),
        left_(request.limit() == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit()) {}

 private:
  StatusOr<Next> ReadNext(v1::ReadResponse& response) override {
    if (left_ == 0 || at_end_) return Next::kEnd;
    // Taken first: what is committed after this wakes the stream, so nothing is missed between.
    seen_ = deps().store.derived().last_position();
    StatusOr<std::vector<StoredMessage>> messages = ReadMessages();
    if (!messages.ok()) return messages.status();
    if (messages->empty()) return request_.follow() ? Next::kWait : Next::kEnd;
    Fill(*std::move(messages), response);
    return response.messages_size() > 0 ? Next::kWrite : Next::kAgain;
  }

  void WhenMore(std::function<void()> wake) override {
    deps().delivery.WhenCommitted(seen_, std::move(wake));
  }

  [[nodiscard]] StatusOr<std::vector<StoredMessage>> ReadMessages() const {
    const ReadRange range{
        .from = from_,
        .messages_max = static_cast<std::size_t>(std::min(left_, kMessagesPerResponse)),
        .bytes_max = kBytesPerResponse,
        .direction = request_.reverse() ? Direction::kReverse : Direction::kForward};
    if (request_.channel().empty()) return deps().store.log().ReadLog(range);
    const ChannelId channel = deps().store.derived().IdOf(request_.channel());
    // A channel is there from its first message on; before, it is empty.
    if (channel.value == 0) return std::vector<StoredMessage>();
    return deps().store.log().ReadChannel(channel, range);
  }

  void Fill(std::vector<StoredMessage> messages, v1::ReadResponse& response) {
    const StoredMessage& last = messages.back();
    const std::uint64_t at = request_.channel().empty() ? last.position().value : last.seq().value;
    from_ = request_.reverse() ? at - 1 : at + 1;
    // To the reader 0 would mean the newest once more.
    at_end_ = request_.reverse() && from_ == 0;
    response.set_epoch(deps().store.epoch());
    for (StoredMessage& stored : messages) {
      if (IsStub(stored)) continue;  // there is nothing to show
      *response.add_messages() = std::move(stored.message);
    }
    left_ -= static_cast<std::uint64_t>(response.messages_size());
  }

  const v1::ReadRequest request_;
  std::uint64_t from_;  // the next seq or position to read
  std::uint64_t left_;  // messages until the limit
  bool at_end_ = false;
  Position seen_;
};

class FailureStream final : public FollowStream<v1::Failure> {
 public:
  FailureStream(const ServiceDependencies& deps, const v1::WatchFailuresRequest& request)
      : FollowStream(deps), view_(deps.store, deps.clock), filter_(request.filter()) {
    // What is recorded from now on, unless it is to go on behind an earlier one.
    const std::uint64_t after = request.after_id();
    from_ = after != 0 ? FailureId{after + 1}
                       : FailureId::Of({deps.store.derived().last_number().value + 1}, 0);
  }

 private:
  static constexpr std::size_t kReadAtOnce = 100;

  StatusOr<Next> ReadNext(v1::Failure& response) override {
    if (read_.empty()) {
      seen_ = deps().store.derived().last_number();
      StatusOr<FailureReader::Page> page =
          view_.Read(filter_, {from_, Direction::kForward, kReadAtOnce});
      if (!page.ok()) return page.status();
      read_.assign(page->failures.begin(), page->failures.end());
      const bool more = page->next.value != 0;
      // What was recorded meanwhile may be among them.
      if (!read_.empty()) from_ = {read_.back().id.value + 1};
      from_ = more ? page->next : std::max(from_, FailureId::Of({seen_.value + 1}, 0));
      if (read_.empty()) return more ? Next::kAgain : Next::kWait;
    }
    StatusOr<v1::Failure> failure = view_.Describe(read_.front());
    if (!failure.ok()) return failure.status();
    read_.pop_front();
    response = *std::move(failure);
    return Next::kWrite;
  }

  void WhenMore(std::function<void()> wake) override {
    deps().delivery.WhenFailed(seen_, std::move(wake));
  }

  const FailureView view_;
  const v1::FailureFilter filter_;
  FailureId from_;            // the next to read
  std::deque<Failure> read_;  // not yet written
  JournalNumber seen_;
};

// An id beyond what is recorded was given by another log; to wait for it would be to withhold all
// that comes until then.
Status CheckAfter(const ServiceDependencies& deps, std::uint64_t after) {
  if (FailureId{after}.number() <= deps.store.derived().last_number()) return OkStatus();
  return Error(StatusCode::kOutOfRange,
               "after_id: nothing of this log (epoch " + deps.store.epoch() + ") has the id " +
                   std::to_string(after) + " yet: it is of another epoch; begin anew, without it");
}

}  // namespace

grpc::ServerWriteReactor<v1::ReadResponse>* StartReadStream(const ServiceDependencies& deps,
                                                            const v1::ReadRequest& request,
                                                            grpc::CallbackServerContext& context) {
  const auto stream = std::make_shared<ReadStream>(deps, request);
  stream->Start(AllowedCaller(deps, context, [&request](const Caller& caller) {
    const Status valid = CheckRead(request);
    return valid.ok() ? MayRead(caller, request) : valid;
  }));
  return stream.get();
}

grpc::ServerWriteReactor<v1::Failure>* StartFailureStream(const ServiceDependencies& deps,
                                                          const v1::WatchFailuresRequest& request,
                                                          grpc::CallbackServerContext& context) {
  StatusOr<Caller> caller = AllowedCaller(deps, context, [&](const Caller& each) {
    Status valid = each.MayActFor(request.filter().client());
    if (valid.ok()) valid = CheckFilter(request.filter());
    return valid.ok() ? CheckAfter(deps, request.after_id()) : valid;
  });
  const auto stream = std::make_shared<FailureStream>(deps, request);
  // What is recorded after the caller has the answer's headers is not missed. The epoch is that of
  // the ids: in another log the same id is another failure.
  if (caller.ok()) {
    context.AddInitialMetadata("ackwire-epoch", deps.store.epoch());
    stream->StartSendInitialMetadata();
  }
  stream->Start(std::move(caller));
  return stream.get();
}

}  // namespace ackwire
