#include "tools/ackwired/failure_view.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "store/limits.h"
#include "store/proto_time.h"

namespace ackwire {
namespace {

// What has become of some failures. The ledger is read once for those of a client and channel whose
// seqs overlap or touch: of retries, and of messages that failed one by one, that is for all.
//
// Lifetime: borrows the store and the failures.
class StatesOfFailures {
 public:
  StatesOfFailures(const Store& store, Timestamp now, const std::vector<Failure>& failures)
      : store_(store), now_(now) {
    std::map<std::pair<std::string, ChannelId>, SeqRuns> failed;
    for (const Failure& each : failures) failed[{each.client, each.channel}].Add(each.seqs);
    for (const Failure& each : failures) {
      const SeqRuns& all = failed.at({each.client, each.channel});
      const Seq last{all.FirstMissing(each.seqs.first).value - 1};
      const auto [at, is_new] = groups_.try_emplace({each.client, each.channel, last});
      Group& group = at->second;
      group.first = is_new ? each.seqs.first : std::min(group.first, each.seqs.first);
      group.failures.push_back(&each);
      group_of_[each.id] = at;
    }
  }

  // REQUIRES: it is one of the failures.
  [[nodiscard]] StatusOr<StateCounts> Of(const Failure& failure) {
    const auto known = known_.find(failure.id);
    if (known != known_.end()) return known->second;
    const auto& [key, group] = *group_of_.at(failure.id);
    const SeqRun seqs{group.first, std::get<Seq>(key)};
    const auto read = RunOnRecord::Read(store_, {failure.client, failure.channel, seqs});
    if (!read.ok()) return read.status();
    for (const Failure* each : group.failures) known_[each->id] = read->StatesOf(each->seqs, now_);
    return known_.at(failure.id);
  }

 private:
  struct Group {
    Seq first;
    std::vector<const Failure*> failures;
  };
  using Groups = std::map<std::tuple<std::string, ChannelId, Seq>, Group>;  // by their last seq

  const Store& store_;
  const Timestamp now_;
  Groups groups_;
  std::map<FailureId, Groups::const_iterator> group_of_;
  std::map<FailureId, StateCounts> known_;
};

bool IsOpen(const StateCounts& now) {
  return now.contains(v1::DELIVERY_STATE_BACKOFF) || now.contains(v1::DELIVERY_STATE_PARKED) ||
         now.contains(v1::DELIVERY_STATE_ABANDONED);
}

}  // namespace

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
  StatesOfFailures states(store_, clock_.Now(), read->failures);
  for (const Failure& each : read->failures) {
    const StatusOr<StateCounts> now = states.Of(each);
    if (!now.ok()) return now.status();
    *response.add_failures() = Describe(each, *now);
  }
  if (read->next.value != 0) {
    response.set_next_page_token(MakePageToken(std::to_string(read->next.value)));
  }
  return response;
}

StatusOr<std::optional<FailureQuery>> FailureView::QueryFor(const v1::FailureFilter& filter) const {
  FailureQuery query{.client = filter.client(),
                     .channel = filter.channel(),
                     .reasons = {filter.reasons().begin(), filter.reasons().end()}};
  if (filter.has_since()) query.since = TimeOf(filter.since());
  if (filter.has_until()) query.until = TimeOf(filter.until());
  if (!filter.message_id().empty()) {
    const ChannelId channel = store_.derived().IdOf(filter.channel());
    if (channel.value == 0) return std::optional<FailureQuery>();
    const auto message = store_.log().FindById(channel, filter.message_id());
    if (!message.ok()) return message.status();
    if (!message->has_value()) return std::optional<FailureQuery>();
    query.seq = (*message)->seq();
  }
  return std::optional<FailureQuery>(std::move(query));
}

StatusOr<FailureReader::Page> FailureView::Read(const v1::FailureFilter& filter,
                                                const FailureReader::Part& part) const {
  const StatusOr<std::optional<FailureQuery>> query = QueryFor(filter);
  if (!query.ok()) return query.status();
  if (!query->has_value()) return FailureReader::Page();
  return filter.open_only() ? ReadOpen(**query, part) : store_.failures().List(**query, part);
}

StatusOr<FailureReader::Page> FailureView::ReadOpen(const FailureQuery& query,
                                                    const FailureReader::Part& part) const {
  FailureReader::Part all = part;
  all.limit = kOpenLookedAtMax;
  const StatusOr<FailureReader::Page> page = store_.failures().List(query, all);
  if (!page.ok()) return page.status();
  StatesOfFailures states(store_, clock_.Now(), page->failures);
  FailureReader::Page open{.next = page->next};
  for (const Failure& each : page->failures) {
    const StatusOr<StateCounts> now = states.Of(each);
    if (!now.ok()) return now.status();
    if (!IsOpen(*now)) continue;
    if (open.failures.size() == part.limit) {
      open.next = each.id;
      break;
    }
    open.failures.push_back(each);
  }
  return open;
}

StatusOr<v1::Failure> FailureView::Describe(const Failure& failure) const {
  const auto now =
      StatesOfRun(store_, {failure.client, failure.channel, failure.seqs}, clock_.Now());
  if (!now.ok()) return now.status();
  return Describe(failure, *now);
}

v1::Failure FailureView::Describe(const Failure& failure, const StateCounts& now) const {
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
  for (const auto& [state, count] : now) {
    v1::StateCount& in_state = *out.add_now();
    in_state.set_state(state);
    in_state.set_count(count);
  }
  return out;
}

}  // namespace ackwire
