// What every target asks of an error, whatever was parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/check.h"
#include "store/status.h"

namespace ackwire::fuzz {

// What libFuzzer gives, as text.
inline std::string_view TextOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Inputs of a target that tries several parsers begin with a letter that says which.
struct Chosen {
  char parser = 0;
  std::string_view rest;
};
inline Chosen ChosenBy(std::string_view input) {
  return input.empty() ? Chosen{} : Chosen{input.front(), input.substr(1)};
}

// It has a text, and can be sent to a client, in both protocols and over HTTP.
void CheckRefusal(const Status& status);

}  // namespace ackwire::fuzz
