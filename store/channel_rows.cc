#include "store/channel_rows.h"

#include <rocksdb/iterator.h>

#include <algorithm>
#include <utility>

#include "store/proto_time.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {

StatusOr<std::vector<ChannelInfo>> ReadChannels(const Database& database) {
  std::vector<ChannelInfo> found;
  const auto iterator = database.NewIterator(Family::kChannels, {});
  for (; iterator->Valid(); iterator->Next()) {
    store::ChannelRow row;
    const std::string name = iterator->key().ToString();
    Status status = record::OpenInto(iterator->value().ToStringView(), "channel " + name, row);
    if (!status.ok()) return status;
    found.push_back({.id = ChannelId{row.id()},
                     .name = name,
                     .first = Seq{row.first_seq()},
                     .last = Seq{row.last_seq()},
                     .subscriptions = row.subscriptions(),
                     .last_published_at = FromUnixMs(row.last_published_at_ms()),
                     .unheard = row.unheard()});
  }
  if (!iterator->status().ok()) return FromRocks(iterator->status(), "read the channels");
  std::sort(found.begin(), found.end(),
            [](const ChannelInfo& a, const ChannelInfo& b) { return a.id < b.id; });
  std::vector<ChannelInfo> channels;
  channels.reserve(found.size());
  for (ChannelInfo& channel : found) {
    if (channel.id.value <= channels.size()) {
      return Error(StatusCode::kDataLoss, "channel " + channel.name + " has the number " +
                                              std::to_string(channel.id.value) +
                                              ", which is not its own");
    }
    while (channels.size() + 1 < channel.id.value) {
      channels.push_back({.id = {channels.size() + 1}});
    }
    channels.push_back(std::move(channel));
  }
  return channels;
}

Status CheckNamed(const std::vector<ChannelInfo>& channels) {
  for (const ChannelInfo& channel : channels) {
    if (!channel.name.empty()) continue;
    return Error(StatusCode::kDataLoss, "channel number " + std::to_string(channel.id.value) +
                                            " is missing from the channels");
  }
  return OkStatus();
}

std::string MakeChannelRow(const ChannelInfo& channel) {
  store::ChannelRow row;
  row.set_id(channel.id.value);
  row.set_first_seq(channel.first.value);
  row.set_last_seq(channel.last.value);
  row.set_subscriptions(channel.subscriptions);
  row.set_last_published_at_ms(ToUnixMs(channel.last_published_at));
  row.set_unheard(channel.unheard);
  return record::Seal(row);
}

std::string WithoutUnheard(std::string_view value) {
  store::ChannelRow row;
  if (!record::OpenInto(value, "a channel", row).ok()) return std::string(value);
  row.clear_unheard();
  return record::Seal(row);
}

}  // namespace ackwire
