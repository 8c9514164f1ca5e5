#include "tools/ackctl/import_file.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "tools/ackctl/command_error.h"

namespace ackwire::ctl {
namespace {

// Empty when `object` has the string; else what is wrong.
std::string TakeString(const boost::json::object& object, const char* field, std::string& taken) {
  const boost::json::value* value = object.if_contains(field);
  if (value == nullptr) return fmt::format("no \"{}\"", field);
  const boost::json::string* text = value->if_string();
  if (text == nullptr) return fmt::format("\"{}\" is not a string", field);
  taken.assign(text->data(), text->size());
  return "";
}

}  // namespace

std::variant<ImportMessage, BadLine> ParseImportLine(const std::string& line) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
  if (error) return BadLine{fmt::format("not JSON: {}", error.message())};
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return BadLine{"not a JSON object"};
  ImportMessage message;
  for (const auto& [field, taken] : {std::pair{"room", &message.room},
                                     {"at", &message.at},
                                     {"sender", &message.sender},
                                     {"text", &message.text}}) {
    if (std::string problem = TakeString(*object, field, *taken); !problem.empty()) {
      return BadLine{problem + R"(; a line is {"room","at","sender","text"})"};
    }
  }
  return message;
}

ImportFile::ImportFile(const std::string& path) : path_(path), file_(path) {
  if (!file_.is_open()) {
    throw CommandError(ExitStatus::kUsage,
                       fmt::format("{}: {}", path, std::generic_category().message(errno)));
  }
  // A stream opens a directory, and then reads nothing from it. A pipe can be
  // read once only.
  if (!std::filesystem::is_regular_file(path)) {
    throw CommandError(ExitStatus::kUsage, path + " is not a file; give one of JSON lines");
  }
}

bool ImportFile::Next(std::variant<ImportMessage, BadLine>& line) {
  std::string text;
  do {
    if (!std::getline(file_, text)) {
      if (file_.bad()) {
        throw CommandError(ExitStatus::kRefused,
                           fmt::format("{}: cannot be read beyond line {}", path_, line_number_));
      }
      return false;
    }
    ++line_number_;
  } while (text.find_first_not_of(" \t\r") == std::string::npos);
  line = ParseImportLine(text);
  return true;
}

}  // namespace ackwire::ctl
