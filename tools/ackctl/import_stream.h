#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ackwire/v1/messages.grpc.pb.h"
#include "tools/ackctl/connection.h"
#include "tools/ackctl/progress_bar.h"

namespace ackwire::ctl {

// What became of the messages sent so far.
struct ImportResult {
  struct Refusal {
    std::uint64_t line = 0;
    int code = 0;
    std::string message;
  };

  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  std::vector<Refusal> first_refusals;  // at most kRefusalsShown

  static constexpr std::size_t kRefusalsShown = 10;
  std::uint64_t answered() const { return stored + duplicates + refused; }
};

// One PublishStream: batches go out while the answers to earlier ones come in.
//
// Threads:  its methods by one thread; a thread of its own reads the answers.
// Lifetime: borrows the connection and the progress bar.
// Bounds:   at most kUnansweredMax messages are sent and not yet answered;
//           Send waits for room.
class ImportStream {
 public:
  static constexpr std::size_t kUnansweredMax = 4000;

  ImportStream(const Connection& connection, ProgressBar& bar);
  ImportStream(const ImportStream&) = delete;
  ImportStream& operator=(const ImportStream&) = delete;
  ~ImportStream();  // cancels what is not finished

  // `lines` are those of the batch's requests, in their order. False when the
  // server ended the stream: Finish says why.
  bool Send(const v1::PublishStreamRequest& batch, const std::vector<std::uint64_t>& lines);

  // Until the time has come; false when the server ended the stream before it.
  bool WaitUntil(std::chrono::steady_clock::time_point time);

  // Waits for the last answer. OK only when every message was answered.
  [[nodiscard]] grpc::Status Finish();

  // Complete after Finish.
  const ImportResult& result() const { return result_; }

 private:
  void ReadAnswers();
  void TakeAnswer(const v1::PublishResult& answer);

  std::unique_ptr<v1::MessageService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> call_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishStreamRequest, v1::PublishStreamResponse>>
      stream_;
  ProgressBar& bar_;

  // Guards what follows, which the sending and the reading thread share.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::uint64_t> unanswered_lines_;
  bool ended_ = false;
  ImportResult result_;

  std::thread reader_;  // last: it uses all of the above
};

}  // namespace ackwire::ctl
