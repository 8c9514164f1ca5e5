// TLS for a listener: certificate and key from files, checked before they are used, and replaced
// while connections go on.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "store/status.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace ackwire {

// Where they are, and which flags said so.
struct TlsFiles {
  std::string cert_flag;
  std::filesystem::path cert;
  std::string key_flag;
  std::filesystem::path key;
};

// A server's certificate, with those up to its authority behind it, and its private key: as PEM,
// and ready for connections.
struct TlsIdentity {
  std::string certificates;
  std::string key;
  std::shared_ptr<boost::asio::ssl::context> context;
};

// Reads both, and sees that TLS can be served with them.
//   kInvalidArgument, kNotFound  names flag and file, what was wrong and what would be right
[[nodiscard]] StatusOr<TlsIdentity> ReadTlsIdentity(const TlsFiles& files);

// The certificates of the authorities that clients' certificates must be from, as PEM.
//   kInvalidArgument, kNotFound  likewise
[[nodiscard]] StatusOr<std::string> ReadTlsAuthorities(const std::string& flag,
                                                       const std::filesystem::path& file);

// What new connections use.
//
// Threads: any.
class TlsSource {
 public:
  explicit TlsSource(std::shared_ptr<boost::asio::ssl::context> context);

  // From the next connection on. Those that are open go on with what they began with.
  void Replace(std::shared_ptr<boost::asio::ssl::context> context);
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current() const;

 private:
  mutable std::mutex mutex_;  // guards current_: connections come while a signal replaces it
  std::shared_ptr<boost::asio::ssl::context> current_;
};

}  // namespace ackwire
