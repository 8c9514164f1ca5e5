#include "tests/fuzz/error_checks.h"

#include <boost/json.hpp>

#include "ackwire/v1/frames.pb.h"
#include "delivery/binary_frame.h"
#include "delivery/frame_protocol.h"
#include "delivery/message_json.h"
#include "delivery/strict_json.h"
#include "store/limits.h"

namespace ackwire::fuzz {

void CheckRefusal(const Status& status) {
  CHECK(!status.ok(), "what is refused has an error");
  CHECK(!status.message().empty(), "an error says what was wrong");
  const std::string said = ErrorMessage(status);
  CHECK(IsUtf8(said), "a client can read it");

  const auto body = ParseStrictJson(EncodeError(status), "error");
  CHECK(body.ok(), "the body of an answer is JSON");
  const auto& error = body->as_object().at("error").as_object();
  CHECK(error.at("message").as_string() == boost::json::string_view(said), "with the message");

  const auto text = ParseStrictJson(frame::JsonProtocol().EncodeError(7, status), "error");
  CHECK(text.ok() && text->as_object().at("message") == error.at("message"), "so is the frame");

  const std::string bytes = frame::BinaryProtocol().EncodeError(7, status);
  v1::Error parsed;
  CHECK(parsed.ParseFromString(bytes.substr(frame::kTypeBytes)), "protobuf reads the other one");
  CHECK(parsed.message() == said, "which says the same");
}

}  // namespace ackwire::fuzz
