// One damage to one file of a data directory that lies on a real disk.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "store/rng.h"

namespace ackwire {

enum class FileKind { kWal, kLog, kJournal, kDerived, kManifest, kCurrent, kWatermark, kOther };
inline constexpr std::size_t kFileKinds = 8;
enum class DamageKind { kBitFlip, kTruncation, kDeletion };
inline constexpr std::size_t kDamageKinds = 3;

[[nodiscard]] const char* NameOf(FileKind kind);
[[nodiscard]] const char* NameOf(DamageKind kind);

// Every file below a directory and its content, by path relative to it.
using Files = std::map<std::string, std::string>;
[[nodiscard]] Files ReadFiles(const std::filesystem::path& directory);

struct Damage {
  FileKind file = FileKind::kOther;
  DamageKind damage = DamageKind::kBitFlip;
  std::string path;  // relative
  std::string what;  // which bit, which size
};

// Damages a file of that kind in that way, which `rng` draws. Table files are told apart by
// `family_of`, the family of each table that is in use, by file name. A bit is flipped in a byte
// that is not zero: what fills up blocks is no target. None when there is no file to do it to.
[[nodiscard]] std::optional<Damage> DamageFile(const std::filesystem::path& directory,
                                               const std::map<std::string, std::string>& family_of,
                                               FileKind file, DamageKind damage, Rng& rng);

}  // namespace ackwire
