// Retention removes what the channels' policies keep no longer, and ends the subscriptions of
// clients that stay away for too long.
//
// Threads:  a thread of its own, between Start and Stop.
// Lifetime: borrows all it is given.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "delivery/client_homes.h"
#include "delivery/next_to_expire.h"
#include "delivery/policies.h"
#include "delivery/remover.h"
#include "delivery/trim_pace.h"
#include "store/channel_table.h"
#include "store/clock.h"
#include "store/seq_runs.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

// How long it rests between two looks at all channels, and up to five times as long where these
// take long.
inline constexpr Duration kRetentionInterval{2'000};

class Retention {
 public:
  struct Dependencies {
    Store& store;
    const Clock& clock;
    const Policies& policies;
    const Remover& remover;
    ClientHomes& homes;
  };
  explicit Retention(Dependencies dependencies)
      : deps_(dependencies), started_at_(deps_.clock.Now()) {}
  ~Retention() { Stop(); }
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  void Start();
  // Returns once what is under way has ended: REQUIRES that the store still takes writes.
  void Stop();

 private:
  // What is known of a channel since the start.
  struct Looked {
    Seq next{1};             // all before it is removed, or in `kept`
    SeqRuns kept;            // for what is parked of them
    Timestamp kept_until{};  // not looked at again before
    // Payload bytes of what is from `next` up to `counted`.
    Seq counted;
    std::uint64_t bytes = 0;
    TrimPace pace;
    NextToExpire next_to_expire;
  };

  void Run();
  void Pass();
  void LookAt(const ChannelInfo& channel, const Keeping& keeping);
  [[nodiscard]] Status Trim(const ChannelInfo& channel, const Keeping& keeping);
  // Reads what is not counted yet, where there is a limit by bytes.
  [[nodiscard]] Status CountBytes(const ChannelInfo& channel, const Keeping& keeping,
                                  Looked& looked) const;
  // The last seq that may go; before `next` when none may, or it is not time yet.
  [[nodiscard]] StatusOr<Seq> LastToGo(const ChannelInfo& channel, const Keeping& keeping,
                                       Looked& looked) const;
  // Of a run, the last that was published by `time`; the seq before the run when none was.
  [[nodiscard]] StatusOr<Seq> LastBefore(ChannelId channel, SeqRun run, Timestamp time) const;
  // The last that must go for the rest to take no more than the limit, at least `last_to_go`.
  [[nodiscard]] StatusOr<Seq> LastForBytes(const ChannelInfo& channel, std::uint64_t limit,
                                           Seq last_to_go, Looked& looked) const;
  [[nodiscard]] StatusOr<SeqRuns> ParkedOf(ChannelId channel, const SeqRuns& seqs) const;
  [[nodiscard]] Status ExpireSubscriptions(const ChannelInfo& channel, Duration after);
  struct Unseen {
    Duration after;
    Timestamp since;
  };
  [[nodiscard]] Status LookAtSubscribers(const ChannelInfo& channel, Unseen unseen,
                                         NextToExpire& next) const;
  [[nodiscard]] Status ExpireIfUnseen(const std::string& client, const ChannelInfo& channel,
                                      Unseen unseen, NextToExpire& next) const;
  // Waits for what is asked of others.
  using Ask = std::function<void(std::function<void(const Status&)>)>;
  [[nodiscard]] static Status Await(const Ask& ask);
  [[nodiscard]] bool stopping() const;

  const Dependencies deps_;
  const Timestamp started_at_;
  std::map<ChannelId, Looked> looked_;
  Position removed_up_to_;  // since room was made
  bool first_pass_ = true;
  mutable std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ackwire
