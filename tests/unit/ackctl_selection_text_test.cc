#include <gtest/gtest.h>

#include "tools/ackctl/selection_text.h"

namespace ackwire::ctl {
namespace {

TEST(SelectionText, SaysWhichFailuresWereChosen) {
  v1::ReplaySelection selection;
  v1::FailureFilter& failed = *selection.mutable_failed();
  EXPECT_EQ(SelectionText(selection), "all failed ones");
  failed.set_channel("room/*");
  EXPECT_EQ(SelectionText(selection), "failed ones of channel room/*");
  failed.set_client("alice/phone");
  failed.add_reasons(v1::REASON_NACK);
  failed.add_reasons(v1::REASON_REJECTED);
  failed.mutable_since()->set_seconds(1795338900);
  failed.set_open_only(true);
  EXPECT_EQ(SelectionText(selection),
            "failed ones of client alice/phone, channel room/*, for nack or rejected, "
            "since 2026-11-22T09:15:00.000Z, open ones only");
}

TEST(SelectionText, SaysWhichRangeWasChosen) {
  v1::ReplaySelection selection;
  v1::RangeSelection& range = *selection.mutable_range();
  range.set_channel("room/1");
  EXPECT_EQ(SelectionText(selection), "room/1");
  range.set_client("alice");
  range.set_from_seq(5);
  range.set_to_seq(9);
  range.mutable_until()->set_seconds(1795338900);
  range.set_include_acked(true);
  EXPECT_EQ(SelectionText(selection),
            "room/1 from seq 5 to seq 9, to client alice, before 2026-11-22T09:15:00.000Z, "
            "acknowledged ones too");
}

}  // namespace
}  // namespace ackwire::ctl
