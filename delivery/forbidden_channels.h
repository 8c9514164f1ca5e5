// ForbiddenChannels is which of a client's channels the token of its session does not allow.
//
// Threads: one owner, the ClientLedger.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "delivery/caller.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class ForbiddenChannels {
 public:
  // Each channel is to be judged again.
  void SetCaller(Caller caller) { caller_ = std::move(caller); }

  // Returns whether it is allowed now and was not before.
  bool Judge(ChannelId channel, const std::string& name) {
    if (Check(name).ok()) return told_.erase(channel) > 0;
    told_.try_emplace(channel, false);
    return false;
  }
  void Forget(ChannelId channel) { told_.erase(channel); }

  [[nodiscard]] bool Contains(ChannelId channel) const { return told_.contains(channel); }
  //   kPermissionDenied  it is not allowed
  [[nodiscard]] Status Check(const std::string& name) const { return caller_.MaySubscribe(name); }

  // Whether it is on record that the channel holds something back. REQUIRES: Contains.
  [[nodiscard]] bool IsTold(ChannelId channel) const { return told_.at(channel); }
  void SetTold(ChannelId channel) { told_.at(channel) = true; }

  // fn(ChannelId) for each.
  template <typename F>
  void ForEach(F&& fn) const {
    for (const auto& [channel, told] : told_) fn(channel);
  }

 private:
  Caller caller_;
  std::map<ChannelId, bool> told_;
};

}  // namespace ackwire
