// What clients answer: what they have acknowledged, and what they have dropped.
#include <algorithm>

#include "tests/simulation/delivery_rules.h"

namespace ackwire {

void DeliveryRules::HearAck(Connection& connection, Session& session, const Said& said) {
  std::vector<Sending>* confirming = said.id == 0 ? nullptr : &connection.confirming[said.id];
  if (said.up_to > session.sendings.size()) {
    ++connection.unknown;
    if (said.id != 0) connection.confirming.erase(said.id);
    return;
  }
  for (std::uint64_t number = 1; number <= said.up_to; ++number) {
    findings_.Event("acked up to");
    AckCovered(session, number, confirming);
  }
  bool unknown = false;
  for (const std::uint64_t number : said.deliveries) {
    if (number > session.sendings.size()) {
      unknown = true;
      continue;
    }
    findings_.Event("acked by number");
    Ack(session, number, confirming);
  }
  if (!unknown) return;
  ++connection.unknown;
  if (said.id != 0) connection.confirming.erase(said.id);
}

void DeliveryRules::Ack(Session& session, std::uint64_t number, std::vector<Sending>* confirming) {
  const Sending sending = session.sendings[number - 1];
  if (!IsOwed(sending) || sending.acked) return;
  if (sending.ended && !IsAcked(sending)) findings_.Event("acked after the attempt ended");
  // Whether a session still knew the number then cannot be seen from outside.
  const bool sure =
      !IsForgotten(session, number) && !controls_.MayBeDismissed(sending.key, sending.seq);
  replays_.Acked({sending.key, sending.seq},
                 sure ? ReplayRules::Sure::kYes : ReplayRules::Sure::kPerhaps);
  if (sure) {
    for (Sending& each : session.sendings) {
      if (each.key == sending.key && each.since == sending.since && each.seq == sending.seq) {
        each.acked = true;
      }
    }
  }
  owed_.at(sending.key).acked.insert(sending.seq);
  if (confirming != nullptr && sure) confirming->push_back(sending);
}

// By an acknowledgement of a later one.
void DeliveryRules::AckCovered(Session& session, std::uint64_t number,
                               std::vector<Sending>* confirming) {
  const Sending& sending = session.sendings[number - 1];
  if (sending.dropped) return;
  if (!sending.perhaps) return Ack(session, number, confirming);
  if (!IsOwed(sending)) return;
  replays_.Acked({sending.key, sending.seq}, ReplayRules::Sure::kPerhaps);
  owed_.at(sending.key).perhaps_acked.insert(sending.seq);
}

void DeliveryRules::HearNack(Session& session, const Said& said) {
  for (const std::uint64_t number : said.deliveries) {
    if (number > session.sendings.size() || IsForgotten(session, number)) continue;
    const Sending nacked = session.sendings[number - 1];
    if (!IsOwed(nacked) || IsAcked(nacked)) continue;
    findings_.Event(said.final ? "nacked for good" : "nacked");
    if (said.final) owed_.at(nacked.key).rejected.insert(nacked.seq);
    if (said.final) replays_.Rejected({nacked.key, nacked.seq});
    // What a dismissed one's replay was sent as may be forgotten since an acknowledgement.
    const bool sure = !owed_.at(nacked.key).perhaps_acked.contains(nacked.seq) &&
                      (nacked.replay == 0 || !controls_.MayBeDismissed(nacked.key, nacked.seq));
    DropNacked(session, nacked, sure);
  }
}

// The client has dropped it, and in an ordered channel all that it held behind it. A replay's holds
// up nothing, and so has nothing behind it.
void DeliveryRules::DropNacked(Session& session, const Sending& nacked, bool sure) {
  const auto is_same = [&](const Sending& each) {
    return each.key == nacked.key && each.since == nacked.since && each.seq == nacked.seq;
  };
  const bool ordered = policy_.ordering == Ordering::kOrdered;
  for (Sending& each : session.sendings) {
    if (each.key != nacked.key || each.since != nacked.since) continue;
    if (is_same(each)) {
      each.nacked = true;
      (sure ? each.dropped : each.perhaps) = true;
    } else if (ordered && each.seq > nacked.seq && nacked.replay == 0) {
      (sure && each.replay == 0 ? each.dropped : each.perhaps) = true;
    }
  }
}

}  // namespace ackwire
