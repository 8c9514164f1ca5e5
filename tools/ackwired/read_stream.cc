#include "tools/ackwired/read_stream.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "store/limits.h"
#include "store/recovery.h"
#include "tools/ackwired/grpc_status.h"

namespace ackwire {
namespace {

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

class ReadStream final : public grpc::ServerWriteReactor<v1::ReadResponse>,
                         public std::enable_shared_from_this<ReadStream> {
 public:
  ReadStream(const ServiceDependencies& deps, const v1::ReadRequest& request)
      : deps_(deps),
        request_(request),
        from_(request.from()),
        left_(request.limit() == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit()) {}

  void Start() {
    self_ = shared_from_this();
    if (Status status = CheckRead(request_); status.ok()) {
      PostRead();
    } else {
      End(ToGrpc(status));
    }
  }

  void OnWriteDone(bool ok) override {
    // Only once StartWrite has returned, on the thread that wrote.
    { const std::scoped_lock lock(mutex_); }
    if (ok) {
      GoOn();
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
    Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override { const std::shared_ptr<ReadStream> last = std::move(self_); }

 private:
  enum class State {
    kBusy,     // a read or a write is under way, and goes on with what comes next
    kWaiting,  // for a commit, or for the call to be cancelled
    kEnded,
  };

  void GoOn() {
    if (left_ == 0 || at_end_) {
      End(grpc::Status::OK);
    } else {
      PostRead();
    }
  }

  void PostRead() {
    deps_.delivery.Read([self = shared_from_this()] { self->ReadNext(); });
  }

  void ReadNext() {
    if (IsCancelled()) {
      End(grpc::Status::CANCELLED);
      return;
    }
    // Taken first: what is committed after this wakes the stream, so nothing is missed between.
    const Position seen = deps_.store.derived().last_position();
    StatusOr<std::vector<StoredMessage>> messages = ReadMessages();
    if (!messages.ok()) {
      End(ToGrpc(messages.status()));
    } else if (!messages->empty()) {
      Write(*std::move(messages));
    } else if (request_.follow()) {
      WaitForCommit(seen);
    } else {
      End(grpc::Status::OK);
    }
  }

  [[nodiscard]] StatusOr<std::vector<StoredMessage>> ReadMessages() const {
    const ReadRange range{
        .from = from_,
        .messages_max = static_cast<std::size_t>(std::min(left_, kMessagesPerResponse)),
        .bytes_max = kBytesPerResponse,
        .direction = request_.reverse() ? Direction::kReverse : Direction::kForward};
    if (request_.channel().empty()) return deps_.store.log().ReadLog(range);
    const ChannelId channel = deps_.store.derived().Read([&](const DerivedView& view) {
      const ChannelInfo* info = view.channels.Find(request_.channel());
      return info == nullptr ? ChannelId{} : info->id;
    });
    // A channel is there from its first message on; before, it is empty.
    if (channel.value == 0) return std::vector<StoredMessage>();
    return deps_.store.log().ReadChannel(channel, range);
  }

  void Write(std::vector<StoredMessage> messages) {
    const StoredMessage& last = messages.back();
    const std::uint64_t at = request_.channel().empty() ? last.position().value : last.seq().value;
    from_ = request_.reverse() ? at - 1 : at + 1;
    // To the reader 0 would mean the newest once more.
    at_end_ = request_.reverse() && from_ == 0;
    response_.Clear();
    response_.set_epoch(deps_.store.epoch());
    for (StoredMessage& stored : messages) {
      if (IsStub(stored)) continue;  // lost: there is nothing to show
      *response_.add_messages() = std::move(stored.message);
    }
    left_ -= static_cast<std::uint64_t>(response_.messages_size());
    if (response_.messages_size() > 0) {
      // For OnWriteDone, which comes on another thread, never from within.
      const std::scoped_lock lock(mutex_);
      StartWrite(&response_);
    } else {
      GoOn();
    }
  }

  void WaitForCommit(Position seen) {
    bool cancelled = false;
    {
      const std::scoped_lock lock(mutex_);
      cancelled = cancelled_;
      if (!cancelled) state_ = State::kWaiting;
    }
    if (cancelled) {
      End(grpc::Status::CANCELLED);
      return;
    }
    // Weak: the server keeps this until the next commit, and the call may be gone by then.
    deps_.delivery.WhenCommitted(seen, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Wake();
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
    Finish(status);
  }

  const ServiceDependencies deps_;
  const v1::ReadRequest request_;
  std::shared_ptr<ReadStream> self_;  // until OnDone

  // Of whoever is busy.
  std::uint64_t from_;  // the next seq or position to read
  std::uint64_t left_;  // messages until the limit
  bool at_end_ = false;
  v1::ReadResponse response_;

  mutable std::mutex mutex_;  // guards the next two
  State state_ = State::kBusy;
  bool cancelled_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::ReadResponse>* StartReadStream(const ServiceDependencies& deps,
                                                            const v1::ReadRequest& request) {
  const auto stream = std::make_shared<ReadStream>(deps, request);
  stream->Start();
  return stream.get();
}

}  // namespace ackwire
