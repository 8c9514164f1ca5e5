// ClientDirectory is the home of the clients that hash to its thread: it serialises who has a
// client's ledger, and all changes to clients that are offline. At any moment a client has one
// owner at most: a session, or a change under way.
//
// Threads:  its I/O thread, but for Post; others come through ClientHomes, which post.
// Lifetime: borrows the store; its executor outlives it.
// Bounds:   a session that ended is kept for `resume_within`, its numbers only. Of those that were
//           replaced, the ids of a client's newest kReplacedRememberedMax, for as long as it has a
//           session, and `resume_within` after.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery/metrics.h"
#include "delivery/policy.h"
#include "delivery/session.h"
#include "store/clock.h"
#include "store/store.h"

namespace ackwire {

inline constexpr std::size_t kReplacedRememberedMax = 8;

class ClientDirectory {
 public:
  // How to reach a session on its own thread.
  struct Owner {
    std::weak_ptr<Session> session;
    std::function<void(std::function<void()>)> post;
  };
  struct Claim {
    Owner owner;
    std::string resume_session;  // empty: none
    std::uint64_t resume_delivery = 0;
    std::string new_session_id;  // unless one is resumed
    // Not if another connection of the client replaced the session that is to be resumed: who comes
    // back by itself must not take the client from the newer one.
    bool unless_replaced = false;
  };
  struct Dependencies {
    Store& store;
    const Clock& clock;
    Metrics& metrics;
    Duration resume_within;
    std::function<void(std::function<void()>)> post;  // onto this thread
    std::function<void(std::function<void()>)> read;  // runs a job that may block
  };
  explicit ClientDirectory(Dependencies dependencies) : deps_(std::move(dependencies)) {}
  ClientDirectory(const ClientDirectory&) = delete;
  ClientDirectory& operator=(const ClientDirectory&) = delete;

  // Onto this thread.
  void Post(std::function<void()> job) const { deps_.post(std::move(job)); }

  // Grants the client to the session once whoever has it has let go: an older session is replaced.
  void Take(const std::string& client, const Claim& claim);
  // The owning session has ended, and its last events are being put on record.
  void Releasing(const std::string& client);
  // They are on record. `sent` and the id are kept for a resume.
  void Release(const std::string& client, const std::string& session_id, AckWindow sent);
  // They could not be: the store takes no more writes, and the server is about to end. No session
  // has the client again before it is started anew: it would repeat attempts, and acknowledgements
  // that it was told of would be gone.
  void Lose(const std::string& client);

  using Unsubscribed = Session::Unsubscribed;
  void Unsubscribe(const std::string& client, const std::string& channel, const Unsubscribed& done);

  // Ends a subscription that is older than `unseen_since`, of a client that is not connected and
  // was not since then. Without one it does nothing.
  using Expired = std::function<void(const Status&)>;
  void Expire(const std::string& client, const std::string& channel, Timestamp unseen_since,
              const Expired& done);

  // Has whoever has the client record what ClientLedger::Apply takes: its session, or this home
  // while it has none. A pause of a client that is paused changes nothing.
  //   kNotFound  nothing is known of the client
  using ChangeRecorded = Session::ChangeRecorded;
  void Change(const std::string& client, const store::Event& change, const ChangeRecorded& done);

  // Records what clients that nobody has or waits for are owed no more (Abandoned, of runs alone),
  // in one work of the writer. `done` is given the first failure, and what concerns the other
  // clients, which is left to Change.
  struct ClientChange {
    std::string client;
    store::Event event;
  };
  using ClientChanges = std::vector<ClientChange>;
  using OfflineAbandoned = std::function<void(const Status&, ClientChanges others)>;
  void AbandonOffline(ClientChanges changes, const OfflineAbandoned& done);

  // Ends the client's session and its subscriptions, and has it forgotten (store/forgetter.h). It
  // may connect again at once, as one that is new.
  //   kNotFound  nothing is known of it
  using Forgotten = DeliveryServer::Forgotten;
  using ForgottenDone = std::function<void(const StatusOr<Forgotten>&)>;
  void Forget(const std::string& client, const std::string& note, const ForgottenDone& done);

  // Calls `ask` on the thread of the client's session with it, or with null when it is not
  // connected.
  void AskSession(const std::string& client, const std::function<void(Session*)>& ask);

 private:
  struct Ended {
    std::string session_id;
    AckWindow sent;
    Timestamp until{};
  };
  struct Record {
    std::optional<Owner> owner;                 // a session, until it lets go
    bool busy = false;                          // a release or an offline change is under way
    bool lost = false;                          // what its last session did is not on record
    std::optional<Claim> claim;                 // the newest that waits
    std::deque<std::function<void()>> changes;  // that wait; each is busy until it calls Finished
    std::optional<Ended> ended;
    std::deque<std::string> replaced;  // sessions

    [[nodiscard]] bool free() const { return !owner && !busy; }
  };

  // Lets the next one have the client, or forgets a record that holds nothing.
  void Next(const std::string& client);
  void Finished(const std::string& client);
  void GrantTo(const std::string& client, Record& record, const Claim& claim);
  static void Refuse(const Claim& claim);
  static void Replace(const Owner& older);
  void ForgetExpired();
  void UnsubscribeOffline(const std::string& client, const std::string& channel,
                          const Unsubscribed& done);
  void ExpireOffline(const std::string& client, const std::string& channel, Timestamp unseen_since,
                     const Expired& done);
  // Submits the end of a subscription that nobody else has. `finish` takes what it abandoned.
  void EndSubscription(const std::string& client, ChannelId channel, v1::Reason reason,
                       const Unsubscribed& finish);
  void ChangeOffline(const std::string& client, const store::Event& change,
                     const ChangeRecorded& done);
  // False when somebody has the client, or waits for it. Else it is busy until Finished.
  [[nodiscard]] bool TryHold(const std::string& client);
  // Submits what is still owed of `held`; what is not is cleared. Blocks on disk.
  void RecordAbandoned(const std::shared_ptr<ClientChanges>& held,
                       const std::function<void(const Status&)>& finish);
  void OnAbandoned(const ClientChanges& recorded);
  void ForgetOffline(const std::string& client, const std::string& note, const ForgottenDone& done);
  // Of what the change abandons it leaves what is still owed.
  [[nodiscard]] Status LeaveOwed(const std::string& client, store::Event& change) const;
  // Whoever resumes has nothing more to say of these.
  void ForgetSent(const std::string& client, const store::Abandoned& abandoned);

  const Dependencies deps_;
  std::map<std::string, Record> records_;
  std::deque<std::pair<Timestamp, std::string>> expiring_;
};

}  // namespace ackwire
