#include "store/event_of_record.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>
#include <optional>

#include "store/ledger_reader.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t kAtMs = WireFormatLite::MakeTag(store::JournalRecord::kAtMsFieldNumber,
                                                        WireFormatLite::WIRETYPE_VARINT);
constexpr std::uint32_t kEvent = WireFormatLite::MakeTag(store::JournalRecord::kEventsFieldNumber,
                                                         WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

struct Found {
  std::uint64_t at_ms = 0;
  std::uint64_t events = 0;
  std::string_view wanted;  // the bytes of the event
};

// None when these are not the bytes of a record.
std::optional<Found> FindEvent(std::string_view body, std::uint64_t index) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(body.data()),
                      static_cast<int>(body.size()));
  Found found;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag == kAtMs) {
      if (!in.ReadVarint64(&found.at_ms)) return std::nullopt;
    } else if (tag == kEvent) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size)) return std::nullopt;
      const auto at = static_cast<std::size_t>(in.CurrentPosition());
      if (!in.Skip(static_cast<int>(size))) return std::nullopt;
      if (found.events++ == index) found.wanted = body.substr(at, size);
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return std::nullopt;
    }
  }
  return in.ConsumedEntireMessage() ? std::optional(found) : std::nullopt;
}

}  // namespace

StatusOr<JournalEvent> EventOfRecord(std::string_view value, EventId id, const std::string& what) {
  const StatusOr<std::string_view> body = record::Open(value, what);
  if (!body.ok()) return body.status();
  const std::optional<Found> found = FindEvent(*body, id.index());
  if (!found) return Error(StatusCode::kDataLoss, what + ": is no record");
  if (id.index() >= found->events) {
    return Error(StatusCode::kDataLoss,
                 what + ": has no event number " + std::to_string(id.index()));
  }
  JournalEvent out{id, FromUnixMs(static_cast<std::int64_t>(found->at_ms)), {}};
  const std::string_view bytes = found->wanted;
  if (!out.event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error(StatusCode::kDataLoss,
                 what + ": event number " + std::to_string(id.index()) + " is no event");
  }
  return out;
}

}  // namespace ackwire
