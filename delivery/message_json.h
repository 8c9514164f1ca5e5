// A message as JSON, as the contract spells it: camelCase, RFC 3339 times, the payload as a value,
// a string or base64.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ackwire/v1/message.pb.h"
#include "store/proto_time.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// RFC 3339 in UTC with milliseconds.
[[nodiscard]] std::string FormatTime(Timestamp time);

// A JSON object. A payload that is JSON goes into it byte for byte.
[[nodiscard]] std::string EncodeMessage(const v1::Message& message);

// A hundred years: what expires later would have a date that RFC 3339 cannot write.
inline constexpr Duration kTtlMax{100LL * 365 * 24 * 3600 * 1000};

// What a publisher may say in the body of POST …/messages, and of PUT (no `kind`, no `refersTo`).
struct PublishBody {
  v1::Message draft;  // without channel
  std::optional<Duration> ttl;
  std::optional<Seq> expected_seq;
};
//   kInvalidArgument  names the field and what it must be
[[nodiscard]] StatusOr<PublishBody> ParsePublishBody(std::string_view body);

// The contract's error body: {"error":{"code","message","retryable","retryAfterMs"}}. A field that
// the message begins with is spelled as in JSON (`messageId: …` for `message_id: …`).
// `code` is the contract's, where it is not the status' own name: `unknown_delivery`.
[[nodiscard]] std::string EncodeError(const Status& status, const std::string& code = "");
// The status' message in that spelling.
[[nodiscard]] std::string ErrorMessage(const Status& status);
// The status' name in lower case, as in `code`.
[[nodiscard]] std::string ErrorCode(const Status& status);
// Worth trying again unchanged.
[[nodiscard]] bool IsRetryable(const Status& status);
// How long to wait before that; zero when it is not worth it.
[[nodiscard]] Duration RetryAfter(const Status& status);
// The status with that wait, where it is known.
[[nodiscard]] Status RetryIn(Duration wait, Status status);

}  // namespace ackwire
