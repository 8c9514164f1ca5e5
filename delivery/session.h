// Session is one client's connection, from its `connect` frame to its end: it acts on the client's
// frames, sends what the ClientLedger says is next, and keeps the heartbeat. The transport is
// behind an Outlet; disk, clock and the other sessions are behind the Hub.
//
// Threads:  the I/O thread of its hub.
// Lifetime: shared by the connection and by work under way for it. Borrows hub and outlet; after
//           End it touches the outlet no more.
// Bounds:   beyond kUnsentBytesMax unsent, the client's messages wait in the log; beyond
//           SessionPolicy::queued_bytes, which answers to its own frames can fill, it is closed
//           4002. At most kFramesBeforeConnectMax frames and kBytesBeforeConnectMax bytes before
//           it is open. And session_rates.h.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/client_ledger.h"
#include "delivery/delivery_server.h"
#include "delivery/frame_protocol.h"
#include "delivery/heartbeat.h"
#include "delivery/outlet.h"
#include "delivery/session_rates.h"

namespace ackwire {

class Hub;
class ReceiptWatch;
struct EncodedMessage;
struct LoadedClient;

// What a client's home thread hands to the session that may have the client.
struct Grant {
  AckWindow sent;  // of the resumed session
  bool resumed = false;
  std::string session_id;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  // The identity's id is given later, by the grant.
  Session(Hub& hub, Outlet& outlet, const frame::FrameProtocol& protocol, SessionIdentity identity);

  // From the connection. `token`: of the request that opened it; connect's own goes before it.
  void Start(std::string token = {});
  // Its `connect`, which came as no frame: frame::Check has passed it, and who calls may be it.
  void OnConnect(frame::Connect connect, Caller caller);
  void OnFrame(std::string_view bytes);
  void OnOtherKind();  // text where frames are binary, or the other way round
  void OnControl();    // a ping or pong of WebSocket's, which is no frame: the peer is alive
  [[nodiscard]] Status TakeCall(std::size_t bytes);  // said otherwise; it counts as a frame
  void OnWritten(const std::vector<std::uint64_t>& deliveries);
  void OnWriteFailed();  // the transport refused the bytes: the connection is gone
  // The connection is gone, with the code that the peer gave or 1006. Does nothing after Shut.
  void End(std::uint16_t code);

  // From the client's home: this session has the client now; or another session takes over; or no
  // session can have it any more.
  void OnGranted(Grant grant);
  void OnReplaced();
  void OnRefused();

  // From the hub.
  void OnMessage(ChannelId channel, Seq seq) { ledger_->Extend(channel, seq); }
  void Changed();  // something may have to be sent, or put on record, or be due at another time
  void OnSubscribed(const SubscriptionState& subscription, EventId id);  // by whomever
  void OnTime();
  void RenewPolicies();
  void Shut(std::uint16_t code, const std::string& reason);
  // Something of what it watches is to be told.
  void SendReceipts(ReceiptWatch& watch);
  void SendDraining(const frame::Draining& draining);
  [[nodiscard]] std::vector<store::Event> TakeEvents();
  [[nodiscard]] std::vector<std::uint32_t> TakeConfirms() { return std::exchange(confirms_, {}); }
  void Confirm(const std::vector<std::uint32_t>& ids);

  // From others, through the client's home. False when the session has ended: ask the home again.
  using Unsubscribed = std::function<void(StatusOr<std::uint64_t>)>;
  [[nodiscard]] bool UnsubscribeFromElsewhere(const std::string& channel, const Unsubscribed& done);
  // The same for what ClientLedger::Apply takes.
  using ChangeRecorded = std::function<void(const StatusOr<Recorded>&)>;
  [[nodiscard]] bool ChangeFromElsewhere(const store::Event& change, const ChangeRecorded& done);
  // REQUIRES: it is open, for these three.
  void Replay(const std::vector<ReplayDelivery>& deliveries);
  [[nodiscard]] std::vector<DeliveryKey> WithdrawReplay(ReplayId replay);
  [[nodiscard]] LiveDelivery Live(ChannelId channel, Seq seq) const;
  // Calls `done` once everything that has happened here is on record.
  void Record(std::function<void()> done);
  [[nodiscard]] v1::Session Describe() const;
  [[nodiscard]] std::vector<AckWindow::Sent> InFlight() const;
  [[nodiscard]] frame::Form form() const { return protocol_.form(); }
  [[nodiscard]] bool ended() const { return state_ == State::kEnded; }
  [[nodiscard]] bool open() const { return state_ == State::kOpen; }
  [[nodiscard]] const std::string& client() const { return connect_.client; }
  [[nodiscard]] const std::string& id() const { return identity_.id; }   // empty before the grant
  [[nodiscard]] bool has_ledger() const { return ledger_.has_value(); }  // once it is loaded
  [[nodiscard]] ClientLedger& ledger() { return *ledger_; }              // REQUIRES: has_ledger()

