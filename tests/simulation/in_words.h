// What the rules read of frames, and how they name things in what they find.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>

#include "store/difference.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {

inline std::string TextOf(const boost::json::value& value) {
  return boost::json::value_to<std::string>(value);
}
inline std::uint64_t NumberOf(const boost::json::value& value) {
  return value.to_number<std::uint64_t>();
}

inline std::string InWords(const NaiveLedger::SubscriptionKey& key, std::uint64_t seq) {
  return "seq " + Text(seq) + " of channel " + Text(key.second) + " for " + key.first;
}
inline std::string InWords(const NaiveLedger::DeliveryKey& delivery) {
  return InWords(delivery.first, delivery.second);
}

}  // namespace ackwire
