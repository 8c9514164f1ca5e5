#include "tools/ackwired/key_file.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "delivery/jwk_set.h"
#include "delivery/text_file.h"

namespace ackwire {
namespace {

constexpr char kFlag[] = "--jwt-keys";

}  // namespace

StatusOr<std::shared_ptr<const JwkSet>> ReadKeyFile(const std::filesystem::path& file) {
  const StatusOr<std::string> text = ReadTextFile(file, kFlag);
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
