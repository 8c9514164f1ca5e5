#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <variant>

namespace ackwire::ctl {

// One line of a file to import.
struct ImportMessage {
  std::string room;
  std::string at;
  std::string sender;
  std::string text;
};

// What is wrong with a line.
struct BadLine {
  std::string problem;
};

std::variant<ImportMessage, BadLine> ParseImportLine(const std::string& line);

// Reads a file of JSON Lines; lines of nothing but blanks are passed over. A
// file is read twice, to check it and to send it, and never held as a whole.
class ImportFile {
 public:
  // Throws CommandError when the file cannot be opened.
  explicit ImportFile(const std::string& path);

  // False at the end of the file.
  bool Next(std::variant<ImportMessage, BadLine>& line);

  // Of the line that Next gave last; from 1.
  std::uint64_t line_number() const { return line_number_; }

 private:
  const std::string path_;
  std::ifstream file_;
  std::uint64_t line_number_ = 0;
};

}  // namespace ackwire::ctl
