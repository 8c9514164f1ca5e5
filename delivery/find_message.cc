#include "delivery/find_message.h"

#include <optional>
#include <utility>

#include "store/limits.h"

namespace ackwire {

Status CheckNamedMessage(const NamedMessage& name) {
  if (Status status = CheckChannelName(name.channel); !status.ok()) return status;
  const bool has_seq = name.seq.value != 0;
  if (has_seq != name.message_id.empty()) {
    return InvalidArgument(
        "seq: name the message by seq, from 1, or by message_id, one of the two");
  }
  return has_seq ? OkStatus() : CheckMessageId(name.message_id);
}

StatusOr<StoredMessage> FindMessage(const Store& store, const NamedMessage& name) {
  ChannelId channel;
  Seq last;
  store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(name.channel);
    if (info == nullptr) return;
    channel = info->id;
    last = info->last;
  });
  if (channel.value == 0) {
    return Error(StatusCode::kNotFound, "channel: there is no " + name.channel);
  }
  if (name.seq.value != 0) {
    if (name.seq <= last) return store.log().ReadSeq(channel, name.seq);
    return Error(StatusCode::kNotFound, "seq: there is no seq " + std::to_string(name.seq.value) +
                                            " in " + name.channel + ", whose last is " +
                                            std::to_string(last.value));
  }
  StatusOr<std::optional<StoredMessage>> found = store.log().FindById(channel, name.message_id);
  if (!found.ok()) return found.status();
  if (found->has_value()) return *std::move(*found);
  return Error(StatusCode::kNotFound,
               "message_id: there is no " + name.message_id + " in " + name.channel);
}

}  // namespace ackwire
