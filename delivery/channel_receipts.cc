#include "delivery/channel_receipts.h"

#include <algorithm>
#include <utility>

#include "store/limits.h"

namespace ackwire {
namespace {

template <typename Seqs>
std::size_t CountOfTrue(const Seqs& flags) {
  return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), true));
}

void Set(std::vector<bool>& flags, std::size_t at) {
  if (flags.size() <= at) flags.resize(at + 1);
  flags[at] = true;
}

bool IsSet(const std::vector<bool>& flags, std::size_t at) {
  return at < flags.size() && flags[at];
}

}  // namespace

void ChannelReceipts::Track(Seq seq) {
  if (loaded_) {
    Apply(seq);
  } else {
    waiting_.emplace_back(seq);
  }
}

void ChannelReceipts::OnEvent(const store::Event& event) {
  if (loaded_) {
    Apply(event);
  } else {
    waiting_.emplace_back(event);
  }
}

void ChannelReceipts::Load(const std::vector<std::string>& members) {
  std::set<std::string> before(members.begin(), members.end());
  // As it was before all that has waited: who came meanwhile was none, who went was one.
  std::set<std::string> moved;
  for (const auto& each : waiting_) {
    const auto* event = std::get_if<store::Event>(&each);
    if (event == nullptr) continue;
    const Membership membership = MembershipOf(*event);
    if (membership == Membership::kNone || !moved.insert(event->client()).second) continue;
    if (membership == Membership::kComes) before.erase(event->client());
    if (membership == Membership::kGoes) before.insert(event->client());
  }
  loaded_ = true;
  for (const std::string& client : before) {
    ++devices_[UserOfClient(client)];
    members_.insert(client);
  }
  for (const auto& each : std::exchange(waiting_, {})) {
    std::visit([this](const auto& what) { Apply(what); }, each);
  }
}

void ChannelReceipts::Apply(Seq seq) {
  Message message;
  message.counts.owed = members_.size();
  message.owed.resize(devices_.size());
  for (std::size_t user = 0; user < devices_.size(); ++user)
    message.owed[user] = devices_[user] > 0;
  message.counts.users_owed = CountOfTrue(message.owed);
  messages_[seq] = std::move(message);
  changed_.insert(seq);
}

void ChannelReceipts::Apply(const store::Event& event) {
  const auto fail = [this](Tracked& tracked) {
    ++tracked.second.counts.failed;
    changed_.insert(tracked.first);
  };
  if (event.has_subscribed() && event.subscribed().channel() == channel_.value) {
    OnSubscribed(event.client(), Seq{event.subscribed().start()});
  } else if (event.has_unsubscribed() && event.unsubscribed().channel() == channel_.value) {
    OnUnsubscribed(event.client(), event.unsubscribed());
  } else if (event.has_parked() && event.parked().channel() == channel_.value) {
    const auto found = messages_.find(Seq{event.parked().seq()});
    if (found != messages_.end()) fail(*found);
  } else if (event.has_abandoned() && event.abandoned().channel() == channel_.value) {
    for (const auto& run : event.abandoned().runs()) ForEachIn(run, fail);
  }
  for (const auto& part : event.acked().channels()) {
    if (part.channel() == channel_.value) OnAcked(event.client(), part);
  }
}

void ChannelReceipts::OnSubscribed(const std::string& client, Seq start) {
  const User user = UserOfClient(client);
  if (members_.insert(client).second) ++devices_[user];
  for (auto at = messages_.lower_bound(start); at != messages_.end(); ++at) {
    Message& message = at->second;
    if (message.left.erase(client) > 0) {
      --message.counts.failed;
    } else {
      ++message.counts.owed;
    }
    Owe(message, user);
    changed_.insert(at->first);
  }
}

void ChannelReceipts::OnUnsubscribed(const std::string& client, const store::Unsubscribed& event) {
  if (members_.erase(client) > 0) --devices_[UserOfClient(client)];
  for (const auto& run : event.runs()) {
    ForEachIn(run, [&](Tracked& tracked) {
      ++tracked.second.counts.failed;
      tracked.second.left.insert(client);
      changed_.insert(tracked.first);
    });
  }
}

void ChannelReceipts::OnAcked(const std::string& client, const store::AckedChannel& part) {
  const auto ack = [&](Tracked& tracked) {
    ++tracked.second.counts.acked;
    Reach(tracked.second, UserOfClient(client));
    changed_.insert(tracked.first);
  };
  for (const auto& run : part.runs()) ForEachIn(run, ack);
  for (const auto& run : part.replayed()) {
    ForEachIn(run, [&](Tracked& tracked) {
      if (tracked.second.counts.failed == 0) return;  // it was told before
      --tracked.second.counts.failed;
      ack(tracked);
    });
  }
  if (part.replay() != 0) return;  // what it unparked is among these
  for (const std::uint64_t seq : part.unparked()) {
    const auto found = messages_.find(Seq{seq});
    if (found == messages_.end()) continue;
    --found->second.counts.failed;
    ack(*found);
  }
}

ChannelReceipts::Membership ChannelReceipts::MembershipOf(const store::Event& event) const {
  if (event.has_subscribed() && event.subscribed().channel() == channel_.value) {
    return Membership::kComes;
  }
  const bool goes = event.has_unsubscribed() && event.unsubscribed().channel() == channel_.value;
  return goes ? Membership::kGoes : Membership::kNone;
}

ChannelReceipts::User ChannelReceipts::UserOfClient(const std::string& client) {
  const auto [found, added] =
      users_.try_emplace(std::string(UserOf(client)), static_cast<User>(users_.size()));
  if (added) devices_.push_back(0);
  return found->second;
}

void ChannelReceipts::Owe(Message& message, User user) {
  if (IsSet(message.owed, user)) return;
  Set(message.owed, user);
  ++message.counts.users_owed;
}

void ChannelReceipts::Reach(Message& message, User user) {
  if (IsSet(message.reached, user)) return;
  Set(message.reached, user);
  ++message.counts.users_reached;
}

template <typename Run, typename F>
void ChannelReceipts::ForEachIn(const Run& run, F&& fn) {
  const auto end = messages_.upper_bound(Seq{run.last()});
  for (auto at = messages_.lower_bound(Seq{run.first()}); at != end; ++at) fn(*at);
}

}  // namespace ackwire
