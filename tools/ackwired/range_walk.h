// RangeWalk adds what a range names to a plan, a part at a time: of each client that is subscribed
// what is settled, whatever became of it.
//
// Threads:  one at a time; Step blocks on disk.
// Lifetime: borrows the store.
// Bounds:   a step looks at one channel, or at kClientsAtOnce clients of it.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "store/channel_table.h"
#include "store/ledger_reader.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/replay_plan.h"

namespace ackwire {

class RangeWalk {
 public:
  RangeWalk(const Store& store, v1::RangeSelection range);

  // True: that was the last.
  //   kNotFound           there is no such channel
  //   kResourceExhausted  it is more than a plan may be
  //   kDataLoss           something on the way is damaged
  [[nodiscard]] StatusOr<bool> Step(PlannedReplay& planned);

 private:
  static constexpr std::size_t kChannelsAtOnce = 1'000;
  static constexpr std::size_t kClientsAtOnce = 100;

  struct Part {
    ChannelId channel;
    SeqRun seqs;
  };
  [[nodiscard]] Status ReadChannels();
  [[nodiscard]] Status BeginChannel(const ChannelInfo& channel);
  [[nodiscard]] Status AddClients(PlannedReplay& planned);
  [[nodiscard]] Status AddClient(const std::string& client, PlannedReplay& planned) const;
  // The seqs that the range names; none when it is empty.
  [[nodiscard]] StatusOr<SeqRun> SeqsOf(const ChannelInfo& channel) const;
  // The lowest seq that was published at `time` or later; one behind the last when none was.
  [[nodiscard]] StatusOr<Seq> FirstSince(const ChannelInfo& channel, Timestamp time) const;

  const Store& store_;
  const v1::RangeSelection range_;
  ChannelTable::Page channels_after_;
  std::deque<ChannelInfo> channels_;  // read, and not begun
  bool channels_end_ = false;
  std::optional<Part> part_;  // of the channel under way
  LedgerReader::Page members_;
};

}  // namespace ackwire