 private:
  enum class State { kConnecting, kClaiming, kOpen, kEnded };

  [[nodiscard]] bool WithinRates(std::string_view frame);  // false: the client was told
  // Tells the client of an error of its own; ends the session when it is one too many.
  void Blame(std::uint32_t id, const Status& status, const std::string& code = "");
  void OnFrameBeforeOpen(std::string_view bytes);
  [[nodiscard]] bool Admit();
  void Claim();
  void Refuse(const Status& status);
  [[nodiscard]] std::vector<Status> TakeDeniedSubscriptions();
  void SubscribeThenLoad();
  void Load();
  void OnLoaded(const StatusOr<LoadedClient>& loaded);
  void SendWelcome();
  void Fail(const Status& status);  // our fault: 4005

  void OnFrame(frame::ClientFrame frame);
  void On(frame::Connect& frame);
  void On(frame::Pong& frame);
  void On(frame::Malformed& frame);
  void On(frame::Refused& frame);
  void On(frame::Subscribe& frame);
  void On(frame::Unsubscribe& frame);
  void On(frame::Ack& frame);
  void On(frame::Nack& frame);
  void On(frame::Working& frame);
  void On(frame::Refresh& frame);
  void OnOwnSubscription(std::uint32_t id, const std::string& channel,
                         const StatusOr<std::vector<SubscriptionState>>& outcome);
  void OnDeliveryRefused(std::uint32_t id, const Status& status);
  [[nodiscard]] bool TakeTurn(const std::string& channel, std::function<void()> act);
  void EndTurn(const std::string& channel);
  void Subscribe(const frame::Subscribe& frame);
  void Unsubscribe(const std::string& channel, const Unsubscribed& done);
  void EndSubscription(const std::string& channel, const Unsubscribed& done);
  // What `channel` was is no more, or never was: the writer has said so.
  void OnSubscriptionEnded(const std::string& channel, ChannelId id,
                           const StatusOr<Recorded>& recorded, const Unsubscribed& done);
  // False for the news of a subscription that has ended since: the relay may bring it late.
  [[nodiscard]] bool IsNews(ChannelId channel, EventId id) const;
  void AddSubscription(const SubscriptionState& subscription);
  void Pump();
  // Both false when the message is not here yet: it is being read.
  [[nodiscard]] bool SendNext(const DeliveryKey& key);
  [[nodiscard]] bool SendReplay(const DeliveryKey& key);
  [[nodiscard]] bool Fits(const EncodedMessage& message) const;
  void AddItem(const ClientLedger::Delivery& delivery, const EncodedMessage& message);
  enum class Lane { kOwed, kReplay };
  void ReadAhead(const DeliveryKey& key, Lane lane);
  // It is damaged on disk. Its channel waits, and the client is told once; the others go on.
  void Hold(const DeliveryKey& key, const Status& damage);
  // It is not in the log any more: it is abandoned, and the client told.
  void SkipGone(const DeliveryKey& key, v1::Reason why);
  void AddGap(ChannelId channel, SeqRun seqs, v1::Reason why);
  void FlushFrame();
  void FlushGap();

  Hub& hub_;
  Outlet& outlet_;
  const frame::FrameProtocol& protocol_;
  SessionIdentity identity_;
  State state_ = State::kConnecting;
  Timestamp connected_at_{};
  frame::Connect connect_;
  std::string token_;  // until it connects
  Caller caller_;
  std::vector<Status> denied_;  // of connect's subscriptions; told after the welcome
  std::size_t bytes_before_open_ = 0;
  std::vector<std::string> early_frames_;  // arrived before it was open
  std::vector<std::pair<SubscriptionState, EventId>> early_subscriptions_;  // likewise
  std::vector<std::pair<std::string, Unsubscribed>> early_unsubscriptions_;
  std::vector<std::pair<store::Event, ChangeRecorded>> early_changes_;
  std::optional<Grant> grant_;
  std::optional<ClientLedger> ledger_;
  Heartbeat heartbeat_;
  SessionRates rates_;
  std::uint32_t max_frame_bytes_ = kFrameBytesDefault;
  // Changes of a channel's subscription take turns, in the order in which they were asked for: by
  // channel, those that wait for the one under way. TakeTurn is false where too many do.
  std::map<std::string, std::deque<std::function<void()>>> turns_;
  JournalNumber loaded_up_to_;          // what was recorded until then is in what was loaded
  std::map<ChannelId, EventId> ended_;  // the newest end of a subscription that is on record
  std::vector<std::uint32_t> confirms_;
  frame::ItemsFrame frame_;
  std::vector<std::uint64_t> frame_deliveries_;
  std::optional<frame::Gap> gap_;  // not sent yet: what is gone beside it joins it
  bool reading_ = false;
  std::uint16_t close_code_ = 0;  // that we gave; 0: the peer ended it
  std::string operators_words_;   // with 4004
  bool write_failed_ = false;
};

}  // namespace ackwire
