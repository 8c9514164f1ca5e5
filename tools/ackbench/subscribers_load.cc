#include "tools/ackbench/subscribers_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/import_stream.h"
#include "tools/ackctl/progress_bar.h"

namespace ackwire::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A request of a stream: enough that its messages cost and not its frames.
constexpr std::uint64_t kBatchMessages = 250;

double PerSecond(std::uint64_t count, Clock::time_point started) {
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - started).count();
}

v1::PublishRequest RequestOf(v1::Message&& draft, const std::string& channel) {
  v1::PublishRequest request;
  request.set_channel(channel);
  request.set_message_id(std::move(*draft.mutable_message_id()));
  request.set_sender(std::move(*draft.mutable_sender()));
  request.set_payload(std::move(*draft.mutable_payload()));
  return request;
}

}  // namespace

SubscribersLoad::SubscribersLoad(const std::string& grpc_address, std::size_t payload_bytes)
    : connection_({.server = grpc_address}), workload_({.payload_bytes = payload_bytes}) {}

double SubscribersLoad::Publish(const std::string& channel, std::uint64_t messages) {
  ctl::ProgressBar no_bar(messages, 0);
  const std::uint64_t end = published_ + messages;
  const Clock::time_point started = Clock::now();
  ctl::ImportStream stream(connection_, no_bar);
  while (published_ < end) {
    const std::uint64_t count = std::min(kBatchMessages, end - published_);
    v1::PublishStreamRequest batch;
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < count; ++i) {
      numbers.push_back(published_);
      *batch.add_requests() = RequestOf(workload_.Draft(published_++), channel);
    }
    if (!stream.Send(batch, numbers)) break;
  }
  connection_.Check("publish", stream.Finish());
  const double rate = PerSecond(messages, started);
  if (stream.result().stored == messages) return rate;
  throw std::runtime_error(
      fmt::format("of {} messages {} were stored: a rate of the others is none", messages,
                  stream.result().stored));
}

double SubscribersLoad::Subscribe(const std::string& channel, const Subscribers& subscribers,
                                  const std::function<void(std::uint64_t done)>& progress) {
  const auto stub = v1::SubscriptionService::NewStub(connection_.channel());
  const Clock::time_point started = Clock::now();
  for (std::uint64_t done = 0; done < subscribers.count;) {
    const std::uint64_t count = std::min(subscribers.in_a_call, subscribers.count - done);
    v1::SubscribeManyRequest request;
    for (std::uint64_t i = 0; i < count; ++i) {
      v1::SubscribeRequest& one = *request.add_requests();
      one.set_client(fmt::format("user-{:07}/phone", subscribed_++));
      one.set_channel(channel);
    }
    v1::SubscribeManyResponse response;
    connection_.Call("subscribe", [&](grpc::ClientContext& call) {
      return stub->SubscribeMany(&call, request, &response);
    });
    if (static_cast<std::uint64_t>(response.subscriptions_size()) != count) {
      throw std::runtime_error(fmt::format("asked for {} subscriptions, got an answer for {}",
                                           count, response.subscriptions_size()));
    }
    done += count;
    progress(done);
  }
  return PerSecond(subscribers.count, started);
}

}  // namespace ackwire::bench
