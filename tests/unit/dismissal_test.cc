#include "tools/ackwired/dismissal.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

// What was dismissed stays so, and whoever asked is told how many that were.
TEST(Dismissal, AnErrorSaysHowManyWereDismissedBefore) {
  const Status damaged = Error(StatusCode::kDataLoss, "journal record 7: checksum");
  EXPECT_EQ(WithDismissed(damaged, 12'000),
            Error(StatusCode::kDataLoss,
                  "journal record 7: checksum; until then 12000 deliveries were dismissed, and "
                  "stay so"));
  EXPECT_EQ(MessageOf(WithDismissed(damaged, 1)),
            "journal record 7: checksum; until then 1 delivery was dismissed, and stays so");
  EXPECT_TRUE(IsDiskFull(WithDismissed(DiskFull("no room"), 2)));
}

}  // namespace
}  // namespace ackwire
