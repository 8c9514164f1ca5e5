#include "delivery/verification_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>

#include <array>
#include <utility>

#include "delivery/openssl_handle.h"

namespace ackwire {
namespace {

constexpr std::size_t kHmacKeyBytesMin = 32;
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;  // beyond it a verification takes milliseconds
// 65537 has 17. With an exponent of 1 everybody could sign.
constexpr int kRsaExponentBitsMin = 2;
constexpr int kRsaExponentBitsMax = 32;
constexpr std::size_t kCoordinateBytes = 32;  // of P-256 and Ed25519

using EvpKey = OpensslHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = OpensslHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = OpensslHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using BigNumber = OpensslHandle<BIGNUM, BN_free>;
using ParamBuilder = OpensslHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = OpensslHandle<OSSL_PARAM, OSSL_PARAM_free>;
using EcSignature = OpensslHandle<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* UnsignedBytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

BigNumber BigNumberOf(std::string_view bytes) {
  return BigNumber(BN_bin2bn(UnsignedBytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

class HmacKey final : public VerificationKey {
 public:
  explicit HmacKey(std::string k) : k_(std::move(k)) {}
  ~HmacKey() override { OPENSSL_cleanse(k_.data(), k_.size()); }

  [[nodiscard]] bool Verifies(const SignedText& what) const override {
    const OpensslErrorScope errors;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), k_.data(), static_cast<int>(k_.size()), UnsignedBytes(what.text),
             what.text.size(), digest.data(), &size) == nullptr) {
      return false;
    }
    return what.signature.size() == size &&
           CRYPTO_memcmp(digest.data(), what.signature.data(), size) == 0;
  }
  [[nodiscard]] std::string_view algorithm() const override { return "HS256"; }

 private:
  std::string k_;
};

class PublicKey : public VerificationKey {
 public:
  explicit PublicKey(EvpKey key) : key_(std::move(key)) {}

 protected:
  // `signature` as OpenSSL takes it; `digest` is null where the algorithm has its own.
  [[nodiscard]] bool VerifiesBy(const EVP_MD* digest, const SignedText& what) const {
    const OpensslErrorScope errors;
    const DigestContext context(EVP_MD_CTX_new());
    return context != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), UnsignedBytes(what.signature), what.signature.size(),
                            UnsignedBytes(what.text), what.text.size()) == 1;
  }

 private:
  const EvpKey key_;
};

class RsaKey final : public PublicKey {
 public:
  using PublicKey::PublicKey;
  // The padding is PKCS #1 v1.5 unless another is asked for.
  [[nodiscard]] bool Verifies(const SignedText& what) const override {
    return VerifiesBy(EVP_sha256(), what);
  }
  [[nodiscard]] std::string_view algorithm() const override { return "RS256"; }
};

class EcKey final : public PublicKey {
 public:
  using PublicKey::PublicKey;
  // RFC 7518 has r and s side by side, OpenSSL takes them in DER.
  [[nodiscard]] bool Verifies(const SignedText& what) const override {
    if (what.signature.size() != 2 * kCoordinateBytes) return false;
    const OpensslErrorScope errors;
    BigNumber r = BigNumberOf(what.signature.substr(0, kCoordinateBytes));
    BigNumber s = BigNumberOf(what.signature.substr(kCoordinateBytes));
    const EcSignature pair(ECDSA_SIG_new());
    if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return false;
    // The pair owns them now.
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return false;
    const std::string signature(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return VerifiesBy(EVP_sha256(), {.text = what.text, .signature = signature});
  }
  [[nodiscard]] std::string_view algorithm() const override { return "ES256"; }
};

class Ed25519Key final : public PublicKey {
 public:
  using PublicKey::PublicKey;
  [[nodiscard]] bool Verifies(const SignedText& what) const override {
    return VerifiesBy(nullptr, what);
  }
  [[nodiscard]] std::string_view algorithm() const override { return "EdDSA"; }
};

// None where OpenSSL finds that the parts make no key.
EvpKey EvpKeyFrom(const char* type, const Params& params) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return EvpKey(key);
}

Status CheckCoordinate(const char* name, const std::string& bytes) {
  if (bytes.size() == kCoordinateBytes) return OkStatus();
  return InvalidArgument(std::string(name) + ": must have 32 bytes, has " +
                         std::to_string(bytes.size()));
}

}  // namespace

StatusOr<KeyPointer> MakeHmacKey(std::string k) {
  if (k.size() < kHmacKeyBytesMin) {
    return InvalidArgument("k: must have at least 32 bytes, has " + std::to_string(k.size()));
  }
  return std::make_unique<HmacKey>(std::move(k));
}

StatusOr<KeyPointer> MakeRsaKey(const RsaPublicKey& parts) {
  const OpensslErrorScope errors;
  const BigNumber n = BigNumberOf(parts.n);
  const BigNumber e = BigNumberOf(parts.e);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder) return InvalidArgument("n: is not usable");
  if (const int bits = BN_num_bits(n.get()); bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return InvalidArgument("n: must have 2048 to 8192 bits, has " + std::to_string(bits));
  }
  if (!BN_is_odd(n.get())) return InvalidArgument("n: must be odd");
  if (const int bits = BN_num_bits(e.get());
      bits < kRsaExponentBitsMin || bits > kRsaExponentBitsMax || !BN_is_odd(e.get())) {
    return InvalidArgument("e: must be odd, from 3 to 4294967295");
  }
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  EvpKey key = EvpKeyFrom("RSA", Params(OSSL_PARAM_BLD_to_param(builder.get())));
  if (!key) return InvalidArgument("n: is no RSA key");
  return std::make_unique<RsaKey>(std::move(key));
}

StatusOr<KeyPointer> MakeEcKey(const EcPublicKey& parts) {
  if (Status status = CheckCoordinate("x", parts.x); !status.ok()) return status;
  if (Status status = CheckCoordinate("y", parts.y); !status.ok()) return status;
  const OpensslErrorScope errors;
  const std::string point = '\x04' + parts.x + parts.y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder) return InvalidArgument("x: is not usable");
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  EvpKey key = EvpKeyFrom("EC", Params(OSSL_PARAM_BLD_to_param(builder.get())));
  const KeyContext context(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return InvalidArgument("x: is with y no point on P-256");
  }
  return std::make_unique<EcKey>(std::move(key));
}

StatusOr<KeyPointer> MakeEd25519Key(const std::string& x) {
  if (Status status = CheckCoordinate("x", x); !status.ok()) return status;
  const OpensslErrorScope errors;
  EvpKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, UnsignedBytes(x), x.size()));
  if (!key) return InvalidArgument("x: is no Ed25519 key");
  return std::make_unique<Ed25519Key>(std::move(key));
}

}  // namespace ackwire
