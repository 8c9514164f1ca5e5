#include "store/difference.h"

#include <algorithm>

#include "store/keys.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return text;
}

std::string NotAKey(std::string_view key) { return "a key that is none: " + Hex(key); }

std::string EventText(EventId id) {
  return "event " + Text(id.index()) + " of journal record " + Text(id.number().value);
}

std::string IndexKey(std::string_view key, const ChannelNamer& name_of) {
  const auto parsed = keys::ParseIndex(key);
  if (!parsed) return NotAKey(key);
  return "channel " + name_of(parsed->channel) + ", seq " + Text(parsed->last.value);
}

std::string IdsKey(std::string_view key, const ChannelNamer& name_of) {
  const auto parsed = keys::ParseIds(key);
  if (!parsed) return NotAKey(key);
  return "channel " + name_of(parsed->channel) + ", id with hash " +
         Hex({parsed->hash.data(), parsed->hash.size()});
}

std::string LedgerKey(std::string_view key, const ChannelNamer& name_of) {
  const auto parsed = keys::ParseLedger(key);
  if (!parsed) return NotAKey(key);
  if (parsed->channel.value == 0) return "client " + parsed->client;
  return "client " + parsed->client + ", channel " + name_of(parsed->channel);
}

std::string MembersKey(std::string_view key, const ChannelNamer& name_of) {
  const auto parsed = keys::ParseMembers(key);
  if (!parsed) return NotAKey(key);
  return "channel " + name_of(parsed->channel) + ", client " + parsed->client;
}

// Of a list of `failures`: which list is for whoever reads the code to say.
std::string ListedKey(std::string_view key) {
  constexpr std::size_t kNumberBytes = 8;
  const auto number = keys::ParseU64(key.substr(key.size() - std::min(key.size(), kNumberBytes)));
  return number ? "journal record " + Text(*number) + " in list " +
                      Hex(key.substr(0, key.size() - kNumberBytes))
                : NotAKey(key);
}

std::string NumberedKey(Family family, std::string_view key, const ChannelNamer& name_of) {
  if (family == Family::kFailures && keys::IsListed(key)) return ListedKey(key);
  const auto parsed = keys::ParseNumbered(key);
  if (!parsed) return NotAKey(key);
  const std::string number = family == Family::kFailures ? EventText(EventId{parsed->number})
                                                         : "seq " + Text(parsed->number);
  return "client " + parsed->client + ", channel " + name_of(parsed->channel) + ", " + number;
}

std::string ReplaysKey(std::string_view key, const ChannelNamer& name_of) {
  const auto parsed = keys::ParseReplays(key);
  if (!parsed) return NotAKey(key);
  const std::string replay = "replay " + Text(parsed->replay.value);
  if (!parsed->open) return replay;
  return replay + ", client " + parsed->open->client + ", channel " +
         name_of(parsed->open->channel);
}

template <typename Row>
std::string RowText(std::string_view value) {
  Row row;
  const Status status = record::OpenInto(value, "damaged", row);
  return status.ok() ? "{" + row.ShortDebugString() + "}" : MessageOf(status);
}

std::string NumberText(const std::string& noun, std::string_view value) {
  const auto number = keys::ParseU64(value);
  return number && value.size() == sizeof(std::uint64_t) ? noun + " " + Text(*number)
                                                         : "not a number: " + Hex(value);
}

}  // namespace

std::string ReadableKey(Family family, std::string_view key, const ChannelNamer& name_of) {
  switch (family) {
    case Family::kIndex:
      return IndexKey(key, name_of);
    case Family::kIds:
      return IdsKey(key, name_of);
    case Family::kLedger:
      return LedgerKey(key, name_of);
    case Family::kMembers:
      return MembersKey(key, name_of);
    case Family::kParked:
    case Family::kFailures:
    case Family::kHistory:
      return NumberedKey(family, key, name_of);
    case Family::kReplays:
      return ReplaysKey(key, name_of);
    case Family::kChannels:
      return "channel " + std::string(key);
    case Family::kLog:
      return NumberText("position", key);
    case Family::kJournal:
      return NumberText("record", key);
    default:
      return std::string(key);
  }
}

std::string ReadableKey(Family family, std::string_view key) {
  return ReadableKey(family, key, [](ChannelId id) { return "number " + Text(id.value); });
}

std::string ReadableValue(Family family, std::string_view key, std::string_view value) {
  switch (family) {
    case Family::kIndex:
    case Family::kIds:
      return NumberText("position", value);
    case Family::kParked:
    case Family::kHistory: {
      const auto id = keys::ParseU64(value);
      return id ? EventText(EventId{*id}) : "not a number: " + Hex(value);
    }
    case Family::kLedger: {
      const auto parsed = keys::ParseLedger(key);
      return parsed && parsed->channel.value == 0 ? RowText<store::ClientRow>(value)
                                                  : RowText<store::LedgerRow>(value);
    }
    case Family::kReplays: {
      const auto parsed = keys::ParseReplays(key);
      return parsed && parsed->open ? RowText<store::ReplayOpenRow>(value)
                                    : RowText<store::ReplayRow>(value);
    }
    case Family::kChannels:
      return RowText<store::ChannelRow>(value);
    case Family::kMeta:
      return RowText<store::DerivedCheckpoint>(value);
    default:
      return value.empty() ? "a row" : "a row that says " + Hex(value);
  }
}

std::string RangeText(std::uint64_t first, std::uint64_t last) {
  return first == last ? Text(first) : Text(first) + " to " + Text(last);
}

}  // namespace ackwire
