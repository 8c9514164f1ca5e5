#include "store/record.h"

#include <gtest/gtest.h>

#include "store/records.pb.h"

namespace ackwire::record {
namespace {

StatusCode CodeOf(std::string_view value) { return Open(value, "row 7").status().code(); }

TEST(Record, OpensToWhatWasSealed) {
  for (const std::string& body : {std::string(), std::string("hi"), std::string(100'000, '\xFF')}) {
    const std::string sealed = Seal(body);
    const auto opened = Open(sealed, "row 7");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(std::string(*opened), body);
  }
}

TEST(Record, OpensIntoTheMessageThatWasSealed) {
  store::OutboxRow row;
  row.set_first_position(3);
  row.set_last_position(9);
  store::OutboxRow opened;
  ASSERT_TRUE(OpenInto(Seal(row), "row 7", opened).ok());
  EXPECT_EQ(opened.SerializeAsString(), row.SerializeAsString());
}

// Version 1, then CRC-32C of version and body, low byte first. Frozen: these bytes are on disks.
TEST(Record, IsTheseBytes) {
  EXPECT_EQ(Seal("123456789"), std::string("\x01\xEE\x71\x68\x70"
                                           "123456789",
                                           14));
  store::Run run;
  run.set_first(1);
  run.set_last(300);
  EXPECT_EQ(Seal(run).substr(5), std::string("\x08\x01\x10\xAC\x02", 5));
}

TEST(Record, NoticesEveryFlippedBit) {
  const std::string sealed = Seal("a message");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(CodeOf(damaged), StatusCode::kDataLoss) << "bit " << bit;
  }
}

TEST(Record, NoticesEveryTruncationAndAnAddedByte) {
  const std::string sealed = Seal("a message");
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(CodeOf(sealed.substr(0, size)), StatusCode::kDataLoss) << size << " bytes";
  }
  EXPECT_EQ(CodeOf(sealed + '\0'), StatusCode::kDataLoss);
}

TEST(Record, NamesWhatIsDamaged) {
  EXPECT_EQ(MessageOf(Open("x", "row 7").status()),
            "row 7: the value has 1 bytes, fewer than its header");
  EXPECT_EQ(MessageOf(Open(std::string("\x02\0\0\0\0", 5), "row 7").status()),
            "row 7: unknown record version 2");
  EXPECT_EQ(MessageOf(Open(std::string("\x01\0\0\0\0", 5), "row 7").status()),
            "row 7: checksum differs");
}

TEST(Record, OfAnotherKindIsDataLoss) {
  store::OutboxRow row;
  const Status status = OpenInto(Seal(std::string("\x0F\xFF\xFF", 3)), "row 7", row);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(MessageOf(status), "row 7: not a record of this kind");
}

}  // namespace
}  // namespace ackwire::record
