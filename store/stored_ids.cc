#include "store/stored_ids.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <array>
#include <string>

#include "store/difference.h"

namespace ackwire {
namespace {

bool HasId(const PublishWork& work) { return !work.draft.message_id().empty(); }

const keys::IdHash& HashOf(const Work& work) { return std::get<PublishWork>(work).id_hash; }

}  // namespace

void StoredIds::LookUp(std::span<const Work> works) {
  ids_.assign(works.size(), Id());
  unknown_.clear();
  LookUpInTails(works);
  constexpr std::size_t kReadMax = 128;
  for (std::size_t first = 0; first < unknown_.size(); first += kReadMax) {
    LookUpStored(works,
                 std::span(unknown_).subspan(first, std::min(kReadMax, unknown_.size() - first)));
  }
}

void StoredIds::LookUpInTails(std::span<const Work> works) {
  derived_.Read([&](const DerivedView& view) {
    // In two rounds: the tails are larger than a cache, and by the second one what it asks for has
    // come from memory.
    for (std::size_t i = 0; i < works.size(); ++i) {
      const auto* publish = std::get_if<PublishWork>(&works[i]);
      if (publish == nullptr) continue;
      ids_[i].channel = view.channels.Find(publish->draft.channel());
      if (ids_[i].channel == nullptr || !HasId(*publish)) continue;
      view.PrefetchId(ids_[i].channel->id, publish->id_hash);
      unknown_.push_back(i);
    }
    std::erase_if(unknown_, [&](std::size_t i) {
      const auto position = view.PositionOfId(ids_[i].channel->id, HashOf(works[i]));
      ids_[i].position = position.value_or(Position());
      return position.has_value();
    });
  });
}

void StoredIds::LookUpStored(std::span<const Work> works, std::span<const std::size_t> unknown) {
  const std::size_t count = unknown.size();
  std::vector<std::string> keys(count);
  std::vector<rocksdb::Slice> slices(count);
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> found(count);
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = keys::Ids(ids_[unknown[i]].channel->id, HashOf(works[unknown[i]]));
    slices[i] = keys[i];
  }
  database_.rocks().MultiGet(rocksdb::ReadOptions(), database_.handle(Family::kIds), count,
                             slices.data(), values.data(), found.data());
  for (std::size_t i = 0; i < count; ++i) {
    Id& id = ids_[unknown[i]];
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
