#include "delivery/client_directory.h"

#include <algorithm>
#include <utility>

namespace ackwire {

void ClientDirectory::Take(const std::string& client, const Claim& claim) {
  ForgetExpired();
  Record& record = records_[client];
  const auto& replaced = record.replaced;
  if (claim.unless_replaced &&
      std::find(replaced.begin(), replaced.end(), claim.resume_session) != replaced.end()) {
    return Replace(claim.owner);
  }
  // Whoever waits, or has it, is the older connection now.
  for (const Owner* older :
       {record.claim ? &record.claim->owner : nullptr, record.owner ? &*record.owner : nullptr}) {
    if (older != nullptr) Replace(*older);
  }
  record.claim = claim;
  Next(client);
}

void ClientDirectory::Replace(const Owner& older) {
  older.post([weak = older.session] {
    if (const auto session = weak.lock()) session->OnReplaced();
  });
}

void ClientDirectory::Releasing(const std::string& client) {
  Record& record = records_[client];
  record.owner.reset();
  record.busy = true;
}

void ClientDirectory::Release(const std::string& client, const std::string& session_id,
                              AckWindow sent) {
  Record& record = records_[client];
  record.owner.reset();
  if (record.claim && record.claim->resume_session != session_id) {
    record.replaced.push_back(session_id);
    if (record.replaced.size() > kReplacedRememberedMax) record.replaced.pop_front();
  }
  const Timestamp until = deps_.clock.Now() + deps_.resume_within;
  record.ended = Ended{session_id, std::move(sent), until};
  expiring_.emplace_back(until, client);
  Finished(client);
}

void ClientDirectory::Lose(const std::string& client) {
  Record& record = records_[client];
  record.owner.reset();
  record.lost = true;
  Finished(client);
}

void ClientDirectory::Finished(const std::string& client) {
  records_[client].busy = false;
  Next(client);
}

void ClientDirectory::Next(const std::string& client) {
  Record& record = records_[client];
  if (!record.free()) return;
  if (!record.changes.empty()) {
    record.busy = true;
    const std::function<void()> change = std::move(record.changes.front());
    record.changes.pop_front();
    change();
  } else if (record.claim) {
    const Claim claim = *std::exchange(record.claim, std::nullopt);
    if (record.lost) return Refuse(claim);
    GrantTo(client, record, claim);
  } else if (!record.ended && !record.lost) {
    records_.erase(client);
  }
}

void ClientDirectory::GrantTo(const std::string& client, Record& record, const Claim& claim) {
  Grant grant;
  grant.session_id = claim.new_session_id;
  const bool resumes = record.ended && record.ended->session_id == claim.resume_session &&
                       deps_.clock.Now() < record.ended->until &&
                       claim.resume_delivery <= record.ended->sent.last_number();
  if (resumes) {
    grant.resumed = true;
    grant.session_id = record.ended->session_id;
    grant.sent = std::move(record.ended->sent);
  }
  record.ended.reset();
  record.owner = claim.owner;
  claim.owner.post([this, client, weak = claim.owner.session, grant]() mutable {
    if (const auto session = weak.lock()) {
      session->OnGranted(std::move(grant));
    } else {
      Post([this, client, grant] { Release(client, grant.session_id, grant.sent); });
    }
  });
}

void ClientDirectory::Refuse(const Claim& claim) {
  claim.owner.post([weak = claim.owner.session] {
    if (const auto session = weak.lock()) session->OnRefused();
  });
}

void ClientDirectory::ForgetExpired() {
  const Timestamp now = deps_.clock.Now();
  while (!expiring_.empty() && expiring_.front().first <= now) {
    const auto found = records_.find(expiring_.front().second);
    if (found != records_.end() && found->second.ended && found->second.ended->until <= now) {
      found->second.ended.reset();
      Next(expiring_.front().second);
    }
    expiring_.pop_front();
  }
}

void ClientDirectory::AskSession(const std::string& client,
                                 const std::function<void(Session*)>& ask) {
  const auto found = records_.find(client);
  if (found == records_.end()) return ask(nullptr);
  Record& record = found->second;
  if (record.owner) {
    record.owner->post([this, client, ask, weak = record.owner->session] {
      const auto session = weak.lock();
      if (session != nullptr && !session->ended()) {
        return ask(session->open() ? session.get() : nullptr);
      }
      // Its end is on the way here, and with it what it put on record last.
      Post([this, client, ask] { AskSession(client, ask); });
    });
  } else if (record.busy) {
    // What its session knew is being put on record: after that the store has it all.
    record.changes.emplace_back([this, client, ask] {
      ask(nullptr);
      Finished(client);
    });
  } else {
    ask(nullptr);
  }
}

void ClientDirectory::Unsubscribe(const std::string& client, const std::string& channel,
                                  const Unsubscribed& done) {
  Record& record = records_[client];
  if (record.owner) {
    record.owner->post([this, client, channel, done, weak = record.owner->session] {
      const auto session = weak.lock();
      if (session != nullptr && session->UnsubscribeFromElsewhere(channel, done)) return;
      // It is not open yet, or no more: the client will be free, or its session open.
      Post([this, client, channel, done] { Unsubscribe(client, channel, done); });
    });
    return;
  }
  record.changes.push_back(
      [this, client, channel, done] { UnsubscribeOffline(client, channel, done); });
  Next(client);
}

void ClientDirectory::UnsubscribeOffline(const std::string& client, const std::string& channel,
                                         const Unsubscribed& done) {
  const auto finish = [this, client, done](const StatusOr<std::uint64_t>& outcome) {
    Post([this, client, done, outcome] {
      Finished(client);
      done(outcome);
    });
  };
  deps_.read([this, client, channel, finish] {
    const ChannelId id = deps_.store.derived().IdOf(channel);
    const StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, id);
    if (!entry.ok()) return finish(entry.status());
    if (id.value == 0 || !entry->subscribed()) {
      return finish(Error(StatusCode::kNotFound, client + " is not subscribed to " + channel));
    }
    EndSubscription(client, id, v1::REASON_UNSUBSCRIBED, finish);
  });
}

