// The only place that builds or parses a key.
// clang-format off
//
// RELEASED LAYOUTS ARE FROZEN. To change one, add a version and a migration.
//
//   log       position:u64be                           -> channel:u64be ackwire.v1.Message
//   outbox    position:u64be number:u64be              -> OutboxRow     the log's and the journal's
//                                                                       end after the commit; its
//                                                                       number is 0 without record
//   journal   number:u64be                             -> JournalRecord
//   index     channel:u64be last_seq:u64be             -> (position:u64be)+    store/index_row.h
//   ids       channel:u64be hash:16                    -> position:u64be
//   channels  name                                     -> ChannelRow
//   ledger    client 00 channel:u64be                  -> LedgerRow     of channel 0: ClientRow
//   members   channel:u64be client                     -> ()
//   parked    client 00 channel:u64be seq:u64be        -> event:u64be
//   failures  client 00 channel:u64be event:u64be      -> ()
//             00 list number:u64be                     -> ()            records of the journal that
//                                                                       hold failures: of all,
//             list of all       00                                      of a client, of a channel,
//             list of a client  01 client 00                            for a reason, and of a
//             list of a channel 02 channel:u64be                        block of seqs
//             list of a reason  03 reason:u64be
//             list of a block   04 channel:u64be level:u8 number:u64be
//   history   client 00 channel:u64be last_seq:u64be   -> event:u64be   a run that was acknowledged
//   replays   replay:u64be                             -> ReplayRow
//             replay:u64be client 00 channel:u64be     -> ReplayOpenRow
//   meta      name                                     -> see store/database.h
//   base_…    as the family behind it                  -> as there     store/base.h
//
// The hash is the first 16 bytes of the message id's SHA-256.
//
// Big-endian, so that RocksDB's byte order is numeric order. A client's name has no byte 00, so its
// keys stand together and clients are in order of their names. Rows and records stand behind the
// header of store/record.h; bare numbers and () do not.
// clang-format on
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ackwire {
struct SeqBlock;
}

namespace ackwire::keys {

using IdHash = std::array<char, 16>;

[[nodiscard]] std::string U64(std::uint64_t value);
// The number at the start of `bytes`; none when there are fewer than eight.
[[nodiscard]] std::optional<std::uint64_t> ParseU64(std::string_view bytes);

[[nodiscard]] std::string Log(Position position);
[[nodiscard]] std::optional<Position> ParseLog(std::string_view key);

[[nodiscard]] std::string Outbox(Position last, JournalNumber number);

[[nodiscard]] std::string Journal(JournalNumber number);
[[nodiscard]] std::optional<JournalNumber> ParseJournal(std::string_view key);

[[nodiscard]] std::string Index(ChannelId channel, Seq last);
struct IndexKey {
  ChannelId channel;
  Seq last;
  friend bool operator==(const IndexKey&, const IndexKey&) = default;
};
[[nodiscard]] std::optional<IndexKey> ParseIndex(std::string_view key);

[[nodiscard]] IdHash HashOfId(std::string_view message_id);
[[nodiscard]] std::string Ids(ChannelId channel, const IdHash& hash);
struct IdsKey {
  ChannelId channel;
  IdHash hash;
  friend bool operator==(const IdsKey&, const IdsKey&) = default;
};
[[nodiscard]] std::optional<IdsKey> ParseIds(std::string_view key);

[[nodiscard]] std::string Ledger(std::string_view client, ChannelId channel);
struct LedgerKey {
  std::string client;
  ChannelId channel;
  friend bool operator==(const LedgerKey&, const LedgerKey&) = default;
};
[[nodiscard]] std::optional<LedgerKey> ParseLedger(std::string_view key);
// All ledger keys of a client lie from Ledger(client, {0}) up to and excluding this.
[[nodiscard]] std::string LedgerEnd(std::string_view client);

[[nodiscard]] std::string Members(ChannelId channel, std::string_view client);
struct MembersKey {
  ChannelId channel;
  std::string client;
  friend bool operator==(const MembersKey&, const MembersKey&) = default;
};
[[nodiscard]] std::optional<MembersKey> ParseMembers(std::string_view key);

// `parked`, `failures` and `history` share a shape: client, channel and a number, which is a seq,
// an event or a last seq.
[[nodiscard]] std::string Numbered(std::string_view client, ChannelId channel,
                                   std::uint64_t number);
struct NumberedKey {
  std::string client;
  ChannelId channel;
  std::uint64_t number = 0;
  friend bool operator==(const NumberedKey&, const NumberedKey&) = default;
};
[[nodiscard]] std::optional<NumberedKey> ParseNumbered(std::string_view key);

[[nodiscard]] std::string Replays(ReplayId replay);
[[nodiscard]] std::string ReplayOpen(ReplayId replay, std::string_view client, ChannelId channel);
struct ReplaysKey {
  ReplayId replay;
  std::optional<LedgerKey> open;  // none: the key of the ReplayRow
  friend bool operator==(const ReplaysKey&, const ReplaysKey&) = default;
};
[[nodiscard]] std::optional<ReplaysKey> ParseReplays(std::string_view key);

// Lists of records in `failures`. Each of these begins the keys of one list; Listed is a whole key.
[[nodiscard]] std::string FailuresOfAll();
[[nodiscard]] std::string FailuresOfClient(std::string_view client);
[[nodiscard]] std::string FailuresOfChannel(ChannelId channel);
[[nodiscard]] std::string FailuresOfReason(int reason);
[[nodiscard]] std::string FailuresOfBlock(ChannelId channel, const SeqBlock& block);
[[nodiscard]] std::string Listed(std::string list, JournalNumber number);
// All keys of lists lie before this.
[[nodiscard]] std::string FailuresEnd();
// Whether it is a key of any list.
[[nodiscard]] bool IsListed(std::string_view key);
// None when the key is not one of this list.
[[nodiscard]] std::optional<JournalNumber> ParseListed(std::string_view list, std::string_view key);

}  // namespace ackwire::keys
