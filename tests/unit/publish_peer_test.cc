#include <gtest/gtest.h>

#include "tools/ackwired/publish.h"

namespace ackwire {
namespace {

TEST(PublishPeer, IsTheAddressWithoutSchemeAndPort) {
  EXPECT_EQ(AddressOfPeer("ipv4:127.0.0.1:50051"), "127.0.0.1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B::1%5D:50051"), "::1");
  EXPECT_EQ(AddressOfPeer("ipv6:[2001:db8::1]:50051"), "2001:db8::1");
  EXPECT_EQ(AddressOfPeer("unix:"), "unix:");
  EXPECT_EQ(AddressOfPeer(""), "");
}

}  // namespace
}  // namespace ackwire
