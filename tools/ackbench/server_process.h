// A child process: ackwired, or ackbench itself. Killed and waited for when destroyed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ackwire::bench {

class ServerProcess {
 public:
  // Starts the program and waits for the first line that it prints. Throws std::runtime_error when
  // it ends without one.
  explicit ServerProcess(const std::vector<std::string>& command);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] const std::string& first_line() const { return first_line_; }
  [[nodiscard]] double seconds_to_first_line() const { return seconds_; }
  // Of the memory that it has resident now; and the most since it started, or since ForgetPeak.
  [[nodiscard]] std::uint64_t resident_bytes() const;
  [[nodiscard]] std::uint64_t peak_resident_bytes() const;
  void ForgetPeak() const;

  // Sends the signal and waits for the end. Throws when it ends with another status than 0, unless
  // it was killed.
  void End(int signal);

 private:
  // A line of /proc/PID/status that counts kibibytes.
  [[nodiscard]] std::uint64_t StatusBytes(const std::string& name) const;

  pid_t pid_ = -1;
  std::string first_line_;
  double seconds_ = 0;
};

// How to start an ackwired on a data directory, at free ports of loopback; and, from the first line
// that it prints, where it serves gRPC.
[[nodiscard]] std::vector<std::string> AckwiredCommand(const std::filesystem::path& data);
[[nodiscard]] std::string GrpcAddressIn(const std::string& ready_line);

// A program of the same build: it stands beside this one.
[[nodiscard]] std::string ProgramBeside(const std::string& name);

}  // namespace ackwire::bench
