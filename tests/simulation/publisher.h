// SimPublisher writes one message after the other, each until it is answered: it hears nothing, or
// is refused, or the server is gone, and it repeats the message under the same id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/work.h"
#include "tests/simulation/world.h"

namespace ackwire {

class SimPublisher {
 public:
  SimPublisher(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  SimPublisher(const SimPublisher&) = delete;
  SimPublisher& operator=(const SimPublisher&) = delete;

  // From now on it acts every now and then, until all is calm and its message is answered.
  void Begin();
  [[nodiscard]] bool waits() const { return open_; }

 private:
  struct Message {
    std::string channel;
    std::string id;
    std::string payload;
    std::optional<Duration> ttl;
  };

  void Act();
  void WriteNext();
  void Write();
  void WriteAgain();
  void WriteOtherPayload();
  void WriteExpectingWrongSeq();
  void WriteTooMuch();
  void OnAnswer(const Message& message, std::uint64_t tries, const StatusOr<Published>& outcome);
  [[nodiscard]] static PublishWork WorkOf(const Message& message);
  // The writer is to refuse it so, or because it is about to end.
  void ExpectRefusal(PublishWork work, StatusCode code, const char* event);

  World& world_;
  const std::string name_;
  std::uint64_t made_ = 0;
  std::uint64_t tries_ = 0;
  bool open_ = false;  // `message_` is not answered
  Timestamp asked_at_{};
  Message message_;
  std::vector<Message> answered_;
};

}  // namespace ackwire
