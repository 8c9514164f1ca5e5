#include "delivery/text_file.h"

#include <fstream>
#include <iterator>

namespace ackwire {

StatusOr<std::string> ReadTextFile(const std::filesystem::path& file, const std::string& what) {
  std::error_code ec;
  const bool is_file = std::filesystem::is_regular_file(file, ec);
  if (is_file && std::filesystem::file_size(file, ec) > kTextFileBytesMax) {
    return InvalidArgument(what + ": " + file.string() + " is larger than 1 MiB");
  }
  std::string text;
  std::ifstream in(is_file ? file : std::filesystem::path(), std::ios::binary);
  if (in.is_open()) text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) {
    return Error(StatusCode::kNotFound, what + ": cannot read " + file.string() +
                                            ": is it there, a file, and may the server read it?");
  }
  return text;
}

}  // namespace ackwire
