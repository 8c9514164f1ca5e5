#include "store/log_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>

#include "store/index_row.h"
#include "store/keys.h"
#include "store/recovery.h"
#include "store/stub.h"

namespace ackwire {
namespace {

// First and last of what a read may return, given what there is; none when it is nothing.
std::optional<std::pair<std::uint64_t, std::uint64_t>> Clip(const ReadRange& range,
                                                            std::uint64_t last) {
  const std::uint64_t count = std::max<std::size_t>(range.messages_max, 1);
  if (range.direction == Direction::kForward) {
    const std::uint64_t first = std::max<std::uint64_t>(range.from, 1);
    if (first > last) return std::nullopt;
    return std::pair{first, last - first < count ? last : first + (count - 1)};
  }
  const std::uint64_t newest = range.from == 0 ? last : std::min(range.from, last);
  if (newest == 0) return std::nullopt;
  return std::pair{newest > count ? newest - count + 1 : 1, newest};
}

Status WrongPosition(const std::string& what, Position position) {
  return Error(StatusCode::kDataLoss, what + " names position " + std::to_string(position.value) +
                                          ", which holds another message or none");
}

// What was read before `failed`; that itself when there is nothing. The next read begins with it.
StatusOr<std::vector<StoredMessage>> UpTo(std::vector<StoredMessage> read, const Status& failed) {
  if (read.empty()) return failed;
  return read;
}

Status MissingSeq(ChannelId channel, Seq seq) {
  return Error(StatusCode::kDataLoss, "index: seq " + std::to_string(seq.value) +
                                          " of channel number " + std::to_string(channel.value) +
                                          " is missing");
}

}  // namespace

StatusOr<StoredMessage> LogReader::ReadAt(Position position) const {
  const Position last = derived_.last_position();
  if (position.value == 0 || position > last) {
    return Error(StatusCode::kNotFound, "no position " + std::to_string(position.value) +
                                            ": the log's last is " + std::to_string(last.value));
  }
  const auto value = database_.Get(Family::kLog, keys::Log(position));
  if (!value.ok()) return value.status();
  if (!value->has_value()) {
    return database_.damage().Noted(Error(
        StatusCode::kDataLoss, "log: position " + std::to_string(position.value) + " is missing"));
  }
  return database_.damage().Noted(ParseLogRow(position, **value));
}

StatusOr<std::vector<Position>> LogReader::Positions(ChannelId channel, SeqRun run,
                                                     Direction direction) const {
  const bool forward = direction == Direction::kForward;
  std::vector<Position> positions;
  // What the tails have; they hold the newest seqs, so the rest is a prefix.
  std::vector<Position> newest;
  derived_.Read([&](const DerivedView& view) {
    for (Seq seq = run.last; seq >= run.first; --seq.value) {
      const auto position = view.PositionOf(channel, seq);
      if (!position) break;
      newest.push_back(*position);
    }
  });
  const Seq end{run.last.value + 1 - newest.size()};
  Seq next = run.first;
  Status missing;
  if (next < end) {
    const auto rows = database_.NewIterator(
        Family::kIndex, {keys::Index(channel, next), keys::Index({channel.value + 1}, {})});
    for (; next < end && rows->Valid(); rows->Next()) {
      const auto row = IndexRow::Parse(rows->key().ToStringView(), rows->value().ToStringView());
      if (!row || row->first > next) {
        missing = database_.damage().Noted(MissingSeq(channel, next));
        if (forward) break;
        positions.clear();
        const auto key = keys::ParseIndex(rows->key().ToStringView());
        next = row ? row->first : key ? Seq{key->last.value + 1} : next;
        if (!row) continue;
      }
      for (; next < end && next <= row->last; ++next.value) {
        positions.push_back(row->PositionOf(next));
      }
    }
    if (!rows->status().ok()) {
      missing = FromRocks(rows->status(), "read the index");
    } else if (next < end && missing.ok()) {
      missing = database_.damage().Noted(MissingSeq(channel, next));
    }
  }
  if (next < end && !forward) positions.clear();  // they are before what is missing
  if (next >= end || !forward) {
    positions.insert(positions.end(), newest.rbegin(), newest.rend());
  }
  if (positions.empty() && !missing.ok()) return missing;
  return positions;
}

StatusOr<std::vector<StoredMessage>> LogReader::ReadChannel(ChannelId channel,
                                                            const ReadRange& range) const {
  std::vector<StoredMessage> out;
  const Seq last = derived_.LastOf(channel);
  const auto clipped = Clip(range, last.value);
  if (!clipped) return out;
  StatusOr<std::vector<Position>> positions =
      Positions(channel, {Seq{clipped->first}, Seq{clipped->second}}, range.direction);
  if (!positions.ok()) return positions.status();
  if (range.direction == Direction::kReverse) std::reverse(positions->begin(), positions->end());
  std::size_t bytes = 0;
  for (const Position position : *positions) {
    const Seq seq{range.direction == Direction::kForward ? clipped->first + out.size()
                                                         : clipped->second - out.size()};
    StatusOr<StoredMessage> stored = ReadAt(position);
    if (stored.ok() ? stored->channel != channel || stored->seq() != seq
                    : stored.status().code() == StatusCode::kNotFound) {
      stored = database_.damage().Noted(
          WrongPosition("index: the row of seq " + std::to_string(seq.value) +
                            " of channel number " + std::to_string(channel.value),
                        position));
    }
    if (!stored.ok()) return UpTo(std::move(out), stored.status());
    bytes += stored->message.ByteSizeLong();
    if (bytes > range.bytes_max && !out.empty()) break;
    out.push_back(*std::move(stored));
  }
  return out;
}

StatusOr<std::vector<StoredMessage>> LogReader::ReadLog(const ReadRange& range) const {
  std::vector<StoredMessage> out;
  const auto clipped = Clip(range, derived_.last_position().value);
  if (!clipped) return out;
  std::size_t bytes = 0;
  const bool reverse = range.direction == Direction::kReverse;
  for (std::uint64_t i = 0; i <= clipped->second - clipped->first; ++i) {
    StatusOr<StoredMessage> stored = ReadAt({reverse ? clipped->second - i : clipped->first + i});
    if (!stored.ok()) return UpTo(std::move(out), stored.status());
    bytes += stored->message.ByteSizeLong();
    if (bytes > range.bytes_max && !out.empty()) break;
    out.push_back(*std::move(stored));
  }
  return out;
}

StatusOr<StoredMessage> LogReader::ReadSeq(ChannelId channel, Seq seq) const {
  StatusOr<std::vector<StoredMessage>> found =
      ReadChannel(channel, {.from = seq.value, .messages_max = 1});
  if (!found.ok()) return found.status();
  if (seq.value != 0 && !found->empty()) return std::move(found->front());
  return Error(StatusCode::kNotFound, "no message with seq " + std::to_string(seq.value));
}

StatusOr<std::optional<StoredMessage>> LogReader::FindById(ChannelId channel,
                                                           const std::string& id) const {
  const keys::IdHash hash = keys::HashOfId(id);
  std::optional<Position> position =
      derived_.Read([&](const DerivedView& view) { return view.PositionOfId(channel, hash); });
  if (!position) {
    const auto value = database_.Get(Family::kIds, keys::Ids(channel, hash));
    if (!value.ok()) return value.status();
    if (!value->has_value()) return std::optional<StoredMessage>();
    position = Position{keys::ParseU64(**value).value_or(0)};
  }
  return ReadId(channel, id, *position);
}

StatusOr<std::optional<StoredMessage>> LogReader::ReadId(ChannelId channel, const std::string& id,
                                                         Position position) const {
  StatusOr<StoredMessage> stored = ReadAt(position);
  // The row of `ids` may outlive what was removed: it was in memory then.
  if (stored.ok() && stored->channel == channel && IsStub(*stored)) {
    return std::optional<StoredMessage>();
  }
  if (stored.ok() ? stored->channel != channel || stored->message.message_id() != id
                  : stored.status().code() == StatusCode::kNotFound) {
    return database_.damage().Noted(WrongPosition("ids: the row of message id " + id, position));
  }
  if (!stored.ok()) return stored.status();
  return std::optional<StoredMessage>(*std::move(stored));
}

}  // namespace ackwire
