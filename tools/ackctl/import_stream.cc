#include "tools/ackctl/import_stream.h"

#include <fmt/format.h>

namespace ackwire::ctl {

ImportStream::ImportStream(const Connection& connection, ProgressBar& bar)
    : stub_(v1::MessageService::NewStub(connection.channel())),
      call_(connection.NewContext()),
      stream_(stub_->PublishStream(call_.get())),
      bar_(bar),
      reader_([this] { ReadAnswers(); }) {}

ImportStream::~ImportStream() {
  if (!reader_.joinable()) return;
  call_->TryCancel();
  reader_.join();
}

bool ImportStream::Send(const v1::PublishStreamRequest& batch,
                        const std::vector<std::uint64_t>& lines) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return ended_ || unanswered_lines_.size() + lines.size() <= kUnansweredMax; });
    if (ended_) return false;
    // Before the write: the answer may be here before it returns.
    unanswered_lines_.insert(unanswered_lines_.end(), lines.begin(), lines.end());
  }
  return stream_->Write(batch);
}

bool ImportStream::WaitUntil(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_until(lock, time, [this] { return ended_; });
}

grpc::Status ImportStream::Finish() {
  stream_->WritesDone();
  reader_.join();
  const grpc::Status status = stream_->Finish();
  if (status.ok() && !unanswered_lines_.empty()) {
    return grpc::Status(
        grpc::StatusCode::INTERNAL,
        fmt::format("the server ended the stream and left {} messages without an answer",
                    unanswered_lines_.size()));
  }
  return status;
}

void ImportStream::ReadAnswers() {
  v1::PublishStreamResponse response;
  while (stream_->Read(&response)) {
    const std::scoped_lock lock(mutex_);
    for (const v1::PublishResult& answer : response.results()) TakeAnswer(answer);
    bar_.Update(result_.answered());
    changed_.notify_one();
  }
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_one();
}

void ImportStream::TakeAnswer(const v1::PublishResult& answer) {
  // More answers than requests: the server's fault, and not to be counted.
  if (unanswered_lines_.empty()) return;
  const std::uint64_t line = unanswered_lines_.front();
  unanswered_lines_.pop_front();
  if (answer.has_published()) {
    ++(answer.published().duplicate() ? result_.duplicates : result_.stored);
    return;
  }
  ++result_.refused;
  if (result_.first_refusals.size() < ImportResult::kRefusalsShown) {
    result_.first_refusals.push_back({line, answer.error().code(), answer.error().message()});
  }
}

}  // namespace ackwire::ctl
