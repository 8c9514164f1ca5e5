#include "delivery/client_homes.h"

#include <memory>
#include <utility>

namespace ackwire {

ClientDirectory& ClientHomes::HomeOf(const std::string& client) const {
  return *directories_[std::hash<std::string>{}(client) % directories_.size()];
}

void ClientHomes::Take(const std::string& client, ClientDirectory::Claim claim) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, claim = std::move(claim)] { home.Take(client, claim); });
}

void ClientHomes::Releasing(const std::string& client) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client] { home.Releasing(client); });
}

void ClientHomes::Release(const std::string& client, const std::string& session_id,
                          AckWindow sent) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, session_id, sent = std::move(sent)]() mutable {
    home.Release(client, session_id, std::move(sent));
  });
}

void ClientHomes::Lose(const std::string& client) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client] { home.Lose(client); });
}

void ClientHomes::Unsubscribe(const std::string& client, const std::string& channel,
                              ClientDirectory::Unsubscribed done) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, channel, done = std::move(done)] {
    home.Unsubscribe(client, channel, done);
  });
}

void ClientHomes::Expire(const std::string& client, const std::string& channel,
                         Timestamp unseen_since, ClientDirectory::Expired done) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, channel, unseen_since, done = std::move(done)] {
    home.Expire(client, channel, unseen_since, done);
  });
}

void ClientHomes::Change(const std::string& client, store::Event change,
                         ClientDirectory::ChangeRecorded done) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, change = std::move(change), done = std::move(done)] {
    home.Change(client, change, done);
  });
}

void ClientHomes::Forget(const std::string& client, const std::string& note,
                         ClientDirectory::ForgottenDone done) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, note, done = std::move(done)] { home.Forget(client, note, done); });
}

void ClientHomes::AskSession(const std::string& client, std::function<void(Session*)> ask) {
  ClientDirectory& home = HomeOf(client);
  home.Post([&home, client, ask = std::move(ask)] { home.AskSession(client, ask); });
}

}  // namespace ackwire
