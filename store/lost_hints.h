// What salvaged rows tell of places in the log, besides the log itself: names of channels, the
// highest seq that anything names, and up to where log and journal are known to have gone.
//
// Threads:  one; blocks on disk.
// Lifetime: borrows the database.
#pragma once

#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/records.pb.h"
#include "store/recovery.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class LostHints {
 public:
  explicit LostHints(const Database& rows) : rows_(rows) {}

  // Reads channels, index, journal and checkpoints.
  [[nodiscard]] Status Read();
  void Survived(const StoredMessage& stored);
  void Survived(const store::Watermark& mark);

  [[nodiscard]] std::optional<Position> PositionOf(ChannelId channel, Seq seq) const;
  [[nodiscard]] const absl::btree_map<ChannelId, Seq>& last() const { return last_; }
  // A channel whose name nothing tells gets one of its number.
  [[nodiscard]] std::string NameOf(ChannelId channel) const;
  [[nodiscard]] ChannelId last_channel() const;
  // So far log and journal went at least.
  [[nodiscard]] FoldPoint end() const { return end_; }

 private:
  [[nodiscard]] Status ReadChannels();
  [[nodiscard]] Status ReadIndex();
  [[nodiscard]] Status ReadJournal();
  [[nodiscard]] Status ReadCheckpoints();
  void Names(ChannelId channel, Seq seq, const std::string& name = "");
  void Names(const store::Event& event);
  void Reaches(const FoldPoint& point);

  const Database& rows_;
  absl::btree_map<ChannelId, Seq> last_;
  absl::btree_map<ChannelId, std::string> names_;
  FoldPoint end_;
};

}  // namespace ackwire
