// What every target asks of an error, whatever was parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "store/check.h"
#include "store/status.h"

namespace ackwire::fuzz {

// What libFuzzer gives, as text.
inline std::string_view TextOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Inputs of a target that tries several parsers begin with a letter that says which.
struct Parser {
  char letter;
  void (*check)(std::string_view rest);
};
// Gives the input to the parser it names, if it names one.
inline void CheckBy(std::initializer_list<Parser> parsers, std::string_view input) {
  if (input.empty()) return;
  for (const Parser& each : parsers) {
    if (each.letter == input.front()) each.check(input.substr(1));
  }
}

// It has a text, and can be sent to a client, in both protocols and over HTTP.
void CheckRefusal(const Status& status);

}  // namespace ackwire::fuzz
