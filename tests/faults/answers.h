// What a store answers to all that can be asked of it, each question by itself: so that damage to
// one row, which is to be told from a wrong answer, does not hide the others.
#pragma once

#include <map>
#include <string>

#include "store/store.h"
#include "tests/faults/surviving_log.h"

namespace ackwire {

// By question. An answer is text; kDataLossAnswer where the store says that it is lost.
using Answers = std::map<std::string, std::string>;
inline constexpr char kDataLossAnswer[] = "DATA_LOSS";

// Asks for every message by position, seq and id, every record, and all that is derived of every
// client and channel that `log` knows.
[[nodiscard]] Answers Ask(Store& store, const SurvivingLog& log);

}  // namespace ackwire
