// ackwired: the server.

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tools/ackwired/config.h"
#include "tools/ackwired/logging.h"
#include "tools/ackwired/policy_file.h"
#include "tools/ackwired/server.h"

namespace ackwire {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;  // what --check-config refuses: starting it again is of no use

// The command line, as main has it: at SIGHUP it is read again, with the file that it names.
struct Arguments {
  int count;
  const char* const* values;
};

// What the file says now, and what holds until the server is started again.
void TellWhatWaits(const CommandLine& running, const CommandLine& read) {
  for (std::size_t i = 0; i < running.in_force.size(); ++i) {
    const InForce& held = running.in_force[i];
    const InForce& asked = read.in_force[i];
    if (held.value == asked.value) continue;
    const auto shown = [](const InForce& each) {
      return each.value.empty() ? std::string("not set") : each.value;
    };
    spdlog::warn("SIGHUP: {} is {} now ({}), which holds from the next start on; until then: {}",
                 asked.key, shown(asked), asked.source, shown(held));
  }
}

void Renew(Server& server, const CommandLine& running, const Arguments& arguments) {
  const StatusOr<CommandLine> read = ParseCommandLine(arguments.count, arguments.values);
  if (read.ok()) TellWhatWaits(running, *read);
  server.Renew(read.status());
}

void AtEachSignal(boost::asio::signal_set& signal, const std::function<void()>& act) {
  signal.async_wait([&signal, act](const boost::system::error_code& ec, int /*signal*/) {
    if (ec) return;
    act();
    AtEachSignal(signal, act);
  });
}

// Prints what is in force, or says what is wrong.
int CheckConfig(const CommandLine& line) {
  SetUpLogging(line.config.log_format);
  StatusOr<std::string> policies = std::string();
  Status status = Server::ReadFiles(line.config).status();
  if (status.ok() && !line.config.file.empty()) {
    policies = ShowPolicies(line.config.file);
    status = policies.status();
  }
  if (!status.ok()) {
    std::fprintf(stderr, "ackwired: %s\n", MessageOf(status).c_str());
    return kExitUsage;
  }
  std::printf("%s%s%s", FormatInForce(line.in_force).c_str(), policies->empty() ? "" : "\n",
              policies->c_str());
  return kExitDone;
}

// The first SIGTERM drains, and the server ends once that is over. SIGINT, or SIGTERM again, ends
// it at once.
class EndAtSignal {
 public:
  EndAtSignal(boost::asio::io_context& events, boost::asio::signal_set& signals, Server& server)
      : events_(events), signals_(signals), server_(server) {}

  void Wait() {
    signals_.async_wait([this](const boost::system::error_code& ec, int signal) {
      if (ec) return;
      if (signal == SIGTERM && !std::exchange(drains_, true)) {
        server_.Drain({.by = "SIGTERM"}, [](std::uint64_t) {});
        return Wait();
      }
      spdlog::info("ending: {}", signal == SIGINT ? "SIGINT" : "SIGTERM again");
      events_.stop();
    });
  }

 private:
  boost::asio::io_context& events_;
  boost::asio::signal_set& signals_;
  Server& server_;
  bool drains_ = false;
};

// Serves until it is drained or ended by a signal, or until the log takes no more writes.
int Serve(const CommandLine& line, const Arguments& arguments) {
  SetUpLogging(line.config.log_format);
  boost::asio::io_context events(1);
  // From here on a signal ends the server cleanly; one that comes while it starts does so once it
  // has started.
  boost::asio::signal_set end_signals(events, SIGINT, SIGTERM);
  boost::asio::signal_set renew_signal(events, SIGHUP);

  StatusOr<Server::Files> files = Server::ReadFiles(line.config);
  if (!files.ok()) {
    spdlog::critical("cannot start: {}", MessageOf(files.status()));
    return kExitUsage;
  }
  int exit_status = kExitDone;
  const auto failed = [&events, &exit_status] {
    boost::asio::post(events, [&events, &exit_status] {
      exit_status = kExitFailed;
      events.stop();
    });
  };
  StatusOr<std::unique_ptr<Server>> server = Server::Start(
      line.config, *std::move(files), {.failed = failed, .drained = [&events] { events.stop(); }});
  if (!server.ok()) {
    spdlog::critical("cannot start: {}", MessageOf(server.status()));
    return kExitFailed;
  }
  std::printf("%s\n", (*server)->ReadyLine().c_str());
  std::fflush(stdout);
  EndAtSignal end(events, end_signals, **server);
  end.Wait();
  AtEachSignal(renew_signal, [&] { Renew(**server, line, arguments); });
  events.run();
  server->reset();
  return exit_status;
}

}  // namespace
}  // namespace ackwire

// What jemalloc is told, under the name that it looks for. What a burst has freed goes back to the
// system within seconds. Without a thread of its own jemalloc gives back only while it is called:
// an idle server would keep for ever what its last burst took.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:2000";
}

int main(int argc, char** argv) {
  const ackwire::StatusOr<ackwire::CommandLine> line = ackwire::ParseCommandLine(argc, argv);
  if (!line.ok()) {
    std::fprintf(stderr, "ackwired: %s\nackwired --help lists the flags.\n",
                 ackwire::MessageOf(line.status()).c_str());
    return ackwire::kExitUsage;
  }
  if (line->print) {
    std::fputs(line->print->c_str(), stdout);
    return ackwire::kExitDone;
  }
  if (line->check) return ackwire::CheckConfig(*line);
  return ackwire::Serve(*line, {argc, argv});
}
