#include "tools/ackwired/steps.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace ackwire {
namespace {

// A read pool that runs a job when a test says so.
struct FakePool {
  void Read(std::function<void()> job) { jobs.push_back(std::move(job)); }
  void RunOne() {
    const auto job = std::move(jobs.front());
    jobs.pop_front();
    job();
  }
  std::deque<std::function<void()>> jobs;
};

class StepsTest : public testing::Test {
 protected:
  // Ends with `last`.
  void Run(int steps, StatusOr<bool> last = true) {
    RunSteps(pool_, {.step = [this, steps, last]() -> StatusOr<bool> {
                       return ++taken_ == steps ? last : false;
                     },
                     .wanted = [this] { return wanted_; },
                     .done = [this](const Status& status) { done_ = status; }});
  }

  FakePool pool_;
  bool wanted_ = true;
  int taken_ = 0;
  std::optional<Status> done_;
};

TEST_F(StepsTest, AreAJobEachAndLetOthersComeBetween) {
  Run(3);
  for (int step = 1; step <= 3; ++step) {
    ASSERT_EQ(pool_.jobs.size(), 1U);
    EXPECT_EQ(taken_, step - 1);
    EXPECT_FALSE(done_);
    pool_.RunOne();
  }
  EXPECT_EQ(taken_, 3);
  EXPECT_EQ(done_, OkStatus());
  EXPECT_TRUE(pool_.jobs.empty());
}

TEST_F(StepsTest, EndOnceNobodyWaits) {
  Run(3);
  pool_.RunOne();
  wanted_ = false;
  pool_.RunOne();
  EXPECT_EQ(taken_, 1);
  ASSERT_TRUE(done_);
  EXPECT_EQ(done_->code(), StatusCode::kCancelled);
  EXPECT_TRUE(pool_.jobs.empty());
}

TEST_F(StepsTest, EndWithAnError) {
  Run(2, Error(StatusCode::kDataLoss, "damaged"));
  pool_.RunOne();
  pool_.RunOne();
  EXPECT_EQ(done_, Error(StatusCode::kDataLoss, "damaged"));
  EXPECT_TRUE(pool_.jobs.empty());
}

}  // namespace
}  // namespace ackwire
