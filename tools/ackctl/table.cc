#include "tools/ackctl/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tools/ackctl/text.h"

namespace ackwire::ctl {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";
constexpr const char* kBetweenColumns = "  ";

std::string CellText(const std::string& value) { return value.empty() ? "-" : Escape(value); }

std::string Padded(const std::string& text, Align align, std::size_t width) {
  const std::string blanks(width - DisplayWidth(text), ' ');
  return align == Align::kRight ? blanks + text : text + blanks;
}

std::string WithoutTrailingBlanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) widths_.push_back(DisplayWidth(column.title));
}

void Table::AddRow(const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    throw std::logic_error(
        fmt::format("a row of {} cells in a table of {} columns", cells.size(), columns_.size()));
  }
  std::vector<std::string> row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    row.push_back(CellText(cells[i]));
    widths_[i] = std::max(widths_[i], DisplayWidth(row.back()));
  }
  rows_.push_back(std::move(row));
}

std::string Table::Render(bool color) const {
  const auto line = [&](const auto& text_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += kBetweenColumns;
      text += Padded(text_of(i), columns_[i].align, widths_[i]);
    }
    return WithoutTrailingBlanks(text);
  };
  const std::string titles = line([&](std::size_t i) { return columns_[i].title; });
  std::string text = color ? kBold + titles + kPlain + "\n" : titles + "\n";
  for (const auto& row : rows_) text += line([&](std::size_t i) { return row[i]; }) + "\n";
  return text;
}

void Facts::Add(const std::string& name, const std::string& value) {
  facts_.emplace_back(name, CellText(value));
}

std::string Facts::Render(bool color) const {
  std::size_t width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, DisplayWidth(name));
  std::string text;
  for (const auto& [name, value] : facts_) {
    const std::string label = Padded(name, Align::kLeft, width);
    text += (color ? kBold + label + kPlain : label) + kBetweenColumns + value + "\n";
  }
  return text;
}

std::string Cell(const std::string& text, Align align, std::size_t width) {
  return Padded(text, align, std::max(width, DisplayWidth(text))) + kBetweenColumns;
}

std::string Count(std::size_t number, const std::string& noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace ackwire::ctl
