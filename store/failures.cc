#include "store/failures.h"

#include <algorithm>
#include <set>

#include "ackwire/v1/deliveries.pb.h"
#include "store/keys.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

template <typename Run>
SeqRun SeqsOf(const Run& run) {
  return {{run.first()}, {run.last()}};
}

// What was sent in several frames failed together all the same.
void AddRun(std::vector<Failing::Run>& runs, const Failing::Run& run) {
  if (!runs.empty() && runs.back().channel == run.channel && runs.back().attempt == run.attempt &&
      runs.back().seqs.last.value + 1 == run.seqs.first.value) {
    runs.back().seqs.last = run.seqs.last;
  } else {
    runs.push_back(run);
  }
}

}  // namespace

Failing FailingOf(const store::Event& event) {
  Failing out;
  switch (event.what_case()) {
    case store::Event::kFailed:
      out.reason = event.failed().reason();
      out.detail = event.failed().detail();
      for (const auto& part : event.failed().channels()) {
        for (const auto& run : part.runs()) {
          AddRun(out.runs, {{part.channel()}, SeqsOf(run), run.attempt()});
        }
      }
      break;
    case store::Event::kParked: {
      const auto& parked = event.parked();
      // What the client rejected has failed already, by the attempt that it ended.
      if (parked.reason() == v1::REASON_REJECTED) break;
      out.reason = parked.reason();
      out.detail = parked.detail();
      out.runs.push_back({{parked.channel()}, {{parked.seq()}, {parked.seq()}}, parked.attempts()});
      break;
    }
    case store::Event::kAbandoned:
      out.reason = event.abandoned().reason();
      for (const auto& run : event.abandoned().runs()) {
        out.runs.push_back({{event.abandoned().channel()}, SeqsOf(run)});
      }
      break;
    case store::Event::kUnsubscribed:
      out.reason = v1::REASON_UNSUBSCRIBED;
      for (const auto& run : event.unsubscribed().runs()) {
        out.runs.push_back({{event.unsubscribed().channel()}, SeqsOf(run)});
      }
      break;
    default:
      break;
  }
  return out;
}

std::vector<Failure> FailuresOf(JournalNumber number, const store::JournalRecord& record) {
  std::vector<Failure> failures;
  for (const store::Event& event : record.events()) {
    const Failing failing = FailingOf(event);
    for (const Failing::Run& run : failing.runs) {
      failures.push_back({.id = FailureId::Of(number, failures.size()),
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
    for (SeqRun piece = run.seqs; piece.first <= run.seqs.last;
         piece.first = {piece.last.value + 1}) {
      piece.last = std::min(run.seqs.last, Seq{piece.first.value + kListedRunMax - 1});
      keys.push_back(keys::Listed(keys::FailuresOfSeqs(run.channel, piece), number));
    }
  }
  return keys;
}

}  // namespace ackwire
