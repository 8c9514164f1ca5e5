// What a request of HTTP has in its first line: path and query, and the values in them.
#include <algorithm>

#include "delivery/http_target.h"
#include "delivery/payload_form.h"
#include "delivery/replay_name.h"
#include "delivery/traceparent.h"
#include "tests/fuzz/error_checks.h"

namespace ackwire::fuzz {
namespace {

std::string Percent(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
  }
  return out;
}

// The same target, with every byte of a name or value in its longest spelling.
std::string Spelled(const HttpTarget& target) {
  std::string out;
  for (const std::string& each : target.segments) out += "/" + Percent(each);
  char between = '?';
  for (const auto& [name, value] : target.query) {
    out += between + Percent(name) + "=" + Percent(value);
    between = '&';
  }
  return out;
}

void CheckWhole(std::string_view text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  const StatusOr<std::uint64_t> value = ParseWhole("limit", text, {.low = 2, .high = 1000});
  if (value.ok()) {
    CHECK(digits && *value >= 2 && *value <= 1000, "digits alone, within the bounds");
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size());
    CHECK(text.substr(zeros) == std::to_string(*value), "and that number");
  } else {
    CheckRefusal(value.status());
  }
  const StatusOr<Seq> seq = ParseSeq(text);
  CHECK(!value.ok() || (seq.ok() && seq->value == *value), "a seq has wider bounds");
  CHECK(!seq.ok() || (digits && seq->value > 0), "a seq is a number, from 1");
}

void CheckReplayName(std::string_view text) {
  const std::optional<ReplayId> id = ParseReplayName(text);
  if (!id) return;
  CHECK(id->value != 0, "zero is no replay");
  CHECK(ParseReplayName(NameOf(*id)) == id, "a replay has its name");
  CHECK(NameOf(*id).size() <= text.size(), "which is the shortest");
}

void CheckHeaders(std::string_view text) {
  if (IsTraceparent(text)) {
    CHECK(text.size() >= 55 && text[2] == '-' && text[35] == '-' && text[52] == '-', "its shape");
    CHECK(text.find_first_not_of("0123456789abcdef-") >= 55, "in lower-case hexadecimal");
    CHECK(!text.starts_with("00") || text.size() == 55, "version 0 has nothing behind it");
  }
  const std::string_view type = MediaTypeOf(text);
  CHECK(text.starts_with(type) && MediaTypeOf(type) == type, "a media type is what it begins with");
  CHECK(FormOf(type) == FormOf(text), "parameters say nothing of the form");
}

void CheckValue(std::string_view text) {
  CheckWhole(text);
  CheckReplayName(text);
  CheckHeaders(text);
}

void CheckTarget(std::string_view text) {
  const StatusOr<HttpTarget> target = ParseTarget(text);
  if (!target.ok()) {
    CHECK(target.status().code() == StatusCode::kInvalidArgument, "400");
    return CheckRefusal(target.status());
  }
  CHECK(!target->segments.empty(), "a path has a segment, if an empty one");
  const StatusOr<HttpTarget> again = ParseTarget(Spelled(*target));
  CHECK(again.ok(), "another spelling of it is taken");
  CHECK(again->segments == target->segments && again->query == target->query, "for the same");
  if (const auto messages = MessagesPathOf(*target)) {
    CHECK(messages->channel == target->segments[2], "the channel stands there");
    CHECK(messages->seq.has_value() == (target->segments.size() > 4), "so does the seq");
    CHECK(!messages->receipts || messages->seq, "receipts are of one message");
  }
  for (const std::string& each : target->segments) CheckValue(each);
  for (const auto& [name, value] : target->query) CheckValue(value);
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ackwire::fuzz::CheckTarget(ackwire::fuzz::TextOf(data, size));
  return 0;
}
