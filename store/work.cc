#include "store/work.h"

#include "store/log_rows.h"

namespace ackwire {
namespace {

constexpr std::size_t kOverheadBytes = 64;

std::size_t BytesOf(const PublishWork& work) { return work.encoded.size() + kOverheadBytes; }

std::size_t BytesOf(const SubscribeWork& work) {
  std::size_t bytes = 0;
  for (const SubscribeRequest& request : work.requests) {
    bytes += request.client.size() + request.channel.size() + kOverheadBytes;
  }
  return bytes;
}

std::size_t BytesOf(const JournalWork& work) {
  std::size_t bytes = 0;
  for (const auto& event : work.events) bytes += event.ByteSizeLong();
  return bytes;
}

std::size_t BytesOf(const RemoveWork& work) {
  std::size_t bytes = work.event.ByteSizeLong();
  for (const RemoveWork::Row& row : work.rows) bytes += row.stub.size() + kOverheadBytes;
  return bytes;
}

}  // namespace

void Prepare(Work& work) {
  auto* publish = std::get_if<PublishWork>(&work);
  if (publish == nullptr || !publish->encoded.empty()) return;
  publish->encoded = EncodeDraft(publish->draft);
  const std::string& id = publish->draft.message_id();
  if (!id.empty()) publish->id_hash = keys::HashOfId(id);
}

std::size_t SizeOf(const Work& work) {
  return std::visit([](const auto& each) { return BytesOf(each); }, work);
}

void Answer(Work& work) {
  std::visit(
      [](auto& each) {
        if (each.done) each.done(each.outcome);
      },
      work);
}

void Refuse(Work& work, const Status& why) {
  std::visit([&why](auto& each) { each.outcome = why; }, work);
  Answer(work);
}

}  // namespace ackwire
