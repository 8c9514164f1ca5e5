#include "store/channel_table.h"

#include "store/check.h"

namespace ackwire {

const ChannelInfo* ChannelTable::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : Get(found->second);
}

const ChannelInfo* ChannelTable::Get(ChannelId id) const {
  return id.value == 0 || id.value > channels_.size() ? nullptr : &channels_[id.value - 1];
}

ChannelInfo& ChannelTable::GetOrAdd(ChannelId id, const std::string& name) {
  CHECK(id.value != 0, "channel ids begin at 1");
  while (channels_.size() < id.value) channels_.push_back({.id = ChannelId{channels_.size() + 1}});
  ChannelInfo& channel = channels_[id.value - 1];
  if (channel.name.empty() && !name.empty()) {
    channel.name = name;
    by_name_.emplace(channel.name, id);
    names_.insert(channel.name);
  }
  return channel;
}

std::vector<ChannelInfo> ChannelTable::List(const Page& page) const {
  std::vector<ChannelInfo> out;
  auto at =
      page.after < page.prefix ? names_.lower_bound(page.prefix) : names_.upper_bound(page.after);
  for (; at != names_.end() && out.size() < page.limit; ++at) {
    if (!at->starts_with(page.prefix)) break;
    out.push_back(*Find(*at));
  }
  return out;
}

}  // namespace ackwire
