#include "tools/ackwired/publish_stream.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "tools/ackwired/grpc_refusals.h"
#include "tools/ackwired/grpc_status.h"

namespace ackwire {
namespace {

class PublishStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                            public std::enable_shared_from_this<PublishStream> {
 public:
  PublishStream(const ServiceDependencies& deps, PublishMetadata metadata, StatusOr<Caller> caller)
      : deps_(deps), metadata_(std::move(metadata)), caller_(std::move(caller)) {}

  void Start() {
    self_ = shared_from_this();
    if (!caller_.ok()) {
      read_ended_ = true;
      end_ = ToGrpc(caller_.status());
    }
    Step();
  }

  void OnReadDone(bool ok) override {
    grpc::Status parsed = grpc::Status::OK;
    if (ok) parsed = TakeRequest();
    {
      const std::scoped_lock lock(mutex_);
      reading_ = false;
      read_ended_ = !ok || !parsed.ok();
      end_ = parsed;
    }
    Step();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::scoped_lock lock(mutex_);
      writing_ = false;
      cancelled_ = cancelled_ || !ok;
      const Batch& written = batches_.front();
      unanswered_ -= static_cast<std::size_t>(written.response.results_size());
      unanswered_bytes_ -= written.bytes;
      batches_.pop_front();
    }
    Step();
  }

  void OnCancel() override {
    {
      const std::scoped_lock lock(mutex_);
      cancelled_ = true;
    }
    Step();
  }

  void OnDone() override {
    // The writer may still have an answer for this stream; then its callback is the last owner.
    const std::shared_ptr<PublishStream> last = std::move(self_);
  }

 private:
  // One request of the stream, and the response to it as it fills.
  struct Batch {
    v1::PublishStreamResponse response;
    std::size_t missing = 0;  // results
    std::size_t bytes = 0;
  };

  // Hands what was read to the writer. `reading_` is still set, so nothing else uses `read_`.
  grpc::Status TakeRequest() {
    const Status expired = caller_->CheckExpiry(deps_.clock.Now());
    if (!expired.ok()) return ToGrpc(expired);
    v1::PublishStreamRequest request;
    if (!grpc::SerializationTraits<v1::PublishStreamRequest>::Deserialize(&read_, &request).ok()) {
      return {grpc::StatusCode::INTERNAL, kMalformed};
    }
    auto& requests = *request.mutable_requests();
    Batch& batch = AddBatch(request);
    for (int i = 0; i < requests.size(); ++i) Submit(std::move(*requests.Mutable(i)), batch, i);
    return grpc::Status::OK;
  }

  Batch& AddBatch(const v1::PublishStreamRequest& stream_request) {
    std::size_t bytes = 0;
    for (const auto& request : stream_request.requests()) bytes += request.payload().size();
    const auto count = static_cast<std::size_t>(stream_request.requests_size());
    const std::scoped_lock lock(mutex_);
    // A deque: the others stay where they are.
    Batch& batch = batches_.emplace_back();
    batch.missing = count;
    batch.bytes = bytes;
    for (std::size_t i = 0; i < count; ++i) batch.response.add_results();
    unanswered_ += count;
    unanswered_bytes_ += bytes;
    return batch;
  }

  void Submit(v1::PublishRequest request, Batch& batch, int index) {
    if (metadata_.is_retry) deps_.metrics.PublishRetried();
    const Timestamp started = deps_.clock.Now();
    std::string channel = request.channel();
    auto done = [self = shared_from_this(), &batch, index, started,
                 channel = std::move(channel)](const StatusOr<Published>& published) {
      CountAnswer(self->deps_, published, started);
      v1::PublishResult result;
      if (published.ok()) {
        result.mutable_published()->set_channel(channel);
        Fill(*published, self->deps_.store.epoch(), *result.mutable_published());
      } else {
        result.mutable_error()->set_code(static_cast<int>(published.status().code()));
        result.mutable_error()->set_message(MessageOf(published.status()));
      }
      self->SetResult(batch, index, std::move(result));
    };
    StatusOr<PublishWork> work = WorkFor(std::move(request), metadata_, *caller_);
    if (!work.ok()) {
      done(work.status());
      return;
    }
    work->done = std::move(done);
    ackwire::Submit(deps_, metadata_, *std::move(work));
  }

  void SetResult(Batch& batch, int index, v1::PublishResult result) {
    {
      const std::scoped_lock lock(mutex_);
      *batch.response.mutable_results(index) = std::move(result);
      if (--batch.missing > 0) return;
    }
    Step();
  }

  // Begins what can begin. gRPC is called outside of the lock; `reading_`, `writing_` and
  // `finished_` are set before, so that two threads never begin the same.
  void Step() {
    bool read = false;
    bool finish = false;
    const v1::PublishStreamResponse* response = nullptr;
    grpc::Status end;
    {
      const std::scoped_lock lock(mutex_);
      if (finished_) return;
      if (!cancelled_ && !writing_ && !batches_.empty() && batches_.front().missing == 0) {
        writing_ = true;
        response = &batches_.front().response;
      }
      read = !cancelled_ && !reading_ && !read_ended_ && unanswered_ < kUnansweredMax &&
             unanswered_bytes_ < kUnansweredBytesMax;
      reading_ = reading_ || read;
      finish = !reading_ && !writing_ && (cancelled_ || (read_ended_ && batches_.empty()));
      finished_ = finish;
      end = end_;
    }
    if (read) StartRead(&read_);
    if (response != nullptr) Write(*response);
    if (finish) Finish(end);
  }

  // REQUIRES: `writing_` is set by the caller.
  void Write(const v1::PublishStreamResponse& response) {
    written_.Clear();
    bool own_buffer = false;
    // Cannot fail: the response is valid, and below the 2 GiB of a protobuf message.
    (void)grpc::SerializationTraits<v1::PublishStreamResponse>::Serialize(response, &written_,
                                                                          &own_buffer);
    StartWrite(&written_);
  }

  const ServiceDependencies deps_;
  const PublishMetadata metadata_;
  const StatusOr<Caller> caller_;
  std::shared_ptr<PublishStream> self_;  // until OnDone

  grpc::ByteBuffer read_;     // of the read under way
  grpc::ByteBuffer written_;  // of the write under way

  std::mutex mutex_;  // guards all below; a batch's response is gRPC's once it is complete
  std::deque<Batch> batches_;
  std::size_t unanswered_ = 0;
  std::size_t unanswered_bytes_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool read_ended_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  grpc::Status end_;  // what the call ends with when all is answered
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartPublishStream(
    const ServiceDependencies& deps, PublishMetadata metadata, StatusOr<Caller> caller) {
  const auto stream = std::make_shared<PublishStream>(deps, std::move(metadata), std::move(caller));
  stream->Start();
  return stream.get();
}

}  // namespace ackwire
