#include "tests/faults/damaged_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "store/check.h"

namespace ackwire {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<FileKind> KindOf(const std::string& path,
                               const std::map<std::string, std::string>& family_of) {
  const std::string name = std::filesystem::path(path).filename();
  if (path == "watermark") return FileKind::kWatermark;
  if (path == "format") return FileKind::kOther;
  if (!path.starts_with("db/")) return std::nullopt;
  if (name.ends_with(".log")) return FileKind::kWal;
  if (name == "CURRENT") return FileKind::kCurrent;
  if (name.starts_with("MANIFEST-")) return FileKind::kManifest;
  if (name == "IDENTITY" || name.starts_with("OPTIONS-")) return FileKind::kOther;
  const auto family = family_of.find(name);
  if (family == family_of.end()) return std::nullopt;
  if (family->second == "log") return FileKind::kLog;
  return family->second == "journal" ? FileKind::kJournal : FileKind::kDerived;
}

std::string FlipBit(std::string& content, Rng& rng) {
  std::size_t at = 0;
  do {
    at = rng.Next() % content.size();
  } while (content[at] == '\0');
  const std::uint64_t bit = rng.Next() % 8;
  content[at] = static_cast<char>(static_cast<unsigned char>(content[at]) ^ (1U << bit));
  return "bit " + std::to_string(bit) + " of byte " + std::to_string(at);
}

}  // namespace

const char* NameOf(FileKind kind) {
  constexpr const char* kNames[kFileKinds] = {
      "WAL",      "SST of log", "SST of journal", "SST of derived rows",
      "MANIFEST", "CURRENT",    "watermark",      "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* NameOf(DamageKind kind) {
  constexpr const char* kNames[kDamageKinds] = {"bit flip", "truncation", "deletion"};
  return kNames[static_cast<std::size_t>(kind)];
}

Files ReadFiles(const std::filesystem::path& directory) {
  Files files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = std::filesystem::relative(file.path(), directory);
    files[path] = file.is_regular_file() ? ReadFile(file.path()) : "directory";
  }
  return files;
}

std::optional<Damage> DamageFile(const std::filesystem::path& directory,
                                 const std::map<std::string, std::string>& family_of, FileKind file,
                                 DamageKind damage, Rng& rng) {
  std::vector<std::string> paths;
  for (const auto& [path, content] : ReadFiles(directory)) {
    const bool something = content.find_first_not_of('\0') != std::string::npos;
    if (something && KindOf(path, family_of) == file) paths.push_back(path);
  }
  if (paths.empty()) return std::nullopt;
  Damage done{.file = file, .damage = damage, .path = paths[rng.Next() % paths.size()]};
  const std::filesystem::path path = directory / done.path;
  std::string content = ReadFile(path);
  switch (damage) {
    case DamageKind::kBitFlip:
      done.what = FlipBit(content, rng);
      break;
    case DamageKind::kTruncation:
      // Half of them near the end: what a list or a log says last.
      done.what = std::to_string(content.size());
      content.resize(rng.Next() % 2 == 0
                         ? rng.Next() % content.size()
                         : content.size() - 1 -
                               rng.Next() % std::min<std::size_t>(content.size(), 400));
      done.what += " bytes to " + std::to_string(content.size());
      break;
    case DamageKind::kDeletion:
      std::filesystem::remove(path);
      return done;
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  CHECK(out.good(), "the damaged file can be written");
  return done;
}

}  // namespace ackwire
