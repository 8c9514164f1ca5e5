#include "delivery/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "delivery/text_file.h"

namespace ackwire {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string TextOfBio(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// A key, and a certificate for it that it signed itself.
struct SelfSigned {
  explicit SelfSigned(const char* passphrase = nullptr) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* signed_by_itself = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(signed_by_itself), 1);
    X509_gmtime_adj(X509_getm_notBefore(signed_by_itself), 0);
    X509_gmtime_adj(X509_getm_notAfter(signed_by_itself), 3600);
    X509_set_pubkey(signed_by_itself, pair);
    X509_sign(signed_by_itself, pair, EVP_sha256());
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, signed_by_itself);
    certificate = TextOfBio(out);
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, pair, passphrase == nullptr ? nullptr : EVP_aes_128_cbc(),
                             nullptr, 0, nullptr, const_cast<char*>(passphrase));
    key = TextOfBio(out);
    X509_free(signed_by_itself);
    EVP_PKEY_free(pair);
  }
  std::string certificate;
  std::string key;
};

class Tls : public testing::Test {
 protected:
  Tls()
      : directory_(std::filesystem::path(testing::TempDir()) /
                   ("tls-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(directory_);
  }
  ~Tls() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  StatusOr<TlsIdentity> Read(const std::string& certificate, const std::string& key) {
    return ReadTlsIdentity({.cert_flag = "--cert",
                            .cert = Write("cert.pem", certificate),
                            .key_flag = "--key",
                            .key = Write("key.pem", key)});
  }
  std::string ErrorOf(const std::string& certificate, const std::string& key) {
    return MessageOf(Read(certificate, key).status());
  }

  const std::filesystem::path directory_;
  const SelfSigned own_;
  const SelfSigned other_;
};

TEST_F(Tls, TakesACertificateAndItsKey) {
  const StatusOr<TlsIdentity> identity = Read(own_.certificate, own_.key);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->certificates, own_.certificate);
  EXPECT_EQ(identity->key, own_.key);
  EXPECT_NE(identity->context, nullptr);
}

TEST_F(Tls, TakesTheCertificatesOfAuthoritiesBehindIt) {
  EXPECT_TRUE(Read(own_.certificate + other_.certificate, own_.key).ok());
}

TEST_F(Tls, NamesFlagAndFileOfWhatIsWrong) {
  const std::string damaged = own_.certificate.substr(0, own_.certificate.size() / 2);
  for (const std::string& bad : {std::string(), own_.key, damaged, own_.certificate + damaged}) {
    EXPECT_THAT(ErrorOf(bad, own_.key), AllOf(HasSubstr("--cert: "), HasSubstr("cert.pem"),
                                              HasSubstr("BEGIN CERTIFICATE")));
  }
  for (const std::string& bad : {std::string(), own_.certificate, own_.key.substr(0, 60)}) {
    EXPECT_THAT(ErrorOf(own_.certificate, bad),
                AllOf(HasSubstr("--key: "), HasSubstr("key.pem"), HasSubstr("BEGIN PRIVATE KEY")));
  }
  EXPECT_THAT(ErrorOf(own_.certificate, other_.key),
              AllOf(HasSubstr("--key: "), HasSubstr("not the key of the certificate")));
}

TEST_F(Tls, AsksNobodyForAPassphrase) {
  const SelfSigned locked("secret");
  EXPECT_THAT(ErrorOf(locked.certificate, locked.key),
              AllOf(HasSubstr("--key: "), HasSubstr("passphrase"), Not(HasSubstr("secret"))));
}

TEST_F(Tls, SaysThatAFileIsNotThere) {
  const StatusOr<TlsIdentity> identity = ReadTlsIdentity(
      {.cert_flag = "--cert", .cert = "/nowhere/a", .key_flag = "--key", .key = "/nowhere/b"});
  EXPECT_EQ(identity.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(identity.status()), AllOf(HasSubstr("--cert"), HasSubstr("/nowhere/a")));
}

TEST_F(Tls, TakesAuthoritiesOfClientsFromAFile) {
  const auto both = Write("ca.pem", own_.certificate + other_.certificate);
  EXPECT_EQ(*ReadTlsAuthorities("--ca", both), own_.certificate + other_.certificate);
  EXPECT_THAT(MessageOf(ReadTlsAuthorities("--ca", Write("key.pem", own_.key)).status()),
              AllOf(HasSubstr("--ca: "), HasSubstr("key.pem")));
}

TEST_F(Tls, GivesNewConnectionsWhatReplacedTheOld) {
  const StatusOr<TlsIdentity> first = Read(own_.certificate, own_.key);
  const StatusOr<TlsIdentity> second = Read(other_.certificate, other_.key);
  ASSERT_TRUE(first.ok() && second.ok());
  TlsSource source(first->context);
  EXPECT_EQ(source.current(), first->context);
  source.Replace(second->context);
  EXPECT_EQ(source.current(), second->context);
}

TEST_F(Tls, ReadsNoFileWithoutEnd) {
  const auto large = Write("large", std::string(kTextFileBytesMax + 1, 'x'));
  EXPECT_THAT(MessageOf(ReadTextFile(large, "--it").status()), HasSubstr("larger than 1 MiB"));
  EXPECT_EQ(ReadTextFile("/dev/zero", "--it").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace ackwire
