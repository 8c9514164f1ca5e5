#include "tools/ackwired/replay_plans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/manual_clock.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

class ReplayPlansTest : public testing::Test {
 protected:
  std::string Keep(std::size_t runs = 1) {
    PlannedReplay planned;
    planned.runs = runs;
    return plans_.Keep(std::move(planned))->plan.plan();
  }
  std::string RefusalOf(const std::string& token) {
    const auto taken = plans_.Take(token);
    if (taken.ok()) return "taken";
    EXPECT_EQ(taken.status().code(), StatusCode::kNotFound);
    return MessageOf(taken.status());
  }

  ManualClock clock_;
  ReplayPlans plans_{clock_, 7};
};

TEST_F(ReplayPlansTest, HoldForAnHour) {
  const std::string one = Keep();
  const std::string other = Keep();
  clock_.Advance(kPlanValid - Duration(1));
  EXPECT_EQ(RefusalOf(one), "taken");
  clock_.Advance(Duration(1));
  EXPECT_THAT(RefusalOf(other),
              HasSubstr("there is no plan " + other + "; plans hold for an hour"));
  EXPECT_THAT(RefusalOf("p-none"), HasSubstr("there is no plan p-none"));
}

TEST_F(ReplayPlansTest, TheOldestOfTooManyGivesWayAndIsToldSo) {
  const std::string oldest = Keep();
  const std::string second = Keep();
  for (std::size_t i = 0; i + 1 < kPlansMax; ++i) (void)Keep();
  EXPECT_THAT(RefusalOf(oldest), HasSubstr("plan: " + oldest + " gave way to newer plans"));
  EXPECT_THAT(RefusalOf(oldest), HasSubstr("at most 64, and 2000000 runs of deliveries in all"));
  EXPECT_EQ(RefusalOf(second), "taken");
  clock_.Advance(kPlanValid);
  EXPECT_THAT(RefusalOf(oldest), HasSubstr("there is no plan"));
}

TEST_F(ReplayPlansTest, ALargeOneGivesWayToOneThatHasNoRoomBesideIt) {
  const std::string large = Keep(kPlanRunsMax - 1);
  const std::string small = Keep(1);
  EXPECT_EQ(RefusalOf(small), "taken");
  const std::string another = Keep(1);
  EXPECT_THAT(RefusalOf(large), HasSubstr("gave way to newer plans"));
  EXPECT_EQ(RefusalOf(another), "taken");
}

}  // namespace
}  // namespace ackwire
