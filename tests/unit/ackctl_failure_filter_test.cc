#include <gtest/gtest.h>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/failure_filter.h"

namespace ackwire::ctl {
namespace {

std::string RefusalOf(const FailureFilterOptions& options) {
  try {
    FilterOf(options);
  } catch (const CommandError& error) {
    return error.status() == ExitStatus::kUsage ? error.what() : "no usage error";
  }
  return "taken";
}

TEST(FilterOf, RefusesTimesThatNothingLiesBetween) {
  const std::string noon = "2026-11-22T12:00:00Z";
  const std::string later = "2026-11-22T12:00:00.001Z";
  EXPECT_EQ(RefusalOf({.since = noon, .until = later}), "taken");
  EXPECT_EQ(RefusalOf({.since = noon, .until = noon}),
            "--until: 2026-11-22T12:00:00.000Z is not after --since, 2026-11-22T12:00:00.000Z: "
            "nothing lies between");
  EXPECT_NE(RefusalOf({.since = "-1h", .until = "-2h"}), "taken");
}

TEST(FilterOf, RefusesReasonsThatNoFailureHas) {
  EXPECT_EQ(RefusalOf({.reasons = {"nack", "recalled", "redacted"}}), "taken");
  for (const char* reason : {"client_offline", "before_subscription", "unspecified", "bad luck"}) {
    const std::string refusal = RefusalOf({.reasons = {reason}});
    EXPECT_TRUE(refusal.starts_with(std::string("--reason: \"") + reason + "\" is no reason"));
    EXPECT_NE(refusal.find("there are ack_timeout, nack, "), std::string::npos) << refusal;
    EXPECT_EQ(refusal.find(", client_paused"), std::string::npos) << refusal;
  }
}

}  // namespace
}  // namespace ackwire::ctl
