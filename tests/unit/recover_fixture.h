// A log that is damaged, recovered, and then verified.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/recover.h"
#include "store/startup_check.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {

class RecoverTest : public testing::Test {
 protected:
  std::filesystem::path data() const { return store_.directory() / "data"; }

  // Three rooms' messages at positions 1 to 9; alice owes herself something of the first.
  void Play() {
    store_.Subscribe("alice", "room/1");
    store_.Record({events::SessionOpened("alice")});
    for (const char* channel : {"room/1", "room/2", "room/1", "room/1", "room/3", "room/2",
                                "room/1", "room/3", "room/1"}) {
      store_.Publish(channel, "payload " + std::to_string(++published_));
    }
    store_.Ack("alice", "room/1", {{1}, {2}});
  }

  // All of it, so that the write-ahead log is of no more use.
  void Flush() {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    for (std::size_t i = 0; i < kFamilies; ++i) {
      handles.push_back(store_.database().handle(static_cast<Family>(i)));
    }
    ASSERT_TRUE(store_.database().rocks().Flush({}, handles).ok());
  }

  // Accepts the loss; the store is open again afterwards.
  RecoveryReport Recover() {
    store_.Close();
    RecoveryReport report;
    {
      const auto directory = DataDirectory::OpenExisting(data());
      EXPECT_TRUE(directory.ok()) << directory.status();
      const auto recovery = Recovery::Prepare(
          **directory, {.clock = store_.clock(), .seed = ++seed_, .boot_id = "boot"});
      if (!recovery.ok()) throw std::runtime_error(recovery.status().ToString());
      report = (*recovery)->report();
      EXPECT_TRUE((*recovery)->Accept("{}\n").ok());
      store_.clock().Advance(std::chrono::seconds(5));  // the next one has another name
    }
    ExpectWhole();
    store_.Reopen();
    EXPECT_EQ(store_.database().epoch(), report.epoch);
    ExpectTotalsCount();
    return report;
  }

  void ExpectWhole() {
    {
      const auto directory = DataDirectory::OpenExisting(data());
      ASSERT_TRUE(directory.ok()) << directory.status();
      EXPECT_EQ(CheckDirectory(**directory, "boot").status(), OkStatus());
    }
    for (const std::string& each : store_.Differences()) ADD_FAILURE() << each;
  }

  void ExpectTotalsCount() {
    const Totals counted = store_.CountTotals();
    EXPECT_EQ(store_.totals().undelivered, counted.undelivered);
    EXPECT_EQ(store_.totals().parked, counted.parked);
    EXPECT_EQ(store_.totals().clients, counted.clients);
  }

  std::vector<std::filesystem::path> Files(const std::string& extension) const {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(data() / "db")) {
      if (file.path().extension() == extension) files.push_back(file.path());
    }
    return files;
  }

  // Flips bits where `needle` is in a file.
  static bool Damage(const std::filesystem::path& path, const std::string& needle) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::size_t at = bytes.find(needle);
    if (at == std::string::npos) return false;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    std::ofstream(path, std::ios::binary) << bytes;
    return true;
  }

  TestStore store_;
  int published_ = 0;
  std::uint64_t seed_ = 100;
};

}  // namespace ackwire
