#include "delivery/base64url.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

TEST(Base64Url, DecodesTheVectorsOfRfc4648WithoutPadding) {
  EXPECT_EQ(DecodeBase64Url(""), "");
  EXPECT_EQ(DecodeBase64Url("Zg"), "f");
  EXPECT_EQ(DecodeBase64Url("Zm8"), "fo");
  EXPECT_EQ(DecodeBase64Url("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64Url("Zm9vYg"), "foob");
  EXPECT_EQ(DecodeBase64Url("Zm9vYmE"), "fooba");
  EXPECT_EQ(DecodeBase64Url("Zm9vYmFy"), "foobar");
}

TEST(Base64Url, DecodesTheExampleOfRfc7515) {
  EXPECT_EQ(DecodeBase64Url("A-z_4ME"), "\x03\xec\xff\xe0\xc1");
}

TEST(Base64Url, RefusesPadding) {
  EXPECT_EQ(DecodeBase64Url("Zg=="), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm8="), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm9v===="), std::nullopt);
}

TEST(Base64Url, RefusesEveryOtherCharacter) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int c = 0; c < 256; ++c) {
    const std::string text = std::string("Zm9") + static_cast<char>(c);
    EXPECT_EQ(DecodeBase64Url(text).has_value(),
              alphabet.find(static_cast<char>(c)) != std::string_view::npos)
        << c;
  }
}

TEST(Base64Url, RefusesALengthThatNoBytesHave) {
  EXPECT_EQ(DecodeBase64Url("A"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm9vA"), std::nullopt);
}

TEST(Base64Url, RefusesBitsThatBelongToNoByte) {
  EXPECT_EQ(DecodeBase64Url("Zh"), std::nullopt);   // 'f' and 0001
  EXPECT_EQ(DecodeBase64Url("Zv"), std::nullopt);   // 'f' and 1111
  EXPECT_EQ(DecodeBase64Url("Zm9"), std::nullopt);  // "fo" and 01
}

}  // namespace
}  // namespace ackwire
