// ackwire.v1.binary, from a client: two bytes of type, then protobuf.
#include "delivery/binary_frame.h"
#include "tests/fuzz/error_checks.h"
#include "tests/fuzz/frame_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire;
  const std::string_view bytes = fuzz::TextOf(data, size);
  fuzz::CheckFrame(frame::ParseBinary(bytes));
  if (size >= frame::kTypeBytes) {
    CHECK(bytes.starts_with(frame::TypeBytes(frame::TypeOf(bytes))), "a type is its two bytes");
  }
  return 0;
}
