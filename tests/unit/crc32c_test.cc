#include "store/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "store/rng.h"

namespace ackwire {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, IsThatOfTheStandard) {
  std::string rising;
  for (char i = 0; i < 32; ++i) rising.push_back(i);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(ExtendCrc32c(0, rising), 0x46DD794EU);
  EXPECT_EQ(ExtendCrc32c(0, "123456789"), 0xE3069283U);
  EXPECT_EQ(ExtendCrc32c(0, ""), 0U);
}

TEST(Crc32c, IsTheSameInPieces) {
  const std::string all = "a message of some length, cut in two at every place";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    EXPECT_EQ(ExtendCrc32c(ExtendCrc32c(0, all.substr(0, cut)), all.substr(cut)),
              ExtendCrc32c(0, all));
  }
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  Rng rng(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(rng.Next());
    const auto before = static_cast<std::uint32_t>(rng.Next());
    EXPECT_EQ(ExtendCrc32c(before, bytes), ExtendCrc32cByTable(before, bytes)) << size << " bytes";
  }
}

}  // namespace
}  // namespace ackwire
