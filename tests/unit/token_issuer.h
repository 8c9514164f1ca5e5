// Issues tokens, signed by the keys of the RFCs' examples, whose private parts everybody knows.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ackwire {

[[nodiscard]] std::string EncodeBase64Url(std::string_view bytes);

class TokenIssuer {
 public:
  [[nodiscard]] static const TokenIssuer& Hs256();  // RFC 7515, A.1
  [[nodiscard]] static const TokenIssuer& Rs256();  // A.2
  [[nodiscard]] static const TokenIssuer& Es256();  // A.3
  [[nodiscard]] static const TokenIssuer& EdDsa();  // RFC 8037, A
  [[nodiscard]] static std::vector<const TokenIssuer*> All();

  // Its `kid` is `alg` in lower case.
  [[nodiscard]] std::string Issue(std::string_view payload) const;
  struct Words {
    std::string_view header;
    std::string_view payload;
  };
  [[nodiscard]] std::string Issue(const Words& words) const;
  // Over whatever text, as bytes.
  [[nodiscard]] std::string Sign(std::string_view text) const { return sign_(text); }

  [[nodiscard]] const std::string& alg() const { return alg_; }
  [[nodiscard]] std::string kid() const;
  [[nodiscard]] std::string jwk() const;  // the public key, with its `kid`
  [[nodiscard]] const std::string& nameless_jwk() const { return jwk_; }

 private:
  using Signer = std::function<std::string(std::string_view text)>;
  TokenIssuer(std::string alg, std::string jwk, Signer sign);

  const std::string alg_;
  const std::string jwk_;
  const Signer sign_;
};

// `{"keys":[…]}`
[[nodiscard]] std::string JwkSetOf(const std::vector<std::string>& jwks);
// With the keys of all issuers.
[[nodiscard]] std::string JwkSetOfAll();

}  // namespace ackwire
