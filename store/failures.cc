#include "store/failures.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include "ackwire/v1/deliveries.pb.h"
#include "store/keys.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

// What fails together, gathered a channel and attempt at a time: frames and channels that were sent
// in turns, and times of the next attempt, divide it no further.
class Gathered {
 public:
  void Add(ChannelId channel, std::uint32_t attempt, SeqRun seqs) {
    const auto [place, is_new] = places_.try_emplace({channel, attempt}, parts_.size());
    if (is_new) parts_.push_back({channel, attempt, {}});
    parts_[place->second].seqs.Add(seqs);
  }

  [[nodiscard]] std::vector<Failing::Run> Runs() const {
    std::vector<Failing::Run> runs;
    for (const Part& part : parts_) {
      for (const SeqRun& seqs : part.seqs.runs()) {
        runs.push_back({part.channel, seqs, part.attempt});
      }
    }
    return runs;
  }

 private:
  struct Part {
    ChannelId channel;
    std::uint32_t attempt;
    SeqRuns seqs;
  };
  std::map<std::pair<ChannelId, std::uint32_t>, std::size_t> places_;
  std::vector<Part> parts_;  // in order of first appearance
};

template <typename Runs>
void AddAll(const Runs& runs, ChannelId channel, std::uint32_t attempt, Gathered& gathered) {
  for (const auto& run : runs) gathered.Add(channel, attempt, {{run.first()}, {run.last()}});
}

}  // namespace

bool MakesFail(const store::Event& event) {
  return event.has_failed() || event.has_parked() || event.has_abandoned() ||
         event.has_unsubscribed();
}

Failing FailingOf(const store::Event& event) {
  Failing out;
  Gathered gathered;
  switch (event.what_case()) {
    case store::Event::kFailed:
      out.reason = event.failed().reason();
      out.detail = event.failed().detail();
      for (const auto& part : event.failed().channels()) {
        for (const auto& run : part.runs()) {
          gathered.Add({part.channel()}, run.attempt(), {{run.first()}, {run.last()}});
        }
      }
      break;
    case store::Event::kParked: {
      const auto& parked = event.parked();
      // What the client rejected has failed already, by the attempt that it ended.
      if (parked.reason() == v1::REASON_REJECTED && !parked.late()) break;
      out.reason = parked.reason();
      out.detail = parked.detail();
      gathered.Add({parked.channel()}, parked.attempts(), {{parked.seq()}, {parked.seq()}});
      break;
    }
    case store::Event::kAbandoned:
      out.reason = event.abandoned().reason();
      out.detail = event.abandoned().detail();
      AddAll(event.abandoned().runs(), {event.abandoned().channel()}, 0, gathered);
      for (const std::uint64_t seq : event.abandoned().unparked()) {
        gathered.Add({event.abandoned().channel()}, 0, {{seq}, {seq}});
      }
      break;
    case store::Event::kUnsubscribed:
      out.reason = event.unsubscribed().reason() == 0 ? v1::REASON_UNSUBSCRIBED
                                                      : event.unsubscribed().reason();
      AddAll(event.unsubscribed().runs(), {event.unsubscribed().channel()}, 0, gathered);
      break;
    default:
      break;
  }
  out.runs = gathered.Runs();
  return out;
}

std::vector<Failure> FailuresOf(JournalNumber number, const store::JournalRecord& record) {
  std::vector<Failure> failures;
  std::uint64_t place = 0;
  for (const store::Event& event : record.events()) {
    place += event.erased_failures();
    const Failing failing = FailingOf(event);
    for (const Failing::Run& run : failing.runs) {
      failures.push_back({.id = FailureId::Of(number, place++),
                          .at = FromUnixMs(event.at_ms()),
                          .client = event.client(),
                          .channel = run.channel,
                          .seqs = run.seqs,
                          .attempt = run.attempt,
                          .reason = failing.reason,
                          .detail = failing.detail,
                          .session = event.session()});
    }
  }
  return failures;
}

std::vector<std::string> FailureKeysOf(JournalNumber number, const store::Event& event) {
  const Failing failing = FailingOf(event);
  if (failing.runs.empty()) return {};
  std::vector<std::string> keys = {keys::Listed(keys::FailuresOfAll(), number),
                                   keys::Listed(keys::FailuresOfClient(event.client()), number),
                                   keys::Listed(keys::FailuresOfReason(failing.reason), number)};
  std::set<ChannelId> channels;
  for (const Failing::Run& run : failing.runs) {
    if (channels.insert(run.channel).second) {
      keys.push_back(keys::Listed(keys::FailuresOfChannel(run.channel), number));
    }
    for (const SeqBlock& block : BlocksOf(run.seqs)) {
      keys.push_back(keys::Listed(keys::FailuresOfBlock(run.channel, block), number));
    }
  }
  return keys;
}

std::vector<SeqBlock> BlocksOf(SeqRun seqs) {
  std::vector<SeqBlock> blocks;
  for (std::uint64_t at = seqs.first.value; at <= seqs.last.value;) {
    // The largest that begins here and ends within the run.
    const int aligned = std::countr_zero(at);
    const int fitting = static_cast<int>(std::bit_width(seqs.last.value - at + 1)) - 1;
    const int level = std::min(aligned, fitting);
    blocks.push_back({static_cast<std::uint8_t>(level), at >> static_cast<unsigned>(level)});
    at += std::uint64_t{1} << static_cast<unsigned>(level);
  }
  return blocks;
}

std::vector<SeqBlock> BlocksAround(Seq seq, Seq last) {
  std::vector<SeqBlock> blocks;
  for (int level = 0; level < static_cast<int>(std::bit_width(last.value)); ++level) {
    blocks.push_back({static_cast<std::uint8_t>(level), seq.value >> static_cast<unsigned>(level)});
  }
  return blocks;
}

}  // namespace ackwire
