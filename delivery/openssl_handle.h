// What OpenSSL makes and wants given back, and its errors.
#pragma once

#include <openssl/err.h>

#include <memory>

namespace ackwire {

template <auto kFree>
struct OpensslFreer {
  template <typename T>
  void operator()(T* what) const {
    kFree(what);
  }
};
// Owns a T, which kFree gives back.
template <typename T, auto kFree>
using OpensslHandle = std::unique_ptr<T, OpensslFreer<kFree>>;

// OpenSSL leaves errors with the thread, where a TLS connection would take them for its own: those
// that come up while this lives go with it.
struct OpensslErrorScope {
  OpensslErrorScope() { ERR_set_mark(); }
  ~OpensslErrorScope() { ERR_pop_to_mark(); }
  OpensslErrorScope(const OpensslErrorScope&) = delete;
  OpensslErrorScope& operator=(const OpensslErrorScope&) = delete;
};

}  // namespace ackwire
