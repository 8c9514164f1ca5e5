#include "tools/ackbench/server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace ackwire::bench {
namespace {

pid_t Spawn(const std::vector<std::string>& command, const std::array<int, 2>& pipe_ends) {
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), "start " + command[0]);
  return pid;
}

std::string ReadLine(int file) {
  std::string line;
  for (char byte = 0; read(file, &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "make a pipe");
  }
  const auto started = std::chrono::steady_clock::now();
  pid_ = Spawn(command, ends);
  close(ends[1]);
  first_line_ = ReadLine(ends[0]);
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  close(ends[0]);
  if (!first_line_.empty()) return;
  End(SIGKILL);
  throw std::runtime_error(command[0] + " ended before it was ready; what it said is above");
}

ServerProcess::~ServerProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::uint64_t ServerProcess::resident_bytes() const { return StatusBytes("VmRSS:"); }

std::uint64_t ServerProcess::peak_resident_bytes() const { return StatusBytes("VmHWM:"); }

std::uint64_t ServerProcess::StatusBytes(const std::string& name) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  constexpr std::uint64_t kKibibyte = 1024;
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with(name)) return std::stoull(line.substr(name.size())) * kKibibyte;
  }
  throw std::runtime_error("the server has ended");
}

void ServerProcess::ForgetPeak() const {
  std::ofstream out("/proc/" + std::to_string(pid_) + "/clear_refs");
  constexpr int kPeakResident = 5;  // of proc(5)
  out << kPeakResident << std::flush;
  if (!out) throw std::runtime_error("the system does not let a peak of memory be forgotten");
}

void ServerProcess::End(int signal) {
  kill(pid_, signal);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (signal == SIGKILL || status == 0) return;
  throw std::runtime_error("the server ended with wait status " + std::to_string(status));
}

std::vector<std::string> AckwiredCommand(const std::filesystem::path& data) {
  return {ProgramBeside("ackwired"),
          "--data-dir",
          data.string(),
          "--grpc",
          "127.0.0.1:0",
          "--http",
          "127.0.0.1:0",
          "--admin",
          "127.0.0.1:0"};
}

std::string GrpcAddressIn(const std::string& ready_line) {
  const std::string name = "grpc=";
  const std::size_t found = ready_line.find(name);
  if (found == std::string::npos) throw std::runtime_error("no gRPC address in: " + ready_line);
  const std::size_t begin = found + name.size();
  return ready_line.substr(begin, ready_line.find(' ', begin) - begin);
}

std::string ProgramBeside(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace ackwire::bench
