// Policies knows what holds for each channel: the first pattern that fits its name says so, else
// the server's flags do.
//
// Threads: all of it from any; what For gave stays as it is.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/policy.h"

namespace ackwire {

struct ChannelPattern {
  std::string match;  // a channel's name, or with * at its end what it begins with
  ChannelPolicy policy;
};

// What a pattern leaves out.
[[nodiscard]] ChannelPolicy PolicyOf(const DeliveryPolicy& flags);

class Policies {
 public:
  explicit Policies(const DeliveryPolicy& flags, const std::vector<ChannelPattern>& patterns = {});

  [[nodiscard]] const DeliveryPolicy& flags() const { return flags_; }
  [[nodiscard]] std::shared_ptr<const ChannelPolicy> For(std::string_view channel) const;

  // Whether any channel's messages or subscriptions end by themselves.
  [[nodiscard]] bool keeps_not_all() const;

  // Whoever keeps what For gave asks anew to have it hold.
  void Replace(const std::vector<ChannelPattern>& patterns);

 private:
  struct Pattern {
    std::string name;
    bool is_prefix = false;
    std::shared_ptr<const ChannelPolicy> policy;
  };
  using Table = std::vector<Pattern>;
  [[nodiscard]] std::shared_ptr<const Table> table() const;
  [[nodiscard]] static std::shared_ptr<const Table> TableOf(
      const std::vector<ChannelPattern>& patterns);

  const DeliveryPolicy flags_;
  const std::shared_ptr<const ChannelPolicy> otherwise_;
  mutable std::mutex mutex_;  // guards the pointer, not the table
  std::shared_ptr<const Table> table_;
};

}  // namespace ackwire
