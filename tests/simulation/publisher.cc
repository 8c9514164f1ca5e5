#include "tests/simulation/publisher.h"

#include <utility>

#include "store/writer_queue.h"
#include "tests/simulation/server.h"

namespace ackwire {

void SimPublisher::Begin() {
  if (world_.calm && !open_) return;
  world_.agenda.After(world_.Wait(1, 40), [this] {
    Act();
    Begin();
  });
}

void SimPublisher::Act() {
  constexpr Duration kPatience{60};
  if (world_.server == nullptr) return;
  if (open_) {
    if (world_.agenda.now() - asked_at_ > kPatience) Write();
    return;
  }
  if (world_.calm) return;
  constexpr std::uint64_t kTooMuchIsRare = 10'000;  // it takes 64 MiB
  if (world_.OneIn(kTooMuchIsRare)) return WriteTooMuch();
  switch (answered_.empty() ? 4 : world_.Below(20)) {
    case 0:
      return WriteAgain();
    case 1:
      return WriteOtherPayload();
    case 2:
      return WriteExpectingWrongSeq();
    default:
      WriteNext();
  }
}

PublishWork SimPublisher::WorkOf(const Message& message) {
  PublishWork work;
  work.draft.set_channel(message.channel);
  work.draft.set_message_id(message.id);
  work.draft.set_sender("bob");
  work.draft.set_kind(v1::KIND_CREATED);
  work.draft.set_content_type("text/plain");
  work.draft.set_payload(message.payload);
  work.ttl = message.ttl;
  return work;
}

void SimPublisher::WriteNext() {
  const std::string id = name_ + "-" + std::to_string(++made_);
  message_ = {.channel = world_.AnyChannel(),
              .id = id,
              .payload = id + std::string(world_.Below(100), '.'),
              .ttl = world_.OneIn(12) ? std::optional(world_.Wait(30, 300)) : std::nullopt};
  Write();
}

void SimPublisher::Write() {
  open_ = true;
  asked_at_ = world_.agenda.now();
  PublishWork work = WorkOf(message_);
  work.done = [this, message = message_, tries = ++tries_](const StatusOr<Published>& outcome) {
    OnAnswer(message, tries, outcome);
  };
  world_.server->Submit(std::move(work));
}

void SimPublisher::OnAnswer(const Message& message, std::uint64_t tries,
                            const StatusOr<Published>& outcome) {
  if (!outcome.ok()) {
    if (outcome.status().code() == StatusCode::kUnavailable) return;
    return world_.findings.Violate("publish", message.id + ": " + outcome.status().ToString());
  }
  // An answer that comes too late for the publisher is an answer all the same.
  world_.log.Answered(message.channel, message.id, *outcome);
  if (tries != tries_ || !open_) return;
  if (!world_.calm && world_.OneIn(10)) return world_.findings.Fault("publisher's answer lost");
  open_ = false;
  answered_.push_back(message);
}

void SimPublisher::WriteAgain() {
  const Message again = answered_[world_.Below(answered_.size())];
  PublishWork work = WorkOf(again);
  work.done = [this, again](const StatusOr<Published>& outcome) {
    if (!outcome.ok()) return;
    if (!outcome->duplicate) world_.findings.Violate("duplicate", again.id + " is not known");
    world_.log.Answered(again.channel, again.id, *outcome);
  };
  world_.server->Submit(std::move(work));
}

void SimPublisher::WriteOtherPayload() {
  Message other = answered_[world_.Below(answered_.size())];
  other.payload += "!";
  ExpectRefusal(WorkOf(other), StatusCode::kAlreadyExists, "payload conflicts refused");
}

void SimPublisher::WriteExpectingWrongSeq() {
  constexpr std::uint64_t kFarAway = 1'000'000;
  PublishWork work = WorkOf({.channel = world_.AnyChannel(),
                             .id = name_ + "-expects-" + std::to_string(++made_),
                             .payload = "never stored"});
  work.expected_seq = Seq{kFarAway};
  ExpectRefusal(std::move(work), StatusCode::kAborted, "wrong expected seqs refused");
}

void SimPublisher::WriteTooMuch() {
  PublishWork work = WorkOf({.channel = world_.AnyChannel(),
                             .id = name_ + "-huge",
                             .payload = std::string(kQueuedBytesMax, '.')});
  work.done = [this](const StatusOr<Published>& outcome) {
    if (outcome.status().code() == StatusCode::kResourceExhausted) {
      return world_.findings.Fault("writer's queue full");
    }
    if (outcome.status().code() == StatusCode::kUnavailable) return;
    world_.findings.Violate("queue", "takes more than it has room for");
  };
  world_.server->Submit(std::move(work));
}

void SimPublisher::ExpectRefusal(PublishWork work, StatusCode code, const char* event) {
  const std::string id = work.draft.message_id();
  work.done = [this, id, code, event](const StatusOr<Published>& outcome) {
    if (outcome.status().code() == code) return world_.findings.Event(event);
    if (outcome.status().code() == StatusCode::kUnavailable) return;
    world_.findings.Violate("publish", id + " is not refused but: " + outcome.status().ToString());
  };
  world_.server->Submit(std::move(work));
}

}  // namespace ackwire
