#include "store/stored_ids.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <array>
#include <string>

#include "store/difference.h"

namespace ackwire {
namespace {

const PublishWork* WithId(const Work& work) {
  const auto* publish = std::get_if<PublishWork>(&work);
  return publish == nullptr || publish->draft.message_id().empty() ? nullptr : publish;
}

}  // namespace

void StoredIds::LookUp(std::span<const Work> works) {
  ids_.assign(works.size(), Id());
  unknown_.clear();
  for (std::size_t i = 0; i < works.size(); ++i) {
    const PublishWork* publish = WithId(works[i]);
    if (publish != nullptr) ids_[i].hash = publish->id_hash;
  }
  LookUpInTails(works);
  constexpr std::size_t kReadMax = 128;
  for (std::size_t first = 0; first < unknown_.size(); first += kReadMax) {
    LookUpStored(std::span(unknown_).subspan(first, std::min(kReadMax, unknown_.size() - first)));
  }
}

void StoredIds::LookUpInTails(std::span<const Work> works) {
  derived_.Read([&](const DerivedView& view) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const PublishWork* publish = WithId(works[i]);
      if (publish == nullptr) continue;
      const ChannelInfo* channel = view.channels.Find(publish->draft.channel());
      if (channel == nullptr) continue;
      if (const auto position = view.PositionOfId(channel->id, ids_[i].hash)) {
        ids_[i].position = *position;
      } else {
        unknown_.push_back({i, channel->id});
      }
    }
  });
}

void StoredIds::LookUpStored(std::span<const Unknown> unknown) {
  const std::size_t count = unknown.size();
  std::vector<std::string> keys(count);
  std::vector<rocksdb::Slice> slices(count);
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> found(count);
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = keys::Ids(unknown[i].channel, ids_[unknown[i].work].hash);
    slices[i] = keys[i];
  }
  database_.rocks().MultiGet(rocksdb::ReadOptions(), database_.handle(Family::kIds), count,
                             slices.data(), values.data(), found.data());
  for (std::size_t i = 0; i < count; ++i) {
    Id& id = ids_[unknown[i].work];
    if (found[i].ok()) {
      id.position = Position{keys::ParseU64(values[i].ToStringView()).value_or(0)};
      if (id.position.value == 0) {
        id.status = database_.damage().Noted(
            Error(StatusCode::kDataLoss,
                  "ids, " + ReadableKey(Family::kIds, keys[i]) + ": names no position"));
      }
    } else if (!found[i].IsNotFound()) {
      const std::string row = "ids, " + ReadableKey(Family::kIds, keys[i]);
      id.status = database_.damage().Noted(FromRocks(found[i], "read " + row));
    }
  }
}

}  // namespace ackwire
