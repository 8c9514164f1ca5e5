// A store of which a test says when it is trimmed.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/iterator.h>

#include <map>
#include <string>
#include <vector>

#include "store/eraser.h"
#include "store/forgetter.h"
#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/trimmer.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {

inline constexpr Duration kAge{1000};

class TrimmerTest : public testing::Test {
 protected:
  TrimmerTest() {
    for (const char* client : {"alice", "bob"}) store_.Subscribe(client, "room");
    for (int i = 0; i < 6; ++i) store_.Publish("room", "hello");
    room_ = store_.IdOf("room");
  }

  // All that there is is folded, handed over and old; what is done next is new.
  void GrowOld() {
    store_.FoldNow();
    const OutboxPoint end{store_.derived().last_position(), store_.derived().last_number()};
    ASSERT_TRUE(OutboxRows(store_.database(), store_.log()).Trim(end).ok());
    store_.clock().Advance(2 * kAge);
  }
  // The newest records stay in any case.
  void Newest(int records = 3) {
    for (int i = 0; i < records; ++i) store_.Record({events::SessionOpened("carol")});
  }
  Trimmed Trim(JournalRetention keeps = {.age = kAge, .bytes = {}}) {
    Trimmer trimmer({store_.database(), store_.derived(), store_.ledger()}, keeps);
    Trimmed all;
    do {
      const StatusOr<Trimmed> step = trimmer.Step(store_.clock().Now());
      EXPECT_TRUE(step.ok()) << step.status();
      if (!step.ok()) break;
      all.records += step->records;
      all.more = step->more;
      all.held_by = step->held_by;
    } while (all.more);
    return all;
  }
  void TrimAll() {
    GrowOld();
    Newest();
    GrowOld();
    ASSERT_GT(Trim().records, 0U);
  }
  std::vector<std::uint64_t> Journal() {
    std::vector<std::uint64_t> numbers;
    const auto row = store_.database().NewIterator(Family::kJournal, {});
    for (; row->Valid(); row->Next()) {
      numbers.push_back(keys::ParseJournal(row->key().ToStringView())->value);
    }
    return numbers;
  }
  std::map<std::string, std::string> RowsOf(Family family) {
    std::map<std::string, std::string> rows;
    const auto row = store_.database().NewIterator(family, {});
    for (; row->Valid(); row->Next()) rows[row->key().ToString()] = row->value().ToString();
    return rows;
  }
  std::vector<std::string> DifferencesAndOpen() {
    std::vector<std::string> differences = store_.Differences();
    store_.Reopen();
    return differences;
  }

  int NamesIn(Family family) {
    int names = 0;
    for (const auto& [key, value] : RowsOf(family)) {
      names += (key + value).find("alice") != std::string::npos ? 1 : 0;
    }
    return names;
  }
  void Forget() {
    store_.Unsubscribe("alice", "room");
    store_.Record({events::Forgotten("alice")});
  }
  void DropRows() { ASSERT_TRUE(Forgetter(store_.database()).DropRows().value()); }
  void EraseJournal() {
    Forgetter forgetter(store_.database());
    Eraser eraser(store_.database(), forgetter);
    ASSERT_TRUE(eraser.Step().ok());
  }
  void ExpectNoNames() {
    for (std::size_t i = 0; i < kFamilies; ++i) {
      const auto family = static_cast<Family>(i);
      EXPECT_EQ(NamesIn(family), 0) << NameOf(family);
    }
  }

  // All of it, and the log is whole before and after she is erased.
  void ForgetForGood() {
    Forget();
    store_.FoldNow();
    EXPECT_THAT(DifferencesAndOpen(), testing::IsEmpty());
    DropRows();
    EraseJournal();
    ExpectNoNames();
    EXPECT_THAT(DifferencesAndOpen(), testing::IsEmpty());
  }

  TestStore store_;
  ChannelId room_;
};

}  // namespace ackwire
