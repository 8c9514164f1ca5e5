#include "tools/ackctl/message_line.h"

#include <fmt/format.h>

#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

constexpr std::size_t kNumberColumns = 8;
constexpr std::size_t kTimeColumns = 24;
constexpr std::size_t kChannelColumns = 20;
constexpr std::size_t kSenderColumns = 14;
constexpr std::size_t kKindColumns = 9;
constexpr std::size_t kTypeColumns = 5;

std::string Left(const std::string& text, std::size_t width) {
  return Cell(text, Align::kLeft, width);
}

std::string Right(const std::string& text, std::size_t width) {
  return Cell(text, Align::kRight, width);
}

std::string NameCell(const std::string& name, std::size_t width) {
  return Left(name.empty() ? "-" : Escape(name), width);
}

// "created", "edited 41": with the seq that it changes.
std::string KindText(const v1::Message& message) {
  const auto* value = v1::Kind_descriptor()->FindValueByNumber(message.kind());
  const std::string name = value == nullptr
                               ? fmt::format("kind {}", static_cast<int>(message.kind()))
                               : EnumName(*value);
  return message.refers_to() == 0 ? name : fmt::format("{} {}", name, message.refers_to());
}

std::string PayloadText(const v1::Message& message) {
  if (IsUtf8(message.payload())) return Escape(message.payload());
  if (message.content_type().empty()) return fmt::format("<{} bytes>", message.payload().size());
  return fmt::format("<{} bytes of {}>", message.payload().size(), Escape(message.content_type()));
}

}  // namespace

std::string MessageLines::Titles() const {
  std::string line;
  if (options_.with_log_place) {
    line += Right("POSITION", kNumberColumns) + Left("CHANNEL", kChannelColumns);
  }
  line += Right("SEQ", kNumberColumns) + Left("TIME", kTimeColumns) +
          Left("SENDER", kSenderColumns) + Left("KIND", kKindColumns) +
          Right("TYPE", kTypeColumns) + "PAYLOAD";
  if (options_.width > 0) line = FitWidth(line, options_.width);
  return options_.color ? "\x1b[1m" + line + "\x1b[0m" : line;
}

std::string MessageLines::Line(const v1::Message& message) const {
  std::string line;
  if (options_.with_log_place) {
    line += Right(fmt::to_string(message.position()), kNumberColumns) +
            NameCell(message.channel(), kChannelColumns);
  }
  line += Right(fmt::to_string(message.seq()), kNumberColumns) +
          Left(FormatTime(message.published_at()), kTimeColumns) +
          NameCell(message.sender(), kSenderColumns) + Left(KindText(message), kKindColumns) +
          Right(fmt::to_string(message.type()), kTypeColumns) + PayloadText(message);
  return options_.width > 0 ? FitWidth(line, options_.width) : line;
}

}  // namespace ackwire::ctl
