// What a message's recipients have made of it: how many clients it is owed to, and how many of
// these acknowledged it, have yet to, or never will; and the same of people with their devices.
//
// Owed are the subscriptions that began at or before the message. Of clients that have ended theirs
// since, those count that had not settled the message, as failed: the journal names them. What the
// others had acknowledged or parked went with their subscription.
//
// Threads: any. What blocks on disk says so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ackwire/v1/deliveries.pb.h"
#include "delivery/delivery_server.h"
#include "delivery/find_message.h"
#include "delivery/policies.h"
#include "store/clock.h"
#include "store/committed_group.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

// More clients than this are not explained, whatever is asked for.
inline constexpr std::size_t kClientsExplainedMax = 1000;

enum class Receipt { kFailed, kPending, kAcked };

// Counts receipts, of clients and of their users. Without I/O.
// Bounds: keeps the name of each user.
class ReceiptCount {
 public:
  // REQUIRES: each client once.
  void Add(std::string_view client, Receipt receipt);
  // Sets all but the deliveries.
  void WriteTo(v1::Receipts& out) const;

 private:
  std::uint64_t acked_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t failed_ = 0;
  absl::flat_hash_map<std::string, bool> users_;  // reached?
  std::uint64_t users_reached_ = 0;
};

// Clients that are to be explained and not only counted, at most so many: those that failed first,
// then those that are pending. Without I/O.
class ReceiptChoice {
 public:
  explicit ReceiptChoice(std::size_t clients_max) : clients_max_(clients_max) {}

  // Keeps the client, or counts it.
  void Add(const std::string& client, Receipt receipt, ReceiptCount& count);
  // Ends it: counts what was kept in vain.
  [[nodiscard]] std::vector<std::string> Take(ReceiptCount& count);

 private:
  const std::size_t clients_max_;
  std::map<Receipt, std::vector<std::string>> kept_;
};

// The sessions of a channel's connected clients, and what they know of one message.
using LiveDeliveries = std::map<std::string, LiveDelivery>;

// Reads a channel's members in steps, so that others get their turns between. Each step costs some
// hundred reads at most; all together as many as there are members and recorded failures of the
// message.
//
// Lifetime: borrows store and policies.
class ReceiptScan {
 public:
  struct Options {
    std::size_t clients_max = 0;  // to be explained
    Timestamp now{};
    LiveDeliveries live;
  };
  ReceiptScan(const Store& store, const Policies& policies, StoredMessage message, Options options);

  // True when there is more to do. Blocks on disk.
  //   kDataLoss  a row is damaged
  [[nodiscard]] StatusOr<bool> Step();
  // REQUIRES: Step returned false.
  [[nodiscard]] v1::Receipts Result();

 private:
  using Phase = StatusOr<bool> (ReceiptScan::*)();
  // Each true when it is done.
  [[nodiscard]] StatusOr<bool> ReadAbandoned();
  [[nodiscard]] StatusOr<bool> ReadMembers();
  [[nodiscard]] StatusOr<bool> AddLeft();
  [[nodiscard]] StatusOr<bool> ExplainSome();

  // None when it is not owed.
  [[nodiscard]] StatusOr<std::optional<Receipt>> ReceiptOf(const std::string& client);
  [[nodiscard]] Receipt Unsettled(const std::string& client) const;

  const Store& store_;
  const Policies& policies_;
  const StoredMessage message_;
  const Options options_;
  std::size_t phase_ = 0;
  FailureId next_failure_;
  // Who had it abandoned, and why, the newest; those that are no members are left in the end.
  std::map<std::string, int> abandoned_;
  std::string member_;  // the last that was looked at
  ReceiptCount count_;
  ReceiptChoice choice_;
  std::vector<std::string> to_explain_;
  v1::Receipts result_;
};

struct ReceiptsQuestion {
  NamedMessage message;
  std::size_t clients_max = 0;  // deliveries to be explained
};

// Where the answer comes from.
struct ReceiptsSource {
  const Store& store;
  const Policies& policies;
  const Clock& clock;
  std::function<void(std::function<void()>)> read;  // runs a job that may block
  // Gives what the sessions know, once that is on record.
  std::function<void(ChannelId, Seq, std::function<void(LiveDeliveries)>)> ask_live;
};

// Never blocks; `done` comes on the thread of `read`, or at once for a bad question.
//   kInvalidArgument  as CheckNamedMessage
//   kNotFound         as FindMessage
//   kDataLoss         a row is damaged
using ReceiptsDone = std::function<void(StatusOr<v1::Receipts>)>;
void AskReceipts(const ReceiptsSource& source, const ReceiptsQuestion& question,
                 const ReceiptsDone& done);

}  // namespace ackwire
