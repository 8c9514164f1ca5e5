#include "delivery/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <utility>
#include <vector>

#include "delivery/openssl_handle.h"
#include "delivery/text_file.h"

namespace ackwire {
namespace {

namespace ssl = boost::asio::ssl;

// Mozilla's "intermediate", of 2023 and later; TLS 1.3 has OpenSSL's own three.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
// The one protocol there is, as ALPN writes it: its length, then its name.
constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

using Bio = OpensslHandle<BIO, BIO_free>;
using Certificate = OpensslHandle<X509, X509_free>;
using PrivateKey = OpensslHandle<EVP_PKEY, EVP_PKEY_free>;

// In OpenSSL's words, which have nothing of the file in them.
std::string LastError() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "unknown reason" : reason;
}

Bio BioOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase would have OpenSSL ask for it at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

int ChooseHttp11(SSL* /*ssl*/, const unsigned char** out, unsigned char* size,
                 const unsigned char* offered, unsigned offered_size, void* /*unused*/) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301: no_application_protocol
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Status WrongFile(const std::string& flag, const std::filesystem::path& file,
                 const std::string& what) {
  return InvalidArgument(flag + ": " + file.string() + ": " + what);
}

Status NoCertificates(const std::string& flag, const std::filesystem::path& file) {
  return WrongFile(flag, file,
                   "has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----, or a "
                   "damaged one (" +
                       LastError() + ")");
}

// All certificates of a PEM file; empty where there is none, or a bad one.
std::vector<Certificate> ParseCertificates(const std::string& text) {
  std::vector<Certificate> out;
  const Bio bio = BioOf(text);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    out.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) out.clear();
  return out;
}

StatusOr<PrivateKey> ParseKey(const TlsFiles& files, const std::string& text) {
  bool asked = false;
  PrivateKey key(PEM_read_bio_PrivateKey(BioOf(text).get(), nullptr, &NoPassphrase, &asked));
  if (key != nullptr) return key;
  if (asked) {
    return WrongFile(files.key_flag, files.key,
                     "the key has a passphrase, which nobody can type here; store it without one, "
                     "readable by the server alone");
  }
  return WrongFile(files.key_flag, files.key,
                   "has no private key in PEM, which begins with -----BEGIN PRIVATE KEY----- (" +
                       LastError() + ")");
}

void WarnOfDates(const TlsFiles& files, const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    spdlog::warn("{}: {}: the certificate has expired: clients will refuse it", files.cert_flag,
                 files.cert.string());
  } else if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    spdlog::warn("{}: {}: the certificate is not valid yet: clients will refuse it",
                 files.cert_flag, files.cert.string());
  }
}

std::shared_ptr<ssl::context> NewContext() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // All ciphers are good: ours come first, but ChaCha20 for whoever is faster with it.
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set1_groups_list(native, kGroups);
  SSL_CTX_set_alpn_select_cb(native, &ChooseHttp11, nullptr);
  return context;
}

// What OpenSSL refuses of what was read whole: a key that is too short, or of another certificate.
Status Install(ssl::context& context, const std::vector<Certificate>& chain, EVP_PKEY& key,
               const TlsFiles& files) {
  SSL_CTX* const native = context.native_handle();
  if (SSL_CTX_use_certificate(native, chain.front().get()) != 1) {
    return WrongFile(files.cert_flag, files.cert,
                     "the certificate cannot be used (" + LastError() + ")");
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(native, chain[i].get()) != 1) {
      return WrongFile(
          files.cert_flag, files.cert,
          "certificate " + std::to_string(i + 1) + " cannot be used (" + LastError() + ")");
    }
  }
  if (X509_check_private_key(chain.front().get(), &key) != 1) {
    return WrongFile(files.key_flag, files.key,
                     "is not the key of the certificate in " + files.cert.string() +
                         ": give the two that were made together; the server's own certificate "
                         "stands first in its file");
  }
  if (SSL_CTX_use_PrivateKey(native, &key) != 1) {
    return WrongFile(files.key_flag, files.key, "the key cannot be used (" + LastError() + ")");
  }
  return OkStatus();
}

}  // namespace

StatusOr<TlsIdentity> ReadTlsIdentity(const TlsFiles& files) {
  StatusOr<std::string> certificates = ReadTextFile(files.cert, files.cert_flag);
  if (!certificates.ok()) return certificates.status();
  StatusOr<std::string> key_text = ReadTextFile(files.key, files.key_flag);
  if (!key_text.ok()) return key_text.status();
  const OpensslErrorScope errors;
  const std::vector<Certificate> chain = ParseCertificates(*certificates);
  if (chain.empty()) return NoCertificates(files.cert_flag, files.cert);
  const StatusOr<PrivateKey> key = ParseKey(files, *key_text);
  if (!key.ok()) return key.status();
  TlsIdentity identity{*std::move(certificates), *std::move(key_text), NewContext()};
  if (Status status = Install(*identity.context, chain, **key, files); !status.ok()) return status;
  WarnOfDates(files, *chain.front());
  return identity;
}

StatusOr<std::string> ReadTlsAuthorities(const std::string& flag,
                                         const std::filesystem::path& file) {
  StatusOr<std::string> text = ReadTextFile(file, flag);
  if (!text.ok()) return text.status();
  const OpensslErrorScope errors;
  if (ParseCertificates(*text).empty()) return NoCertificates(flag, file);
  return text;
}

TlsSource::TlsSource(std::shared_ptr<ssl::context> context) : current_(std::move(context)) {}

void TlsSource::Replace(std::shared_ptr<ssl::context> context) {
  const std::scoped_lock lock(mutex_);
  current_ = std::move(context);
}

std::shared_ptr<ssl::context> TlsSource::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

}  // namespace ackwire
