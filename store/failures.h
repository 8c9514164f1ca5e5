// A failure is a run of seqs of one channel that one event made fail for one client: by a nack, a
// timeout, a connection's end; or for good, by parking, expiry or an unsubscription. Each has an id
// of its own, in order of recording.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire::store {
class Event;
class JournalRecord;
}  // namespace ackwire::store

namespace ackwire {

// The journal record's number and the failure's place in it. Zero: before the first.
struct FailureId {
  static constexpr int kPlaceBits = 24;
  static constexpr std::uint64_t kPlacesMax = 1ULL << kPlaceBits;

  std::uint64_t value = 0;

  static constexpr FailureId Of(JournalNumber number, std::uint64_t place) {
    return {(number.value << kPlaceBits) | place};
  }
  [[nodiscard]] constexpr JournalNumber number() const { return {value >> kPlaceBits}; }
  friend auto operator<=>(const FailureId&, const FailureId&) = default;
};

struct Failure {
  FailureId id;
  Timestamp at{};
  std::string client;
  ChannelId channel;
  SeqRun seqs;
  std::uint32_t attempt = 0;  // 0: they were not sent
  int reason = 0;             // ackwire.v1.Reason
  std::string detail;
  std::string session;
};

// What an event made fail, and why.
struct Failing {
  struct Run {
    ChannelId channel;
    SeqRun seqs;
    std::uint32_t attempt = 0;
  };
  int reason = 0;
  std::string detail;
  std::vector<Run> runs;
};
[[nodiscard]] Failing FailingOf(const store::Event& event);
// Whether that may be anything: without looking closely.
[[nodiscard]] bool MakesFail(const store::Event& event);

// Those of one record, in order of their ids.
[[nodiscard]] std::vector<Failure> FailuresOf(JournalNumber number,
                                              const store::JournalRecord& record);

// Seqs from number * 2^level on, 2^level of them. Lists name a run by few such blocks, however long
// it is, and whoever looks for a seq asks for the block around it on each level.
struct SeqBlock {
  std::uint8_t level = 0;
  std::uint64_t number = 0;
  friend bool operator==(const SeqBlock&, const SeqBlock&) = default;
};
// In order; at most two of each level.
[[nodiscard]] std::vector<SeqBlock> BlocksOf(SeqRun seqs);
// Those that hold `seq`, of all that runs up to `last` may be cut into.
[[nodiscard]] std::vector<SeqBlock> BlocksAround(Seq seq, Seq last);

// The keys of family `failures` under which a record is listed for what an event of it made fail;
// none when that is nothing. Events of one record may have keys in common.
[[nodiscard]] std::vector<std::string> FailureKeysOf(JournalNumber number,
                                                     const store::Event& event);

}  // namespace ackwire
