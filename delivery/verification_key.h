// A VerificationKey says whether a text was signed by the holder of a key. It has one algorithm for
// life, so that no token can have it used by another. OpenSSL does the cryptography.
//
// Threads: any, several at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/status.h"

namespace ackwire {

struct SignedText {
  std::string_view text;
  std::string_view signature;  // its bytes, in the form that RFC 7518 gives them
};

class VerificationKey {
 public:
  virtual ~VerificationKey() = default;
  VerificationKey(const VerificationKey&) = delete;
  VerificationKey& operator=(const VerificationKey&) = delete;

  [[nodiscard]] virtual bool Verifies(const SignedText& what) const = 0;
  // As `alg` spells it.
  [[nodiscard]] virtual std::string_view algorithm() const = 0;

 protected:
  VerificationKey() = default;
};

using KeyPointer = std::unique_ptr<const VerificationKey>;

// Parts of keys, as the bytes that a JWK has in base64url; numbers are big-endian.
struct RsaPublicKey {
  std::string n;
  std::string e;
};
struct EcPublicKey {
  std::string x;
  std::string y;
};

// Each makes a key or returns kInvalidArgument, naming the part that is wrong and never its value.

// HS256; at least 32 bytes.
[[nodiscard]] StatusOr<KeyPointer> MakeHmacKey(std::string k);
// RS256; 2048 to 8192 bits.
[[nodiscard]] StatusOr<KeyPointer> MakeRsaKey(const RsaPublicKey& parts);
// ES256; a point on the curve P-256.
[[nodiscard]] StatusOr<KeyPointer> MakeEcKey(const EcPublicKey& parts);
// EdDSA by Ed25519.
[[nodiscard]] StatusOr<KeyPointer> MakeEd25519Key(const std::string& x);

}  // namespace ackwire
