// What is read from disk. The first letter says what the rest is; a body is sealed here, as its
// checksum is what nobody guesses:
//
//   k  a key, of any family            l  the body of a row of the log
//   i  key and value of a row of index j  the body of a journal record
//   r  a value as it stands on disk    e  the body of a ledger row
//   w  the watermark's file            o  the body of a row of what is open of a replay
//   m  the body of a backup's manifest
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <filesystem>

#include "store/backup_manifest.h"
#include "store/event_of_record.h"
#include "store/failures.h"
#include "store/index_row.h"
#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/ledger_reader.h"
#include "store/record.h"
#include "store/records.pb.h"
#include "store/recovery.h"
#include "store/stub.h"
#include "store/watermark_slot.h"
#include "tests/fuzz/error_checks.h"

namespace ackwire::fuzz {
namespace {

void CheckDamage(const Status& status, const std::string& what) {
  CHECK(status.code() == StatusCode::kDataLoss, "it is damage");
  CHECK(MessageOf(status).starts_with(what), "and says where");
}

// A key is built of what was parsed as it was, whichever family it is of.
void CheckKey(std::string_view key) {
  if (const auto position = keys::ParseLog(key)) CHECK(keys::Log(*position) == key, "log");
  if (const auto number = keys::ParseJournal(key)) CHECK(keys::Journal(*number) == key, "journal");
  if (const auto index = keys::ParseIndex(key)) {
    CHECK(keys::Index(index->channel, index->last) == key, "index");
  }
  if (const auto ids = keys::ParseIds(key)) CHECK(keys::Ids(ids->channel, ids->hash) == key, "ids");
  if (const auto ledger = keys::ParseLedger(key)) {
    CHECK(keys::Ledger(ledger->client, ledger->channel) == key, "ledger");
    CHECK(key < keys::LedgerEnd(ledger->client), "a client's keys lie before its end");
    CHECK(keys::Ledger(ledger->client, {0}) <= key, "and from its own row on");
  }
  if (const auto member = keys::ParseMembers(key)) {
    CHECK(keys::Members(member->channel, member->client) == key, "members");
  }
  if (const auto each = keys::ParseNumbered(key)) {
    CHECK(keys::Numbered(each->client, each->channel, each->number) == key, "numbered");
  }
  if (const auto replay = keys::ParseReplays(key)) {
    const auto& open = replay->open;
    CHECK((open ? keys::ReplayOpen(replay->replay, open->client, open->channel)
                : keys::Replays(replay->replay)) == key,
          "replays");
  }
  const std::string ids = keys::Ids({7}, keys::HashOfId(key));
  CHECK(keys::Ids({7}, keys::ParseIds(ids)->hash) == ids, "whatever the id");
  const std::string outbox = keys::Outbox({keys::ParseU64(key).value_or(7)}, {8});
  CHECK(keys::ParseU64(outbox) == keys::ParseU64(key).value_or(7), "outbox");
  const std::string lists[] = {keys::FailuresOfAll(), keys::FailuresOfClient(key.substr(0, 5)),
                               keys::FailuresOfBlock({7}, {.level = 1, .number = 2}),
                               keys::FailuresOfChannel({7}), keys::FailuresOfReason(3)};
  for (const std::string& list : lists) {
    CHECK(keys::IsListed(list) && list < keys::FailuresEnd(), "lists stand before clients");
    const auto number = keys::ParseListed(list, key);
    if (number) CHECK(keys::Listed(list, *number) == key, "a list");
  }
}

void CheckIndexRow(std::string_view bytes) {
  constexpr std::size_t kKeyBytes = 16;
  const std::string_view key = bytes.substr(0, kKeyBytes);
  const std::string_view value = bytes.substr(key.size());
  const auto row = IndexRow::Parse(key, value);
  if (!row) return;
  CHECK(row->first.value > 0 && row->first <= row->last, "seqs begin with 1");
  std::vector<Position> positions;
  for (Seq seq = row->first; positions.size() < value.size() / sizeof(std::uint64_t); ++seq.value) {
    positions.push_back(row->PositionOf(seq));
  }
  CHECK(IndexRow::ValueOf(positions) == value, "each seq has its position");
  CHECK(row->last.value - row->first.value + 1 == positions.size(), "and there are as many");
}

void CheckSeal(std::string_view value) {
  const auto body = record::Open(value, "a value");
  if (body.ok()) {
    CHECK(record::Seal(*body) == value, "a body has one seal");
  } else {
    CheckDamage(body.status(), "a value");
  }
  std::string sealed = record::Seal(value);
  const auto opened = record::Open(sealed, "a value");
  CHECK(opened.ok() && *opened == value, "what was sealed comes out");
  CHECK(record::Contains(sealed, value.substr(value.size() / 2)), "and stands in it");
  sealed[sealed.size() / 2] = static_cast<char>(sealed[sealed.size() / 2] ^ 4);
  CHECK(!record::Open(sealed, "a value").ok(), "one bit is noticed");
}

// Equal messages, equal bytes: headers have no order of their own.
std::string BytesOf(const v1::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  CHECK(message.SerializeToCodedStream(&out), "a message has bytes");
  out.Trim();
  return bytes;
}

void CheckLogRow(std::string_view body) {
  const std::string row = record::Seal(body);
  v1::Message message;
  const std::string_view bytes = body.substr(std::min(body.size(), sizeof(std::uint64_t)));
  static_cast<void>(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const Position position{message.position()};
  const std::string what = "log position " + std::to_string(position.value);
  const StatusOr<StoredMessage> stored = ParseLogRow(position, row);
  if (!stored.ok()) return CheckDamage(stored.status(), what);
  CHECK(stored->channel.value != 0 || IsStub(*stored), "of no channel is only what was lost");
  CHECK(!ParseLogRow({position.value + 1}, row).ok(), "it is of that place only");

  const StatusOr<StoredMessage> again = ParseLogRow(position, MakeLogRow(*stored));
  CHECK(again.ok() && again->channel == stored->channel, "it can be written again");
  CHECK(BytesOf(again->message) == BytesOf(stored->message), "as it is");

  const StoredMessage stub = MakeStub(*stored, v1::REASON_REDACTED);
  const StatusOr<StoredMessage> left = ParseLogRow(position, MakeLogRow(stub));
  CHECK(left.ok() && IsStub(*left) && left->seq() == stored->seq(), "a stub keeps the place");
  CHECK(left->message.payload().empty() && left->message.sender().empty(), "and nothing said");
  CHECK(GoneFor(left->message) == v1::REASON_REDACTED, "but why");
  for (const v1::Reason why : {v1::REASON_REDACTED, v1::REASON_RETENTION, v1::REASON_UNSPECIFIED}) {
    const v1::Message gone = MakeStub(*stored, why).message;
    CHECK(GoneStatus(gone).code() == StatusCode::kNotFound, "404");
    CHECK(AbandonedFor(GoneFor(gone)) != v1::REASON_UNSPECIFIED, "with a reason");
  }
}

// Sorted, disjoint, with something between two, and counted.
void CheckRuns(const SeqRuns& runs) {
  std::uint64_t count = 0;
  const SeqRun* before = nullptr;
  for (const SeqRun& run : runs.runs()) {
    CHECK(run.first <= run.last, "a run has a seq");
    CHECK(
        before == nullptr || (before->last < run.first && run.first.value - before->last.value > 1),
        "runs are in order, and apart");
    CHECK(runs.Contains(run.first) && runs.Contains(run.last), "and have their ends");
    count += run.length();
    before = &run;
  }
  CHECK(count == runs.count(), "seqs are counted");
}

// Runs are no longer than a window, as a server writes them.
bool IsOfAWindow(const store::Event& event) {
  constexpr std::uint64_t kWindowMax = 4096;
  for (const auto& part : event.failed().channels()) {
    for (const auto& run : part.runs()) {
      if (run.first() > run.last() || run.last() - run.first() > kWindowMax) return false;
      if (run.last() == UINT64_MAX) return false;
    }
  }
  return event.failed().channels_size() < 4;
}

void CheckEntry(const LedgerEntry& entry) {
  CheckRuns(entry.settled());
  const std::string row = entry.ToRow().SerializeAsString();
  CHECK(LedgerEntry::FromRow(entry.ToRow()).ToRow().SerializeAsString() == row, "a row is whole");

  // Of a row that a server wrote: what is settled lies above the floor, and apart from it.
  constexpr std::uint64_t kMax = UINT64_MAX;
  const auto& settled = entry.settled().runs();
  const std::uint64_t floor = entry.floor().value;
  if (!entry.subscribed() || floor == kMax) return;
  if (!settled.empty() && settled.front().first.value <= floor + 1) return;
  if (!settled.empty() && settled.back().last.value == kMax) return;
  CHECK(entry.UndeliveredRuns({kMax}).count() == entry.Undelivered({kMax}), "what is owed");
  const Seq first = entry.FirstUnsettled({0});
  CHECK(!entry.IsSettled(first) && first.value == floor + 1, "is owed from the floor on");
  CHECK(entry.UndeliveredRuns({kMax}).runs().front().first == first, "in order");
}

void CheckLedgerRow(std::string_view body) {
  store::LedgerRow row;
  const Status status = record::OpenInto(record::Seal(body), "the row", row);
  if (!status.ok()) return CheckDamage(status, "the row");
  CheckEntry(LedgerEntry::FromRow(row));
}

void CheckJournalRecord(std::string_view body) {
  constexpr int kEventsRead = 8;
  const std::string value = record::Seal(body);
  store::JournalRecord record;
  const Status status = record::OpenInto(value, "record", record);
  if (!status.ok()) CheckDamage(status, "record");
  LedgerEntry entry;
  for (int i = 0; i <= std::min(record.events_size(), kEventsRead); ++i) {
    const EventId id = EventId::Of({1}, static_cast<std::uint64_t>(i));
    const StatusOr<JournalEvent> one = EventOfRecord(value, id, "record");
    if (!one.ok()) CheckDamage(one.status(), "record");
    if (!status.ok()) continue;  // one of its events may be whole
    CHECK(one.ok() == (i < record.events_size()), "each event is found alone");
    if (!one.ok()) continue;
    const store::Event& event = record.events(i);
    CHECK(one->event.SerializeAsString() == event.SerializeAsString(), "and is the same");
    CHECK(ToUnixMs(one->committed_at) == record.at_ms(), "of the same moment");
    if (IsOfAWindow(event)) entry.Fold(id, event, {1});
    CheckEntry(entry);
  }
}

void CheckPackedRuns(std::string_view body) {
  store::ReplayOpenRow row;
  if (!record::OpenInto(record::Seal(body), "the row", row).ok()) return;
  const SeqRuns runs = UnpackRuns(row.runs());
  CheckRuns(runs);
  store::ReplayOpenRow again;
  PackRuns(runs, *again.mutable_runs());
  CHECK(UnpackRuns(again.runs()).runs() == runs.runs(), "packed runs come out");
  SeqRuns rest = runs;
  for (const SeqRun& run : runs.runs()) {
    CHECK(rest.Remove(run) == run.length(), "what is in it can be taken out");
    CheckRuns(rest);
  }
  CHECK(rest.empty() && Common(runs, runs).runs() == runs.runs(), "and nothing is left");
}

void CheckWatermark(std::string_view file) {
  static_cast<void>(NewestWatermark(file));
  store::Watermark mark;
  if (!mark.ParseFromArray(file.data(), static_cast<int>(file.size()))) return;
  mark.set_generation(mark.generation() / 2 + 1);
  std::string slots = MakeWatermarkSlot(mark);
  if (slots.size() > kWatermarkSlotBytes) return;
  slots.resize(kWatermarkSlotBytes, '\0');
  CHECK(NewestWatermark(slots)->SerializeAsString() == mark.SerializeAsString(), "one slot");
  store::Watermark next = mark;
  next.set_generation(mark.generation() + 1);
  slots += MakeWatermarkSlot(next);
  CHECK(NewestWatermark(slots)->generation() == next.generation(), "the newer of two");
  slots[kWatermarkSlotBytes + 4] = static_cast<char>(slots[kWatermarkSlotBytes + 4] ^ 1);
  CHECK(NewestWatermark(slots)->generation() == mark.generation(), "or the one that is whole");
}

void CheckManifest(std::string_view body) {
  const auto manifest = ParseManifest(record::Seal(body), "the manifest");
  if (!manifest.ok()) return CheckDamage(manifest.status(), "the manifest");
  const std::filesystem::path backup = "/backup";
  for (const store::BackupFile& file : manifest->files()) {
    // As the system reads a path: to the first zero.
    const std::filesystem::path path = (backup / file.path().c_str()).lexically_normal();
    CHECK(path.has_filename(), "a file is no directory");
    CHECK(path.parent_path() == "/backup/db" || path == "/backup/watermark", "nothing outside");
    CHECK(path == backup / file.path(), "and it has one spelling");
  }
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire::fuzz;
  CheckBy({{'k', CheckKey},
           {'i', CheckIndexRow},
           {'r', CheckSeal},
           {'w', CheckWatermark},
           {'m', CheckManifest},
           {'l', CheckLogRow},
           {'j', CheckJournalRecord},
           {'e', CheckLedgerRow},
           {'o', CheckPackedRuns}},
          TextOf(data, size));
  return 0;
}
