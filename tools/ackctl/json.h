#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

// Any message of the contract in the contract's one JSON spelling, by its
// descriptor: camelCase, 64-bit numbers as numbers, enums in lower case without
// their prefix, RFC 3339 times, durations as …Ms. Every field is printed, also
// one that holds its default; what is unset and has no default is null.
//
// Written as text and not as a boost::json::value, so that a payload which is
// JSON keeps its numbers to the last digit.
namespace ackwire::ctl {

// One line, without the newline.
std::string ToJson(const google::protobuf::Message& message);

// Of a page of a list, only the list: {"clients":[…]}.
std::string ListToJson(const google::protobuf::Message& page);

// One valid JSON document in UTF-8?
bool IsJson(std::string_view text);

// "ack_timeout" for REASON_ACK_TIMEOUT.
std::string EnumName(const google::protobuf::EnumValueDescriptor& value);

}  // namespace ackwire::ctl
