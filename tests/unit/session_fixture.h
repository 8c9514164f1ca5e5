// What tests of sessions have in common: the seam of Session, Hub and ClientDirectory on one
// io_context, over a whole store. The outlet is a fake, and the test itself is the relay: what the
// writer commits is offered to the hub at once, or when the test says so.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery/asio_loop.h"
#include "delivery/client_directory.h"
#include "delivery/client_homes.h"
#include "delivery/hub.h"
#include "delivery/metrics.h"
#include "delivery/outlet.h"
#include "delivery/session.h"
#include "delivery/session_calls.h"
#include "store/store.h"
#include "tests/unit/failing_env.h"
#include "tests/unit/manual_clock.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {

using Strings = std::vector<std::string>;

inline constexpr char kRoom[] = "room/1";

// Keeps what a session wrote. It takes bytes for sent only when told to (TestConnection::Written).
class FakeOutlet final : public Outlet {
 public:
  void Write(std::string text, std::vector<std::uint64_t> numbers) override;
  void Close(std::uint16_t code, const std::string&) override { closed_with = code; }
  void Abort() override { aborted = true; }
  [[nodiscard]] std::size_t queued_bytes() const override { return queued; }
  [[nodiscard]] std::optional<Timestamp> writing_since() const override { return since; }
  [[nodiscard]] bool answers_pings() const override { return answers; }

  // What the test says of it.
  std::size_t queued = 0;
  std::optional<Timestamp> since;
  bool answers = true;
  std::function<void(const std::string& type)> at_write = [](const std::string&) {};

  // What the session did to it.
  std::deque<boost::json::object> frames;
  std::vector<std::uint64_t> unwritten;  // numbers of deliveries
  std::uint16_t closed_with = 0;         // 0: not closed
  bool aborted = false;
};

// One connection of a client.
struct TestConnection {
  // The client says something.
  void Say(const std::string& frame) const { session->OnFrame(frame); }
  // The kernel has taken all that was written.
  void Written() { session->OnWritten(std::exchange(outlet.unwritten, {})); }
  // How many frames of this type wait to be taken.
  [[nodiscard]] std::size_t Count(const std::string& type) const;

  FakeOutlet outlet;
  std::shared_ptr<Session> session;
};

class SessionTest : public ::testing::Test {
 protected:
  SessionTest();
  ~SessionTest() override;

  // A connection that has said nothing yet.
  TestConnection& Open();
  // The rest of a connect frame, as in `,"window":2`, may follow.
  TestConnection& Connect(const std::string& client, const std::string& rest = "");
  // As an event stream does; with a session, that is to go on from what arrived of it. It may be
  // closed before it is open.
  TestConnection& Stream(frame::Connect connect);
  TestConnection& StreamOn(const std::string& client, const std::string& session,
                           std::uint64_t arrived);
  TestConnection& ConnectSubscribed(const std::string& client, const std::string& channel);
  // And the only message of the channel, delivery 1, is parked.
  TestConnection& ConnectWithOneParked(const std::string& client, const std::string& channel);

  // Waits for a frame of this type, and takes it out of the others.
  boost::json::object Take(TestConnection& connection, const std::string& type);
  // Waits for so many deliveries; takes them, as in `1: room/1 seq 1 attempt 1`.
  Strings TakeDeliveries(TestConnection& connection, std::size_t count);

  // Has a call of HTTP answered.
  HttpResponse Call(const std::string& call, const std::string& body,
                    const Caller& caller = Caller());

  // Waits until they are on disk.
  void Publish(const std::string& channel, const std::string& payload = "hi");
  void Subscribe(const std::string& client, const std::string& channel);
  // Through the client's home, which returns how many messages that abandons.
  std::uint64_t Unsubscribe(const std::string& client, const std::string& channel);

  // The same for what ClientLedger::Apply takes.
  [[nodiscard]] StatusOr<Recorded> Change(const std::string& client, const store::Event& change);
  void BeginChange(const std::string& client, const store::Event& change);

  // Of these clients, those that nobody has or waits for are owed the first message of the room no
  // more. Has a value once that is on record: the names of the others.
  using Others = std::shared_ptr<std::optional<Strings>>;
  [[nodiscard]] Others BeginAbandoning(const Strings& clients);
  Strings Abandon(const Strings& clients);

  // The relay falls behind: what is committed from now on waits for ReleaseGroups.
  void HoldGroups() { groups_held_ = true; }
  void ReleaseGroups();
  // Reads that the hub and the directory ask for wait likewise.
  void HoldReads() { reads_held_ = true; }
  void ReleaseReads();
  [[nodiscard]] std::size_t reads_waiting() const { return reads_.size(); }
  // From now on nothing is put on record.
  void FailDisk() { env_.FailSyncs(); }
  // While it lives, the writer is stuck in front of all that is submitted.
  class WriterHold {
   public:
    explicit WriterHold(Store& store);
    ~WriterHold() { released_.set_value(); }
    WriterHold(const WriterHold&) = delete;
    WriterHold& operator=(const WriterHold&) = delete;

   private:
    std::promise<void> released_;
  };

  // Runs the I/O thread's work until the condition holds; throws when it does not come to hold.
  void Until(const std::function<bool()>& condition, const std::string& what);
  // Runs what is ready, and returns how much that was.
  std::size_t Poll() { return context_.poll(); }
  // Until whatever is under way has come to its end: flushes, commits and what follows from them.
  void Settle();
  // Until the hub has begun each flush of its journal that is armed by now.
  void PassFlush();
  // Time passes, and what is due for the session happens.
  void Advance(TestConnection& connection, Duration by);

  Hub& hub() { return *hub_; }
  std::unique_ptr<WakeTimer> MakeTimer() { return loop_.MakeTimer(); }
  // What the store has.
  Totals totals() const;
  LedgerEntry Entry(const std::string& client, const std::string& channel) const;
  ChannelId IdOf(const std::string& channel) const;

 private:
  static constexpr Duration kPatience{20'000};

  void OnCommitted(const SharedGroup& group);
  void Submit(Work work);
  // Submits it, and waits for the answer.
  template <typename W>
  void Do(W work);

  // In order of construction: whatever posts is gone before the context.
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> working_{
      context_.get_executor()};
  AsioLoop loop_{context_.get_executor()};
  TemporaryDirectory directory_;
  FailingEnv env_;

 protected:
  ManualClock clock_;
  Policies policies_{DeliveryPolicy{}};
  SessionPolicy session_policy_;

 private:
  Metrics metrics_;
  ClientHomes homes_;
  SessionCalls calls_;
  std::deque<std::unique_ptr<TestConnection>> connections_;
  bool groups_held_ = false;
  std::deque<SharedGroup> groups_;
  bool reads_held_ = false;
  std::deque<std::function<void()>> reads_;

 protected:
  std::unique_ptr<Store> store_;

 private:
  std::unique_ptr<ClientDirectory> home_;
  std::unique_ptr<Hub> hub_;
};

}  // namespace ackwire
