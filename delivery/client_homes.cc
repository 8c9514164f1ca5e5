#include "delivery/client_homes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ackwire {

// What is to be abandoned, and what came of it so far.
struct ClientHomes::Abandoning {
  std::vector<ClientDirectory::ClientChanges> of_home;
  ClientDirectory::ClientChanges others;
  Status failure;
  ClientDirectory::OfflineAbandoned done;
};

std::size_t ClientHomes::HomeNumberOf(const std::string& client) const {
  return std::hash<std::string>{}(client) % directories_.size();
}

ClientDirectory& ClientHomes::HomeOf(const std::string& client) const {
  return *directories_[HomeNumberOf(client)];
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

void ClientHomes::AbandonOffline(ClientDirectory::ClientChanges changes,
                                 ClientDirectory::OfflineAbandoned done) {
  auto all = std::make_shared<Abandoning>();
  all->of_home.resize(directories_.size());
  all->done = std::move(done);
  for (ClientDirectory::ClientChange& change : changes) {
    all->of_home[HomeNumberOf(change.client)].push_back(std::move(change));
  }
  AbandonFrom(0, all);
}

void ClientHomes::AbandonFrom(std::size_t home, const std::shared_ptr<Abandoning>& all) {
  while (home < directories_.size() && all->of_home[home].empty()) ++home;
  if (home == directories_.size()) return all->done(all->failure, std::move(all->others));
  ClientDirectory& directory = *directories_[home];
  directory.Post([this, &directory, home, all] {
    directory.AbandonOffline(
        std::move(all->of_home[home]),
        [this, home, all](const Status& outcome, ClientDirectory::ClientChanges others) {
          all->failure.Update(outcome);
          std::move(others.begin(), others.end(), std::back_inserter(all->others));
          AbandonFrom(home + 1, all);
        });
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
