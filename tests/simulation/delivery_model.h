// What DeliveryRules keeps of subscriptions, of sessions and of connections.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/clock.h"
#include "tests/faults/naive_ledger.h"
#include "tests/simulation/said.h"

namespace ackwire {

using ConnectionId = std::uint64_t;

// One subscription, from its beginning to its end.
struct OwedModel {
  std::uint64_t since = 0;                          // the event that began it
  std::map<std::uint64_t, std::uint32_t> attempts;  // so far, by seq
  std::set<std::uint64_t> acked;                    // in this life, or on record
  // By a number that was dropped perhaps: see DeliveryRules::CheckOrder.
  std::set<std::uint64_t> perhaps_acked;
  std::set<std::uint64_t> rejected;  // nacked for good
  std::set<std::uint64_t> sent;      // in any life
};

struct SendingModel {
  NaiveLedger::SubscriptionKey key;
  std::uint64_t since = 0;  // of its subscription
  std::uint64_t seq = 0;
  std::uint32_t attempt = 0;
  std::uint64_t replay = 0;  // that it is sent with; 0: it is owed
  Timestamp sent_at{};
  std::optional<Timestamp> deadline;  // none until it is written
  bool nacked = false;
  bool dropped = false;  // not covered by an acknowledgement up to a later number
  bool perhaps = false;  // it was dropped, if what was nacked was not settled before
  bool ended = false;    // on record
  bool acked = false;    // by whatever number: all of the delivery's are forgotten then
};

struct SessionModel {
  std::string client;
  std::vector<SendingModel> sendings;  // number n at n - 1
  std::size_t first = 0;               // of the connection that lasts
  bool closed = false;                 // on record
};

// What an end abandoned: all of the commit's messages, of which whoever asked is told those before
// its place in the commit.
struct EndingModel {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
struct EndAskedModel {
  std::string channel;
  std::uint64_t records = 0;  // on record when it was asked
};

struct ConnectionModel {
  std::string client;
  Said connect;
  std::size_t records_at_connect = 0;
  std::string session;  // empty until it is welcome
  std::uint32_t window = 0;
  std::map<std::uint32_t, std::vector<SendingModel>> confirming;  // what is on record then
  std::uint64_t unknown = 0;                                      // numbers that were never sent
  std::map<std::uint32_t, EndAskedModel> ending;                  // by the frame's id
};

}  // namespace ackwire