void ClientDirectory::EndSubscription(const std::string& client, ChannelId channel,
                                      v1::Reason reason, const Unsubscribed& finish) {
  JournalWork work;
  work.done = [this, client, channel, reason, finish](const StatusOr<Recorded>& recorded) {
    if (!recorded.ok()) return finish(recorded.status());
    deps_.metrics.DeliveriesFailed(reason, recorded->abandoned);
    Post([this, client, channel] {
      // Whoever resumes may have subscribed anew, and owes nothing by these numbers.
      if (auto& ended = records_[client].ended) ended->sent.Forget(channel);
    });
    finish(recorded->abandoned);
  };
  store::Event& event = work.events.emplace_back();
  event.set_client(client);
  event.set_at_ms(ToUnixMs(deps_.clock.Now()));
  event.mutable_unsubscribed()->set_channel(channel.value);
  if (reason != v1::REASON_UNSUBSCRIBED) event.mutable_unsubscribed()->set_reason(reason);
  deps_.store.Submit(std::move(work));
}

void ClientDirectory::Expire(const std::string& client, const std::string& channel,
                             Timestamp unseen_since, const Expired& done) {
  Record& record = records_[client];
  if (record.owner || record.claim) return done(OkStatus());  // it is back
  record.changes.push_back([this, client, channel, unseen_since, done] {
    ExpireOffline(client, channel, unseen_since, done);
  });
  Next(client);
}

void ClientDirectory::ExpireOffline(const std::string& client, const std::string& channel,
                                    Timestamp unseen_since, const Expired& done) {
  const auto finish = [this, client, done](const StatusOr<std::uint64_t>& outcome) {
    Post([this, client, done, outcome] {
      Finished(client);
      done(outcome.status());
    });
  };
  deps_.read([this, client, channel, unseen_since, finish] {
    const ChannelId id = deps_.store.derived().IdOf(channel);
    const StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, id);
    if (!entry.ok()) return finish(entry.status());
    const StatusOr<ClientState> state = deps_.store.ledger().Client(client);
    if (!state.ok()) return finish(state.status());
    const Timestamp seen = std::max(state->last_seen_at, entry->created_at());
    if (!entry->subscribed() || seen > unseen_since) return finish(std::uint64_t{0});
    EndSubscription(client, id, v1::REASON_SUBSCRIPTION_EXPIRED, finish);
  });
}

void ClientDirectory::Change(const std::string& client, const store::Event& change,
                             const ChangeRecorded& done) {
  Record& record = records_[client];
  if (record.owner) {
    record.owner->post([this, client, change, done, weak = record.owner->session] {
      const auto session = weak.lock();
      if (session != nullptr && session->ChangeFromElsewhere(change, done)) return;
      // It is not open any more: the client will be free, or another session's.
      Post([this, client, change, done] { Change(client, change, done); });
    });
    return;
  }
  record.changes.push_back([this, client, change, done] { ChangeOffline(client, change, done); });
  Next(client);
}

