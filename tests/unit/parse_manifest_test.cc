#include <gtest/gtest.h>

#include "store/backup_manifest.h"
#include "store/record.h"

namespace ackwire {
namespace {

Status ManifestNaming(const std::string& path) {
  store::BackupManifest manifest;
  manifest.add_files()->set_path("db/CURRENT");
  manifest.add_files()->set_path(path);
  return ParseManifest(record::Seal(manifest), "the manifest").status();
}

TEST(ParseManifest, TakesTheFilesOfABackup) {
  EXPECT_TRUE(ManifestNaming("watermark").ok());
  EXPECT_TRUE(ManifestNaming("db/000012.sst").ok());
  EXPECT_TRUE(ManifestNaming("db/..sst").ok());
}

TEST(ParseManifest, RefusesWhatIsOutsideABackup) {
  for (const std::string path : {"", "lock", "/etc/passwd", "db", "db/", "db/.", "db/..", "db/a/b",
                                 "db/../lock", "../watermark"}) {
    EXPECT_EQ(ManifestNaming(path).code(), StatusCode::kDataLoss) << path;
  }
}

TEST(ParseManifest, RefusesAPathThatTheSystemReadsAsAnother) {
  EXPECT_EQ(ManifestNaming(std::string("db/..\0x", 7)).code(), StatusCode::kDataLoss);
  EXPECT_EQ(ManifestNaming(std::string("db/a\0", 5)).code(), StatusCode::kDataLoss);
}

TEST(ParseManifest, RefusesDamage) {
  EXPECT_EQ(ParseManifest("", "the manifest").status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace ackwire
