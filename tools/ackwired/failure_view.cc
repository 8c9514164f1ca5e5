#include "tools/ackwired/failure_view.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "delivery/run_states.h"
#include "store/limits.h"
#include "store/proto_time.h"

namespace ackwire {

Status CheckFilter(const v1::FailureFilter& filter) {
  if (!filter.client().empty()) {
    if (Status status = CheckClientName(filter.client()); !status.ok()) return status;
  }
  const bool is_prefix = filter.channel().ends_with('*');
  if (!filter.channel().empty() && filter.channel() != "*") {
    const std::string name =
        is_prefix ? filter.channel().substr(0, filter.channel().size() - 1) : filter.channel();
    if (Status status = CheckChannelName(name); !status.ok()) return status;
  }
  for (const auto& [name, time] :
       {std::pair("since", &filter.since()), std::pair("until", &filter.until())}) {
    constexpr std::int64_t kYear1 = -62'135'596'800;
    constexpr std::int64_t kYear10000 = 253'402'300'800;
    if (time->seconds() < kYear1 || time->seconds() >= kYear10000) {
      std::string why = name;
      why += ": is no time between the years 1 and 9999";
      return InvalidArgument(why);
    }
  }
  for (const int reason : filter.reasons()) {
    if (!v1::Reason_IsValid(reason) || reason == v1::REASON_UNSPECIFIED) {
      return InvalidArgument("reasons: " + std::to_string(reason) + " is no reason");
    }
  }
  if (!filter.message_id().empty() && (filter.channel().empty() || is_prefix)) {
    return InvalidArgument(
        "message_id: give the message's channel too: an id names a message within its channel");
  }
  return OkStatus();
}

StatusOr<v1::ListFailuresResponse> FailureView::List(const v1::ListFailuresRequest& request,
                                                     const PageQuery& page) const {
  FailureReader::Part part{
      .direction = request.oldest_first() ? Direction::kForward : Direction::kReverse,
      .limit = page.size};
  if (!page.after.empty() && !absl::SimpleAtoi(page.after, &part.from.value)) {
    return BadPageToken();
  }
  const StatusOr<FailureReader::Page> read = Read(request.filter(), part);
  if (!read.ok()) return read.status();
  v1::ListFailuresResponse response;
  for (const Failure& each : read->failures) {
    StatusOr<v1::Failure> failure = Describe(each);
    if (!failure.ok()) return failure.status();
    *response.add_failures() = *std::move(failure);
  }
  if (read->next.value != 0) {
    response.set_next_page_token(MakePageToken(std::to_string(read->next.value)));
  }
  return response;
}

StatusOr<FailureReader::Page> FailureView::Read(const v1::FailureFilter& filter,
                                                const FailureReader::Part& part) const {
  FailureQuery query{.client = filter.client(),
                     .channel = filter.channel(),
                     .reasons = {filter.reasons().begin(), filter.reasons().end()}};
  if (filter.has_since()) query.since = TimeOf(filter.since());
  if (filter.has_until()) query.until = TimeOf(filter.until());
  if (!filter.message_id().empty()) {
    const ChannelId channel = store_.derived().IdOf(filter.channel());
    if (channel.value == 0) return FailureReader::Page();
    const auto message = store_.log().FindById(channel, filter.message_id());
    if (!message.ok()) return message.status();
    if (!message->has_value()) return FailureReader::Page();
    query.seq = (*message)->seq();
  }
  if (filter.open_only()) query.passes = [this](const Failure& each) { return IsOpen(each); };
  return store_.failures().List(query, part);
}

StatusOr<v1::Failure> FailureView::Describe(const Failure& failure) const {
  v1::Failure out;
  out.set_id(failure.id.value);
  SetTime(*out.mutable_at(), failure.at);
  out.set_client(failure.client);
  store_.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Get(failure.channel);
    if (info != nullptr) out.set_channel(info->name);
  });
  out.set_first_seq(failure.seqs.first.value);
  out.set_last_seq(failure.seqs.last.value);
  out.set_attempt(failure.attempt);
  out.set_reason(static_cast<v1::Reason>(failure.reason));
  out.set_detail(failure.detail);
  out.set_session(failure.session);
  const auto states = StatesOf(failure);
  if (!states.ok()) return states.status();
  for (const auto& [state, count] : *states) {
    v1::StateCount& now = *out.add_now();
    now.set_state(state);
    now.set_count(count);
  }
  return out;
}

StatusOr<std::map<v1::DeliveryState, std::uint64_t>> FailureView::StatesOf(
    const Failure& failure) const {
  return StatesOfRun(store_, {failure.client, failure.channel, failure.seqs}, clock_.Now());
}

StatusOr<bool> FailureView::IsOpen(const Failure& failure) const {
  const auto states = StatesOf(failure);
  if (!states.ok()) return states.status();
  return states->contains(v1::DELIVERY_STATE_BACKOFF) ||
         states->contains(v1::DELIVERY_STATE_PARKED) ||
         states->contains(v1::DELIVERY_STATE_ABANDONED);
}

}  // namespace ackwire
