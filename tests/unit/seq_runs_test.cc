#include "store/seq_runs.h"

#include <gmock/gmock.h>
#include <google/protobuf/repeated_field.h>
#include <gtest/gtest.h>

#include <iterator>
#include <set>

#include "store/rng.h"
#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SeqRuns Of(const std::vector<SeqRun>& runs) {
  SeqRuns out;
  for (const SeqRun& run : runs) out.Add(run);
  return out;
}

TEST(SeqRuns, StayInOrderWhateverIsAdded) {
  constexpr std::uint64_t kMax = UINT64_MAX;
  SeqRuns runs;
  runs.Add(RunOf(5, 3));
  EXPECT_TRUE(runs.empty());
  runs.Add(RunOf(kMax - 1, kMax));
  runs.Add(RunOf(0, 0));
  runs.Add(RunOf(1, 2));
  runs.Add(RunOf(kMax - 3, kMax - 2));
  EXPECT_THAT(runs.runs(), ElementsAre(RunOf(0, 2), RunOf(kMax - 3, kMax)));
  EXPECT_EQ(runs.count(), 7U);
  EXPECT_EQ(runs.Remove(RunOf(2, 1)), 0U);
  EXPECT_EQ(runs.count(), 7U);
}

TEST(SeqRuns, KnowsWhatTwoHaveInCommon) {
  const SeqRuns a = Of({RunOf(1, 5), RunOf(8, 12), RunOf(20, 20)});
  const SeqRuns b = Of({RunOf(3, 9), RunOf(11, 30)});
  const std::vector<SeqRun> both = {RunOf(3, 5), RunOf(8, 9), RunOf(11, 12), RunOf(20, 20)};
  EXPECT_EQ(Common(a, b).runs(), both);
  EXPECT_EQ(Common(b, a).runs(), both);
  EXPECT_THAT(Common(a, {}).runs(), IsEmpty());
}

TEST(SeqRuns, JoinsWhatTouches) {
  EXPECT_THAT(Of({RunOf(1, 3), RunOf(4, 5)}).runs(), ElementsAre(RunOf(1, 5)));
  EXPECT_THAT(Of({RunOf(4, 5), RunOf(1, 3)}).runs(), ElementsAre(RunOf(1, 5)));
  EXPECT_THAT(Of({RunOf(1, 2), RunOf(6, 7), RunOf(3, 5)}).runs(), ElementsAre(RunOf(1, 7)));
}

TEST(SeqRuns, KeepsApartWhatDoesNotTouch) {
  EXPECT_THAT(Of({RunOf(5, 6), RunOf(1, 3), RunOf(9, 9)}).runs(),
              ElementsAre(RunOf(1, 3), RunOf(5, 6), RunOf(9, 9)));
}

TEST(SeqRuns, CountsEachSeqOnce) {
  EXPECT_EQ(Of({RunOf(1, 4), RunOf(3, 6), RunOf(2, 2)}).count(), 6U);
  EXPECT_EQ(Of({RunOf(1, 1), RunOf(3, 3), RunOf(5, 5), RunOf(1, 6)}).count(), 6U);
  EXPECT_EQ(SeqRuns().count(), 0U);
}

TEST(SeqRuns, TakesARunOnlyFromItsFirstSeq) {
  SeqRuns runs = Of({RunOf(2, 4), RunOf(7, 8)});
  EXPECT_EQ(runs.TakeRunFrom({1}), Seq{0});
  EXPECT_EQ(runs.TakeRunFrom({3}), Seq{2});
  EXPECT_EQ(runs.TakeRunFrom({2}), Seq{4});
  EXPECT_THAT(runs.runs(), ElementsAre(RunOf(7, 8)));
  EXPECT_EQ(runs.count(), 2U);
}

TEST(SeqRuns, DropsUpToASeqInTheMiddleOfARun) {
  SeqRuns runs = Of({RunOf(1, 2), RunOf(4, 8)});
  runs.DropUpTo({5});
  EXPECT_THAT(runs.runs(), ElementsAre(RunOf(6, 8)));
  EXPECT_EQ(runs.count(), 3U);
  runs.DropUpTo({8});
  EXPECT_THAT(runs.runs(), IsEmpty());
  EXPECT_EQ(runs.count(), 0U);
}

TEST(SeqRuns, FindsTheFirstMissingSeq) {
  const SeqRuns runs = Of({RunOf(2, 4), RunOf(6, 6)});
  EXPECT_EQ(runs.FirstMissing({1}), Seq{1});
  EXPECT_EQ(runs.FirstMissing({2}), Seq{5});
  EXPECT_EQ(runs.FirstMissing({4}), Seq{5});
  EXPECT_EQ(runs.FirstMissing({6}), Seq{7});
  EXPECT_EQ(runs.FirstMissing({9}), Seq{9});
}

// What must hold of the runs, whatever the set.
void ExpectSameAs(const std::set<std::uint64_t>& model, const SeqRuns& runs, std::uint64_t max) {
  ASSERT_EQ(runs.count(), model.size());
  ASSERT_EQ(runs.empty(), model.empty());
  for (std::uint64_t seq = 1; seq <= max; ++seq) {
    ASSERT_EQ(runs.Contains({seq}), model.contains(seq)) << seq;
    std::uint64_t missing = seq;
    while (model.contains(missing)) ++missing;
    ASSERT_EQ(runs.FirstMissing({seq}), Seq{missing});
  }
  for (std::size_t i = 0; i < runs.runs().size(); ++i) {
    ASSERT_LE(runs.runs()[i].first, runs.runs()[i].last);
    if (i == 0) continue;
    ASSERT_LT(runs.runs()[i - 1].last.value + 1, runs.runs()[i].first.value) << "adjacent runs";
  }
}

std::uint64_t TakeFromModel(std::set<std::uint64_t>& model, std::uint64_t first) {
  if (!model.contains(first) || model.contains(first - 1)) return first - 1;
  while (model.erase(first) != 0) ++first;
  return first - 1;
}

TEST(SeqRuns, AgreesWithASetOverRandomOperations) {
  constexpr std::uint64_t kMax = 60;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed);
    std::set<std::uint64_t> model;
    SeqRuns runs;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t first = 1 + rng.Next() % kMax;
      const std::uint64_t last = std::min(kMax, first + rng.Next() % 6);
      switch (rng.Next() % 8) {
        case 0:
          ASSERT_EQ(runs.TakeRunFrom({first}), Seq{TakeFromModel(model, first)});
          break;
        case 1:
          runs.DropUpTo({first / 4});
          model.erase(model.begin(), model.upper_bound(first / 4));
          break;
        case 2: {
          const std::size_t before = model.size();
          model.erase(model.lower_bound(first), model.upper_bound(last));
          ASSERT_EQ(runs.Remove(RunOf(first, last)), before - model.size());
          break;
        }
        default:
          runs.Add(RunOf(first, last));
          for (std::uint64_t seq = first; seq <= last; ++seq) model.insert(seq);
      }
      ASSERT_NO_FATAL_FAILURE(ExpectSameAs(model, runs, kMax + 1));
      google::protobuf::RepeatedField<std::uint64_t> packed;
      PackRuns(runs, packed);
      ASSERT_EQ(UnpackRuns(packed).runs(), runs.runs());
    }
  }
}

}  // namespace
}  // namespace ackwire