void ClientDirectory::ChangeOffline(const std::string& client, const store::Event& change,
                                    const ChangeRecorded& done) {
  const auto finish = [this, client, done](const StatusOr<Recorded>& outcome) {
    Post([this, client, done, outcome] {
      Finished(client);
      done(outcome);
    });
  };
  deps_.read([this, client, change, finish] {
    const StatusOr<ClientState> state = deps_.store.ledger().Client(client);
    if (!state.ok()) return finish(state.status());
    if (!state->known) return finish(NeverSeen(client));
    if (change.has_client_paused() && change.client_paused().paused() == state->paused) {
      return finish(Recorded{});
    }
    store::Event recorded_change = change;
    if (Status status = LeaveOwed(client, recorded_change); !status.ok()) return finish(status);
    const store::Abandoned& abandoned = recorded_change.abandoned();
    const bool nothing_left =
        change.has_abandoned() && abandoned.unparked().empty() && abandoned.runs().empty();
    if (nothing_left) return finish(Recorded{});
    JournalWork work;
    work.done = [this, client, abandoned, finish](const StatusOr<Recorded>& recorded) {
      if (recorded.ok()) {
        deps_.metrics.DeliveriesFailed(static_cast<v1::Reason>(abandoned.reason()),
                                       SeqRunsOf(abandoned.runs()).count() + recorded->dismissed);
        Post([this, client, abandoned] { ForgetSent(client, abandoned); });
      }
      finish(recorded);
    };
    store::Event& event = work.events.emplace_back(std::move(recorded_change));
    event.set_client(client);
    event.set_at_ms(ToUnixMs(deps_.clock.Now()));
    deps_.store.Submit(std::move(work));
  });
}

void ClientDirectory::Forget(const std::string& client, const std::string& note,
                             const ForgottenDone& done) {
  Record& record = records_[client];
  if (record.owner) {
    record.owner->post([this, client, note, done, weak = record.owner->session] {
      if (const auto session = weak.lock(); session != nullptr && session->open()) {
        session->Shut(close_code::kDisconnected, "forgotten by an operator");
      }
      // It is not open yet, or no more: the client will be free.
      Post([this, client, note, done] { Forget(client, note, done); });
    });
    return;
  }
  record.changes.push_back([this, client, note, done] { ForgetOffline(client, note, done); });
  Next(client);
}

void ClientDirectory::ForgetOffline(const std::string& client, const std::string& note,
                                    const ForgottenDone& done) {
  const auto finish = [this, client, done](const StatusOr<Forgotten>& outcome) {
    Post([this, client, done, outcome] {
      // Nobody resumes a session of a client that is new.
      if (outcome.ok()) records_[client].ended.reset();
      Finished(client);
      done(outcome);
    });
  };
  deps_.read([this, client, note, finish] {
    const StatusOr<ClientState> state = deps_.store.ledger().Client(client);
    if (!state.ok()) return finish(state.status());
    if (!state->known) return finish(NeverSeen(client));
    const StatusOr<std::vector<ChannelEntry>> entries = deps_.store.ledger().Entries(client);
    if (!entries.ok()) return finish(entries.status());
    JournalWork work;
    const auto add = [&, at_ms = ToUnixMs(deps_.clock.Now())]() -> store::Event& {
      store::Event& event = work.events.emplace_back();
      event.set_client(client);
      event.set_at_ms(at_ms);
      return event;
    };
    for (const ChannelEntry& entry : *entries) {
      add().mutable_unsubscribed()->set_channel(entry.channel.value);
    }
    add().mutable_client_forgotten()->set_note(note);
    work.done = [this, finish, ended = entries->size()](const StatusOr<Recorded>& recorded) {
      if (!recorded.ok()) return finish(recorded.status());
      deps_.metrics.DeliveriesFailed(v1::REASON_UNSUBSCRIBED, recorded->abandoned);
      deps_.store.forgetter().ForgetSoon();
      finish(Forgotten{ended, recorded->abandoned});
    };
    deps_.store.Submit(std::move(work));
  });
}

// While a change is under way nobody else settles anything of the client.
Status ClientDirectory::LeaveOwed(const std::string& client, store::Event& change) const {
  if (change.abandoned().runs().empty()) return OkStatus();
  store::Abandoned& abandoned = *change.mutable_abandoned();
  const ChannelId channel{abandoned.channel()};
  const StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, channel);
  if (!entry.ok()) return entry.status();
  const SeqRuns owed = Common(entry->UndeliveredRuns(deps_.store.derived().LastOf(channel)),
                              SeqRunsOf(abandoned.runs()));
  abandoned.clear_runs();
  AddRuns(owed, *abandoned.mutable_runs());
  return OkStatus();
}

void ClientDirectory::ForgetSent(const std::string& client, const store::Abandoned& abandoned) {
  auto& ended = records_[client].ended;
  if (!ended) return;
  const ChannelId channel{abandoned.channel()};
  for (const std::uint64_t seq : abandoned.unparked()) ended->sent.Abandon({channel, {seq}});
  const SeqRuns seqs = SeqRunsOf(abandoned.runs());
  for (const SeqRun& run : seqs.runs()) ended->sent.Abandon(channel, run);
}

}  // namespace ackwire
