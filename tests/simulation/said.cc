#include "tests/simulation/said.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ackwire {
namespace {

std::string From(const StartAt& start) {
  switch (start.kind) {
    case StartAt::Kind::kFirst:
      return R"("first")";
    case StartAt::Kind::kSeq:
      return std::to_string(start.seq.value);
    case StartAt::Kind::kNew:
      break;
  }
  return R"("new")";
}

std::string Connect(const Said& said) {
  std::string out =
      fmt::format(R"({{"type":"connect","client":"{}","window":{})", said.client, said.window);
  if (!said.resume_session.empty()) {
    out += fmt::format(R"(,"resume":{{"session":"{}","delivery":{}}})", said.resume_session,
                       said.resume_delivery);
  }
  std::string subscriptions;
  for (const Said::Subscription& each : said.subscriptions) {
    subscriptions += fmt::format(R"({}{{"channel":"{}","from":{}}})",
                                 subscriptions.empty() ? "" : ",", each.channel, From(each.start));
  }
  return out + fmt::format(R"(,"subscriptions":[{}]}})", subscriptions);
}

}  // namespace

std::string Said::ToJson() const {
  const std::string with_id = id == 0 ? "" : fmt::format(R"(,"id":{})", id);
  const std::string numbers = fmt::format(R"("deliveries":[{}])", fmt::join(deliveries, ","));
  switch (kind) {
    case Kind::kConnect:
      return Connect(*this);
    case Kind::kSubscribe:
      return fmt::format(R"({{"type":"subscribe","channel":"{}","from":{}{}}})",
                         subscriptions.front().channel, From(subscriptions.front().start), with_id);
    case Kind::kUnsubscribe:
      return fmt::format(R"({{"type":"unsubscribe","channel":"{}"{}}})", channel, with_id);
    case Kind::kAck:
      if (up_to != 0) return fmt::format(R"({{"type":"ack","upTo":{}{}}})", up_to, with_id);
      return fmt::format(R"({{"type":"ack",{}{}}})", numbers, with_id);
    case Kind::kNack:
      // The words end up in the journal, where the model reads the delay that was asked for.
      return fmt::format(R"({{"type":"nack",{},"reason":"{}","delayMs":{},"final":{}}})", numbers,
                         delay.count(), delay.count(), final);
    case Kind::kWorking:
      return fmt::format(R"({{"type":"working",{}}})", numbers);
    case Kind::kPong:
      break;
  }
  return R"({"type":"pong"})";
}

}  // namespace ackwire
