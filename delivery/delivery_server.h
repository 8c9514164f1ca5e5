// DeliveryServer is the module's outside: the listeners for clients and operators, the I/O threads
// with their hubs, and what gRPC services ask about deliveries.
//
// Threads:  every member from any thread; callbacks come on one of the server's threads and must
//           not block.
// Lifetime: borrows the store, the clock, the policies and the TLS source; Stop before the store is
//           stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/access_log.h"
#include "delivery/ack_window.h"
#include "delivery/admin_api.h"
#include "delivery/edge_limits.h"
#include "delivery/find_message.h"
#include "delivery/live_delivery.h"
#include "delivery/metrics.h"
#include "delivery/policies.h"
#include "delivery/tls.h"
#include "outbox/relay.h"
#include "outbox/sink.h"
#include "store/clock.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

class ServerDrain;
class TokenVerifier;

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;  // 0: any that is free
};

// RFC 6455: a control frame carries at most 125 bytes, two of them the code.
inline constexpr std::size_t kCloseReasonBytesMax = 123;
// An event of the journal is at most so many seqs long.
inline constexpr std::size_t kDismissedAtOnceMax = 10'000;

class DeliveryServer {
 public:
  struct Options {
    Endpoint http;
    const TlsSource* http_tls = nullptr;  // null: --http is not encrypted
    Endpoint admin;
    const Policies& policies;
    const TokenVerifier* tokens = nullptr;  // null: nobody needs one, and everybody is trusted
    SessionPolicy session;
    EdgePolicy edge;
    AccessLog access_log;  // null: none
    std::size_t io_threads = 2;
    std::uint64_t seed = 0;
  };

  // Binds the listeners; nothing is served before Start.
  //   kUnavailable  an address cannot be bound; the message names it
  [[nodiscard]] static StatusOr<std::unique_ptr<DeliveryServer>> Bind(Store& store,
                                                                      const Clock& clock,
                                                                      Metrics& metrics,
                                                                      const Options& options);
  ~DeliveryServer();
  DeliveryServer(const DeliveryServer&) = delete;
  DeliveryServer& operator=(const DeliveryServer&) = delete;

  // One for each I/O thread; all committed groups go to each of them.
  [[nodiscard]] std::vector<Sink*> sinks();

  // Serves. `wake_relay` is called when a sink that was full has room again; `outbox_depth` is for
  // the metrics.
  struct Wiring {
    std::function<void()> wake_relay;
    std::function<OutboxDepth()> outbox_depth;
  };
  void Start(Wiring wiring);

  // Closes every session with 1001, puts what they have on record and joins the threads.
  void Stop();

  // What /readyz says from now on: ready, or why not.
  void SetNotReady(const std::string& why);

  // The policies were read again; sessions have them soon after.
  void RenewPolicies();

  // Who serves /v1/admin/{Method} from now on (delivery/admin_api.h).
  void SetAdminCall(AdminCall call);

  [[nodiscard]] ServerDrain& drain();  // empties the server before it is stopped
  [[nodiscard]] Endpoint http_endpoint() const;
  [[nodiscard]] Endpoint admin_endpoint() const;
  [[nodiscard]] EdgeLimits& limits();  // for those who publish by other ways than HTTP

  // Runs a job that may block on disk, on the read pool.
  void Read(std::function<void()> job);

  // Ends a subscription once that is on disk; gives how many undelivered messages it abandoned.
  //   kNotFound  there is no such subscription
  void Unsubscribe(const std::string& client, const std::string& channel,
                   std::function<void(StatusOr<std::uint64_t>)> done);

  // Stops deliveries to a client, or has them go on: what is owed stays owed. Once it is on disk.
  //   kNotFound  nothing is known of the client
  struct Pause {
    bool paused = false;
    std::string note;  // the operator's words
  };
  void SetPaused(const std::string& client, const Pause& pause, std::function<void(Status)> done);
  // Closes the client's session with 4004, if it is connected, and calls `done` once what was in
  // flight is on record. `reason`: what the client is told, at most kCloseReasonBytesMax.
  void Disconnect(const std::string& client, const std::string& reason, std::function<void()> done);
  // Abandons parked deliveries; gives how many of them were parked. At most kDismissedAtOnceMax.
  struct Dismissal {
    std::string client;
    ChannelId channel;
    std::vector<Seq> seqs;
    std::string note;  // the operator's words
  };
  void Dismiss(const Dismissal& dismissal, std::function<void(StatusOr<std::uint64_t>)> done);

  // Removes a message's content for good: once it is on disk, and those who were owed it are told.
  // Its bytes leave the disk within kEraseWithin (store/eraser.h).
  //   kDataLoss  it cannot be read
  void Redact(ChannelId channel, Seq seq, const std::string& note,
              std::function<void(const Status&)> done);

  // Ends the client's session and subscriptions, and erases what is on record of it: for everybody
  // who asks once it is on disk, from the disk within kForgetWithin (store/forgetter.h).
  //   kNotFound  nothing is known of it
  struct Forgotten {
    std::uint64_t subscriptions = 0;
    std::uint64_t abandoned = 0;  // undelivered messages
  };
  void Forget(const std::string& client, const std::string& note,
              std::function<void(StatusOr<Forgotten>)> done);

  // Gives none when the client is not connected. What its session knew until then is on record when
  // `done` is called: facts read from the store afterwards fit the answer.
  void AskLive(const std::string& client, ChannelId channel, Seq seq,
               std::function<void(std::optional<LiveDelivery>)> done);

  // All that is in flight to the client; nothing when it is not connected. With the same promise.
  void AskInFlight(const std::string& client,
                   std::function<void(std::vector<AckWindow::Sent>)> done);

  // Who a message is owed to and what became of that (delivery/receipts.h); at most `clients_max`
  // of its deliveries are explained.
  //   kInvalidArgument, kNotFound, kDataLoss  as AskReceipts
  void GetReceipts(const NamedMessage& message, std::size_t clients_max,
                   std::function<void(StatusOr<v1::Receipts>)> done);

  // The sessions of all connected clients, by client.
  using LiveSessions = std::map<std::string, v1::Session>;
  void AskSessions(std::function<void(LiveSessions)> done);

  // What a replay that goes on does at the moment.
  struct ReplayActivity {
    std::uint64_t with_clients = 0;  // in flight to connected clients, or about to be
    std::uint64_t offline = 0;       // open, and their clients are not connected
    bool waiting = false;            // only these are left
  };
  // Blocks on the store's lock for long where many clients are in the replay: not for I/O threads.
  [[nodiscard]] ReplayActivity ActivityOf(ReplayId replay) const;

  // Undelivered to clients that are connected, and how many of these there are.
  struct OnlineTotals {
    std::uint64_t undelivered = 0;
    std::uint64_t sessions = 0;
  };
  void AskOnlineTotals(std::function<void(OnlineTotals)> done);

  // Calls `wake` once, as soon as something is committed beyond `position`; at once if it is
  // already.
  void WhenCommitted(Position position, std::function<void()> wake);
  // The same when something is recorded beyond `number` that may be a failure; at once if there is
  // any record beyond it.
  void WhenFailed(JournalNumber number, std::function<void()> wake);

 private:
  struct Parts;
  explicit DeliveryServer(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace ackwire
