#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace ackwire::ctl {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;  // numbers stand on the right
};

// Rows under titles, each column as wide as its widest cell. Cells are escaped:
// they may hold what others wrote.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  // As many cells as there are columns; an empty one is shown as "-".
  void AddRow(const std::vector<std::string>& cells);

  // Lines end with \n; none ends with blanks. Titles are bold with `color`.
  std::string Render(bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

// One thing and its properties, a line each: names on the left, values beside
// them. Escaped like a table.
class Facts {
 public:
  void Add(const std::string& name, const std::string& value);
  std::string Render(bool color) const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

// A cell of a stream's line, which has no table: blanks up to the width, and two between columns.
std::string Cell(const std::string& text, Align align, std::size_t width);

// "1 message", "2 messages".
std::string Count(std::size_t number, const std::string& noun);

}  // namespace ackwire::ctl
