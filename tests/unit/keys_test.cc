#include "store/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "store/failures.h"
#include "store/rng.h"

namespace ackwire::keys {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(byte) >> 4U]);
    out.push_back(kDigits[static_cast<unsigned char>(byte) & 0xFU]);
  }
  return out;
}

// Released layouts are frozen: a change here needs another format version and a migration.
TEST(Keys, AreTheseBytes) {
  EXPECT_EQ(Hex(Log({258})), "0000000000000102");
  EXPECT_EQ(Hex(Outbox({258}, {3})), "00000000000001020000000000000003");
  EXPECT_EQ(Hex(Journal({0x0102030405060708})), "0102030405060708");
  EXPECT_EQ(Hex(Index({1}, {2})), "00000000000000010000000000000002");
  EXPECT_EQ(Hex(Ids({1}, HashOfId("abc"))), "0000000000000001ba7816bf8f01cfea414140de5dae2223");
  EXPECT_EQ(Hex(Ledger("al/p", {9})), "616c2f70000000000000000009");
  EXPECT_EQ(Hex(LedgerEnd("al/p")), "616c2f7001");
  EXPECT_EQ(Hex(Members({9}, "al/p")), "0000000000000009616c2f70");
  EXPECT_EQ(Hex(Numbered("al/p", {9}, 7)), "616c2f700000000000000000090000000000000007");
  EXPECT_EQ(Hex(Listed(FailuresOfAll(), {258})), "00000000000000000102");
  EXPECT_EQ(Hex(Listed(FailuresOfClient("al/p"), {258})), "0001616c2f70000000000000000102");
  EXPECT_EQ(Hex(Listed(FailuresOfChannel({9}), {258})), "000200000000000000090000000000000102");
  EXPECT_EQ(Hex(Listed(FailuresOfReason(2), {258})), "000300000000000000020000000000000102");
  EXPECT_EQ(Hex(Listed(FailuresOfBlock({9}, {3, 5}), {258})),
            "00040000000000000009"
            "03"
            "0000000000000005"
            "0000000000000102");
}

TEST(Keys, OfListsAreApartFromClientsAndParseToWhatTheyWereBuiltFrom) {
  const std::vector<std::string> lists = {
      FailuresOfAll(),        FailuresOfClient("a"), FailuresOfClient("a/phone"),
      FailuresOfChannel({9}), FailuresOfReason(2),   FailuresOfBlock({9}, {3, 5})};
  for (const std::string& list : lists) {
    const std::string key = Listed(list, {258});
    EXPECT_TRUE(IsListed(key));
    EXPECT_LT(key, FailuresEnd());
    for (const std::string& other : lists) {
      EXPECT_EQ(ParseListed(other, key),
                other == list ? std::optional(JournalNumber{258}) : std::nullopt);
    }
  }
  EXPECT_LT(FailuresEnd(), Numbered("!", {}, 0));
  EXPECT_FALSE(IsListed(Numbered("!", {}, 0)));
}

const std::vector<std::uint64_t>& Numbers() {
  static const std::vector<std::uint64_t> numbers = {0,
                                                     1,
                                                     127,
                                                     128,
                                                     255,
                                                     256,
                                                     65535,
                                                     65536,
                                                     0xFFFFFFFF,
                                                     0x100000000,
                                                     std::numeric_limits<std::uint64_t>::max() - 1,
                                                     std::numeric_limits<std::uint64_t>::max()};
  return numbers;
}

TEST(Keys, AreInOrderOfTheirNumbers) {
  for (std::size_t i = 1; i < Numbers().size(); ++i) {
    const std::uint64_t low = Numbers()[i - 1];
    const std::uint64_t high = Numbers()[i];
    EXPECT_LT(Log({low}), Log({high}));
    EXPECT_LT(Journal({low}), Journal({high}));
    EXPECT_LT(Outbox({low}, {high}), Outbox({high}, {low}));
    EXPECT_LT(Outbox({5}, {low}), Outbox({5}, {high}));
    EXPECT_LT(Index({low}, {high}), Index({high}, {low}));
    EXPECT_LT(Ledger("a", {low}), Ledger("a", {high}));
    EXPECT_LT(Members({low}, "z"), Members({high}, "a"));
    EXPECT_LT(Numbered("a", {low}, high), Numbered("a", {high}, low));
    EXPECT_LT(Numbered("a", {5}, low), Numbered("a", {5}, high));
  }
}

