#include "store/keys.h"

#include <endian.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>

#include "store/check.h"
#include "store/failures.h"

namespace ackwire::keys {
namespace {

constexpr std::size_t kU64Bytes = sizeof(std::uint64_t);

void AppendU64(std::string& out, std::uint64_t value) {
  const std::uint64_t big_endian = ::htobe64(value);
  out.append(reinterpret_cast<const char*>(&big_endian), kU64Bytes);
}

// No client's name begins with a zero.
std::string ListOf(char kind) { return {'\0', kind}; }

}  // namespace

std::string U64(std::uint64_t value) {
  std::string out;
  AppendU64(out, value);
  return out;
}

std::optional<std::uint64_t> ParseU64(std::string_view bytes) {
  if (bytes.size() < kU64Bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kU64Bytes; ++i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

std::string Log(Position position) { return U64(position.value); }

std::optional<Position> ParseLog(std::string_view key) {
  const auto value = ParseU64(key);
  if (!value || key.size() != kU64Bytes) return std::nullopt;
  return Position{*value};
}

std::string Outbox(Position last, JournalNumber number) {
  std::string key = U64(last.value);
  AppendU64(key, number.value);
  return key;
}

std::string Journal(JournalNumber number) { return U64(number.value); }

std::optional<JournalNumber> ParseJournal(std::string_view key) {
  const auto value = ParseU64(key);
  if (!value || key.size() != kU64Bytes) return std::nullopt;
  return JournalNumber{*value};
}

std::string Index(ChannelId channel, Seq last) {
  std::string key = U64(channel.value);
  AppendU64(key, last.value);
  return key;
}

std::optional<IndexKey> ParseIndex(std::string_view key) {
  if (key.size() != 2 * kU64Bytes) return std::nullopt;
  return IndexKey{ChannelId{*ParseU64(key)}, Seq{*ParseU64(key.substr(kU64Bytes))}};
}

IdHash HashOfId(std::string_view message_id) {
  // SHA256() looks the algorithm up and allocates each time, which costs more than the hash.
  struct Sha256 {
    std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{
        EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free};
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                    EVP_MD_CTX_free};
  };
  thread_local const Sha256 sha256;
  unsigned char digest[EVP_MAX_MD_SIZE];
  const bool done =
      EVP_DigestInit_ex2(sha256.context.get(), sha256.algorithm.get(), nullptr) == 1 &&
      EVP_DigestUpdate(sha256.context.get(), message_id.data(), message_id.size()) == 1 &&
      EVP_DigestFinal_ex(sha256.context.get(), digest, nullptr) == 1;
  CHECK(done, "OpenSSL has SHA-256");
  IdHash hash;
  std::memcpy(hash.data(), digest, hash.size());
  return hash;
}

std::string Ids(ChannelId channel, const IdHash& hash) {
  std::string key = U64(channel.value);
  key.append(hash.data(), hash.size());
  return key;
}

std::optional<IdsKey> ParseIds(std::string_view key) {
  IdsKey parsed;
  if (key.size() != kU64Bytes + parsed.hash.size()) return std::nullopt;
  parsed.channel = ChannelId{*ParseU64(key)};
  std::memcpy(parsed.hash.data(), key.data() + kU64Bytes, parsed.hash.size());
  return parsed;
}

std::string Ledger(std::string_view client, ChannelId channel) {
  std::string key(client);
  key.push_back('\0');
  AppendU64(key, channel.value);
  return key;
}

std::optional<LedgerKey> ParseLedger(std::string_view key) {
  const std::size_t end = key.find('\0');
  if (end == std::string_view::npos || key.size() != end + 1 + kU64Bytes) return std::nullopt;
  return LedgerKey{std::string(key.substr(0, end)), ChannelId{*ParseU64(key.substr(end + 1))}};
}

std::string LedgerEnd(std::string_view client) {
  std::string key(client);
  key.push_back('\1');
  return key;
}

std::string Members(ChannelId channel, std::string_view client) {
  std::string key = U64(channel.value);
  key.append(client);
  return key;
}

std::optional<MembersKey> ParseMembers(std::string_view key) {
  const auto channel = ParseU64(key);
  if (!channel || key.size() == kU64Bytes) return std::nullopt;
  return MembersKey{ChannelId{*channel}, std::string(key.substr(kU64Bytes))};
}

std::string Numbered(std::string_view client, ChannelId channel, std::uint64_t number) {
  std::string key = Ledger(client, channel);
  AppendU64(key, number);
  return key;
}

std::optional<NumberedKey> ParseNumbered(std::string_view key) {
  const std::size_t end = key.find('\0');
  if (end == std::string_view::npos || key.size() != end + 1 + 2 * kU64Bytes) return std::nullopt;
  const std::string_view numbers = key.substr(end + 1);
  return NumberedKey{std::string(key.substr(0, end)), ChannelId{*ParseU64(numbers)},
                     *ParseU64(numbers.substr(kU64Bytes))};
}

std::string Replays(ReplayId replay) { return U64(replay.value); }

std::string ReplayOpen(ReplayId replay, std::string_view client, ChannelId channel) {
  return Replays(replay) + Ledger(client, channel);
}

std::optional<ReplaysKey> ParseReplays(std::string_view key) {
  const auto replay = ParseU64(key);
  if (!replay) return std::nullopt;
  if (key.size() == kU64Bytes) return ReplaysKey{ReplayId{*replay}, std::nullopt};
  auto open = ParseLedger(key.substr(kU64Bytes));
  if (!open) return std::nullopt;
  return ReplaysKey{ReplayId{*replay}, std::move(open)};
}

std::string FailuresOfAll() { return ListOf('\0'); }

std::string FailuresOfClient(std::string_view client) {
  std::string list = ListOf('\1');
  list.append(client).push_back('\0');
  return list;
}

std::string FailuresOfChannel(ChannelId channel) {
  std::string list = ListOf('\2');
  AppendU64(list, channel.value);
  return list;
}

std::string FailuresOfReason(int reason) {
  std::string list = ListOf('\3');
  AppendU64(list, static_cast<std::uint64_t>(reason));
  return list;
}

std::string FailuresOfBlock(ChannelId channel, const SeqBlock& block) {
  std::string list = ListOf('\4');
  AppendU64(list, channel.value);
  list.push_back(static_cast<char>(block.level));
  AppendU64(list, block.number);
  return list;
}

std::string Listed(std::string list, JournalNumber number) {
  AppendU64(list, number.value);
  return list;
}

std::string FailuresEnd() { return "\1"; }

bool IsListed(std::string_view key) { return key.starts_with('\0'); }

std::optional<JournalNumber> ParseListed(std::string_view list, std::string_view key) {
  if (!key.starts_with(list) || key.size() != list.size() + kU64Bytes) return std::nullopt;
  return JournalNumber{*ParseU64(key.substr(list.size()))};
}

}  // namespace ackwire::keys
