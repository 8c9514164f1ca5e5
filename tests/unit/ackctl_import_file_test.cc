#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/import_file.h"

namespace ackwire::ctl {
namespace {

std::string ProblemOf(const std::string& line) {
  const auto parsed = ParseImportLine(line);
  const auto* bad = std::get_if<BadLine>(&parsed);
  return bad == nullptr ? "none" : bad->problem;
}

TEST(ParseImportLine, TakesALineOfChat) {
  const auto parsed = ParseImportLine(
      R"({"room":"ubuntu/1","at":"2004-12-25T09:14:00Z","sender":"a|b[]\\^","text":"hi"})");
  const auto* message = std::get_if<ImportMessage>(&parsed);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->room, "ubuntu/1");
  EXPECT_EQ(message->at, "2004-12-25T09:14:00Z");
  EXPECT_EQ(message->sender, "a|b[]\\^");
  EXPECT_EQ(message->text, "hi");
}

TEST(ParseImportLine, SaysWhatIsWrong) {
  EXPECT_TRUE(ProblemOf("{").starts_with("not JSON: "));
  EXPECT_EQ(ProblemOf("[]"), "not a JSON object");
  EXPECT_TRUE(ProblemOf(R"({"room":"r","at":"t","text":"x"})").starts_with("no \"sender\""));
  EXPECT_TRUE(ProblemOf(R"({"room":7,"at":"t","sender":"s","text":"x"})")
                  .starts_with("\"room\" is not a string"));
}

TEST(ImportFile, CountsTheLinesItPassesOver) {
  const auto path = std::filesystem::path(testing::TempDir()) / "ackctl_import_file_test.jsonl";
  std::ofstream(path) << "\n"
                      << R"({"room":"r","at":"t","sender":"s","text":"x"})"
                      << "\n  \nbad";
  ImportFile file(path.string());
  std::variant<ImportMessage, BadLine> line;
  ASSERT_TRUE(file.Next(line));
  EXPECT_EQ(file.line_number(), 2u);
  EXPECT_TRUE(std::holds_alternative<ImportMessage>(line));
  ASSERT_TRUE(file.Next(line));
  EXPECT_EQ(file.line_number(), 4u);
  EXPECT_TRUE(std::holds_alternative<BadLine>(line));
  EXPECT_FALSE(file.Next(line));
  std::filesystem::remove(path);
}

TEST(ImportFile, RefusesWhatIsNoFile) {
  EXPECT_THROW(ImportFile(testing::TempDir()), CommandError);
  EXPECT_THROW(ImportFile(testing::TempDir() + "/ackctl_no_such_file.jsonl"), CommandError);
}

}  // namespace
}  // namespace ackwire::ctl
