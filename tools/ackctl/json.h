#pragma once

#include "proto/json.h"

// The contract's JSON, by the names that the commands call it.
namespace ackwire::ctl {

using proto_json::EnumName;
using proto_json::IsJson;
using proto_json::ListToJson;
using proto_json::ToJson;

}  // namespace ackwire::ctl
