#include "tools/ackwired/key_file.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "delivery/jwk_set.h"

namespace ackwire {
namespace {

constexpr char kFlag[] = "--jwt-keys";

StatusOr<std::string> ReadAll(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  // One byte more than is taken, so that a longer file is told from one that fits.
  std::string text(kJwkSetBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof()) {
    return Error(StatusCode::kNotFound,
                 std::string(kFlag) + ": " + file.string() + " cannot be read");
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

StatusOr<std::shared_ptr<const JwkSet>> ReadKeyFile(const std::filesystem::path& file) {
  const StatusOr<std::string> text = ReadAll(file);
  if (!text.ok()) return text.status();
  StatusOr<std::shared_ptr<const JwkSet>> keys = JwkSet::Parse(*text);
  if (!keys.ok()) {
    return Error(keys.status().code(),
                 std::string(kFlag) + ": " + file.string() + ": " + MessageOf(keys.status()));
  }
  for (const std::string& skipped : (*keys)->skipped()) {
    spdlog::warn("{}: {}: {}", kFlag, file.string(), skipped);
  }
  spdlog::info("{} keys from {}: callers need a token signed by one of them", (*keys)->size(),
               file.string());
  return keys;
}

}  // namespace ackwire
