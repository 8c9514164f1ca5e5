#include "tools/ackwired/failure_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class FailureViewTest : public testing::Test {
 protected:
  FailureViewTest() {
    for (std::uint64_t i = 0; i < kMessages; ++i) store_.Publish("c", "x");
    channel_ = store_.IdOf("c");
    store_.Subscribe("alice", "c", {.kind = StartAt::Kind::kFirst});
  }

  // Each of them fails, one after another; all but the open ones are acknowledged.
  void FailAll(std::size_t rounds, const std::vector<std::uint64_t>& open) {
    std::vector<store::Event> failed;
    std::vector<store::Event> settled;
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::uint64_t seq = 1; seq <= kMessages; ++seq) {
        failed.push_back(events::Failed("alice", channel_, RunOf(seq, seq)));
      }
    }
    for (std::uint64_t seq = 1; seq <= kMessages; ++seq) {
      if (std::find(open.begin(), open.end(), seq) == open.end()) {
        settled.push_back(events::Acked("alice", channel_, {RunOf(seq, seq)}));
      } else {
        settled.push_back(events::Parked("alice", channel_, {seq}));
      }
    }
    store_.Record(std::move(failed));
    store_.Record(std::move(settled));
  }

  // The first seqs of all that is listed, and how many pages that took.
  struct Listed {
    std::vector<std::uint64_t> seqs;
    std::size_t pages = 0;
  };
  Listed List(v1::ListFailuresRequest request, std::size_t page_size) {
    Listed listed;
    request.mutable_filter()->set_client("alice");
    request.mutable_filter()->add_reasons(static_cast<v1::Reason>(events::FailedAttempt().reason));
    do {
      const PageQuery page =
          ParsePage(static_cast<std::uint32_t>(page_size), request.page_token()).value();
      const auto response = view_.List(request, page);
      EXPECT_TRUE(response.ok()) << response.status();
      if (!response.ok()) break;
      EXPECT_LE(static_cast<std::size_t>(response->failures_size()), page_size);
      for (const v1::Failure& each : response->failures()) listed.seqs.push_back(each.first_seq());
      ++listed.pages;
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return listed;
  }

  static constexpr std::uint64_t kMessages = 30;
  RunningStore store_;
  ChannelId channel_;
  const FailureView view_{store_.store(), store_.clock()};
};

v1::ListFailuresRequest Open(bool oldest_first) {
  v1::ListFailuresRequest request;
  request.mutable_filter()->set_open_only(true);
  request.set_oldest_first(oldest_first);
  return request;
}

// One commit made them all.
TEST_F(FailureViewTest, ListsWhatIsOpenInPagesThatEndWithinARecord) {
  FailAll(1, {3, 4, 9, 30});
  for (const std::size_t page_size : {1U, 2U, 3U, 4U, 100U}) {
    const Listed oldest = List(Open(true), page_size);
    EXPECT_THAT(oldest.seqs, ElementsAre(3, 4, 9, 30)) << page_size;
    EXPECT_EQ(oldest.pages, (4 + page_size - 1) / page_size) << page_size;
    const Listed newest = List(Open(false), page_size);
    EXPECT_THAT(newest.seqs, ElementsAre(30, 9, 4, 3)) << page_size;
  }
}

// Whoever asks for what is rare gets an answer in bounded time, and the rest by asking on.
TEST_F(FailureViewTest, LooksAtSoManyFailuresForAPageAndNoMore) {
  constexpr std::size_t kRounds = 2 * kOpenLookedAtMax / kMessages + 1;
  FailAll(kRounds, {7});
  const std::vector<std::uint64_t> expected(kRounds, 7);
  for (const bool oldest_first : {true, false}) {
    const Listed listed = List(Open(oldest_first), kPageSizeMax);
    EXPECT_THAT(listed.seqs, ElementsAreArray(expected));
    EXPECT_EQ(listed.pages, 3U);
  }
  EXPECT_THAT(List(Open(true), 1).seqs, ElementsAreArray(expected));
}

TEST_F(FailureViewTest, ListsNothingOpenOnceAllIsAcknowledged) {
  FailAll(3, {});
  EXPECT_THAT(List(Open(false), 10).seqs, IsEmpty());
}

// What is read of the ledger at once for neighbours is told of each by itself.
TEST_F(FailureViewTest, TellsOfEachFailureWhatHasBecomeOfItsOwnSeqs) {
  store_.Record({events::Failed("alice", channel_, RunOf(1, 4)),
                 events::Failed("alice", channel_, RunOf(3, 6)),
                 events::Failed("alice", channel_, RunOf(7, 7))});
  store_.Record({events::Acked("alice", channel_, {RunOf(1, 3)}),
                 events::Parked("alice", channel_, {4}), events::Parked("alice", channel_, {7})});
  v1::ListFailuresRequest request;
  request.set_oldest_first(true);
  const auto response = view_.List(request, {.size = 3});
  ASSERT_TRUE(response.ok()) << response.status();
  std::vector<std::string> now;
  for (const v1::Failure& failure : response->failures()) {
    std::string& line = now.emplace_back(std::to_string(failure.first_seq()) + ":");
    for (const v1::StateCount& each : failure.now()) {
      line += " " + v1::DeliveryState_Name(each.state()).substr(15) + " " +
              std::to_string(each.count());
    }
  }
  // The next attempt of what had failed is due long since.
  EXPECT_THAT(now,
              ElementsAre("1: ACKED 3 PARKED 1", "3: PENDING 2 ACKED 1 PARKED 1", "7: PARKED 1"));
}

}  // namespace
}  // namespace ackwire
