// The contract's one JSON spelling, for any message of the contract by its descriptor: camelCase,
// 64-bit numbers as numbers, enums in lower case without their prefix, RFC 3339 times, durations as
// …Ms.
//
// Written as text and not as a boost::json::value, so that a payload which is JSON keeps its
// numbers to the last digit.
//
// Threads: any.
#pragma once

#include <google/protobuf/message.h>

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace google::protobuf {
class Timestamp;
}

namespace ackwire::proto_json {

// One line, without the newline. Every field is printed, also one that holds its default; what is
// unset and has no default is null; of a choice, only what was chosen.
[[nodiscard]] std::string ToJson(const google::protobuf::Message& message);

// Of a page of a list, only the list: {"clients":[…]}.
[[nodiscard]] std::string ListToJson(const google::protobuf::Message& page);

// Sets what the object says; null is what leaving it out is. A field that the message does not have
// is refused: a filter that was misspelled must not be taken for none.
//   kInvalidArgument  names the field and what it must be
[[nodiscard]] absl::Status FromJson(const boost::json::object& object,
                                    google::protobuf::Message& message);

// One valid JSON document in UTF-8?
[[nodiscard]] bool IsJson(std::string_view text);

// "ack_timeout" for REASON_ACK_TIMEOUT.
[[nodiscard]] std::string EnumName(const google::protobuf::EnumValueDescriptor& value);

// "2026-11-22T09:15:00.250Z".
[[nodiscard]] std::string FormatTime(const google::protobuf::Timestamp& time);

}  // namespace ackwire::proto_json
