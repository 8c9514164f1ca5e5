// JwkSet is the keys that tokens may be signed with: a JWK set (RFC 7517) that took all of its
// checks when it was read. Keys it has no use for (another type, curve or algorithm, for
// encryption, for signing only) are skipped, as the RFC asks.
//
// Threads: any; it does not change.
// Bounds:  kJwkSetBytesMax of text, kJwksMax keys.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/verification_key.h"
#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kJwkSetBytesMax = 1024 * 1024;
inline constexpr std::size_t kJwksMax = 100;
inline constexpr std::size_t kKeyIdBytesMax = 255;

class JwkSet {
 public:
  // Private parts are refused, as the server has no use for what could sign in its issuer's name.
  //   kInvalidArgument  names the key by its index, and the field; never a value. Also when no key
  //                     is left, when two have one kid, and when one of several has none
  [[nodiscard]] static StatusOr<std::shared_ptr<const JwkSet>> Parse(std::string_view text);

  // The key that a token means: by `kid`, or, when it gives none, the only key there is. Its
  // algorithm has no say in it. Null when there is none.
  [[nodiscard]] const VerificationKey* Find(const std::optional<std::string>& kid) const;

  // Of what was skipped: which key, and why.
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Entry {
    std::size_t index = 0;  // in the text
    std::optional<std::string> kid;
    KeyPointer key;
  };

  JwkSet() = default;
  [[nodiscard]] Status CheckKeyIds() const;

  std::vector<Entry> keys_;
  std::vector<std::string> skipped_;
};

}  // namespace ackwire
