// ClientHomes finds a client's home: the I/O thread, by hash of the client's name, whose
// ClientDirectory decides who has the client. Every call is posted there.
//
// Threads:  any, once all homes are added.
// Lifetime: borrows the directories.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "delivery/client_directory.h"

namespace ackwire {

class ClientHomes {
 public:
  void Add(ClientDirectory& directory) { directories_.push_back(&directory); }

  // As the members of ClientDirectory.
  void Take(const std::string& client, ClientDirectory::Claim claim);
  void Releasing(const std::string& client);
  void Release(const std::string& client, const std::string& session_id, AckWindow sent);
  void Lose(const std::string& client);
  void Unsubscribe(const std::string& client, const std::string& channel,
                   ClientDirectory::Unsubscribed done);
  void Expire(const std::string& client, const std::string& channel, Timestamp unseen_since,
              ClientDirectory::Expired done);
  void Change(const std::string& client, store::Event change, ClientDirectory::ChangeRecorded done);
  // One home after the other.
  void AbandonOffline(ClientDirectory::ClientChanges changes,
                      ClientDirectory::OfflineAbandoned done);
  void Forget(const std::string& client, const std::string& note,
              ClientDirectory::ForgottenDone done);
  void AskSession(const std::string& client, std::function<void(Session*)> ask);

 private:
  struct Abandoning;
  [[nodiscard]] std::size_t HomeNumberOf(const std::string& client) const;
  [[nodiscard]] ClientDirectory& HomeOf(const std::string& client) const;
  void AbandonFrom(std::size_t home, const std::shared_ptr<Abandoning>& all);

  std::vector<ClientDirectory*> directories_;
};

}  // namespace ackwire