TEST(Keys, OfOneClientStandTogetherInOrderOfNames) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::string> names = {"a", "a!", "a-b", "a/phone", "aa", "b", "\xC3\xA9"};
  ASSERT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_LT(Ledger(names[i], {most}), LedgerEnd(names[i]));
    EXPECT_LT(Numbered(names[i], {most}, most), LedgerEnd(names[i]));
    if (i == 0) continue;
    EXPECT_LT(LedgerEnd(names[i - 1]), Ledger(names[i], {0})) << names[i];
    EXPECT_LT(Members({4}, names[i - 1]), Members({4}, names[i]));
  }
}

TEST(Keys, ParseToWhatTheyWereBuiltFrom) {
  for (const std::uint64_t a : Numbers()) {
    EXPECT_EQ(ParseU64(U64(a)), a);
    EXPECT_EQ(ParseLog(Log({a})), Position{a});
    EXPECT_EQ(ParseJournal(Journal({a})), JournalNumber{a});
    EXPECT_EQ(ParseLedger(Ledger("alice/phone", {a})), (LedgerKey{"alice/phone", {a}}));
    EXPECT_EQ(ParseMembers(Members({a}, "alice/phone")), (MembersKey{{a}, "alice/phone"}));
    for (const std::uint64_t b : Numbers()) {
      EXPECT_EQ(ParseNumbered(Numbered("alice", {a}, b)), (NumberedKey{"alice", {a}, b}));
    }
  }
}

TEST(Keys, OfTheWrongLengthAreNone) {
  EXPECT_EQ(ParseU64(""), std::nullopt);
  EXPECT_EQ(ParseU64("1234567"), std::nullopt);
  EXPECT_EQ(ParseLog("1234567"), std::nullopt);
  EXPECT_EQ(ParseLog("123456789"), std::nullopt);
  EXPECT_EQ(ParseJournal(""), std::nullopt);
  EXPECT_EQ(ParseJournal("123456789"), std::nullopt);
  EXPECT_EQ(ParseLedger("alice"), std::nullopt);
  EXPECT_EQ(ParseLedger(Ledger("alice", {1}) + "x"), std::nullopt);
  EXPECT_EQ(ParseMembers(U64(1)), std::nullopt);
  EXPECT_EQ(ParseMembers("abc"), std::nullopt);
  EXPECT_EQ(ParseNumbered(Ledger("alice", {1})), std::nullopt);
  EXPECT_EQ(ParseNumbered(Numbered("alice", {1}, 2) + "x"), std::nullopt);
}

// What parses at all must be the key of what it parses to.
TEST(Keys, OfGarbageAreNoneOrWhatTheySay) {
  Rng rng(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string garbage(rng.Next() % 30, '\0');
    for (char& byte : garbage) byte = static_cast<char>(rng.Next() % 3 == 0 ? 0 : rng.Next());
    const auto log = ParseLog(garbage);
    EXPECT_TRUE(!log || Log(*log) == garbage);
    const auto journal = ParseJournal(garbage);
    EXPECT_TRUE(!journal || Journal(*journal) == garbage);
    const auto ledger = ParseLedger(garbage);
    EXPECT_TRUE(!ledger || Ledger(ledger->client, ledger->channel) == garbage);
    const auto members = ParseMembers(garbage);
    EXPECT_TRUE(!members || Members(members->channel, members->client) == garbage);
    const auto numbered = ParseNumbered(garbage);
    EXPECT_TRUE(!numbered ||
                Numbered(numbered->client, numbered->channel, numbered->number) == garbage);
  }
}

}  // namespace
}  // namespace ackwire::keys
