// ackwired: the server.

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "tools/ackwired/config.h"
#include "tools/ackwired/logging.h"
#include "tools/ackwired/server.h"

namespace ackwire {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

void RenewAtSignal(boost::asio::signal_set& signal, Server& server) {
  signal.async_wait([&signal, &server](const boost::system::error_code& ec, int /*signal*/) {
    if (ec) return;
    if (Status status = server.RenewPolicies(); !status.ok()) {
      spdlog::error("SIGHUP: the policies stay as they were: {}", MessageOf(status));
    }
    server.RenewCertificates();
    RenewAtSignal(signal, server);
  });
}

// Serves until a signal, or until the log takes no more writes.
int Serve(const Config& config) {
  SetUpLogging(config.log_format);
  boost::asio::io_context events(1);
  // From here on a signal ends the server cleanly; one that comes while it starts does so once it
  // has started.
  boost::asio::signal_set end_signals(events, SIGINT, SIGTERM);
  boost::asio::signal_set renew_signal(events, SIGHUP);

  int exit_status = kExitDone;
  StatusOr<std::unique_ptr<Server>> server = Server::Start(config, [&events, &exit_status] {
    boost::asio::post(events, [&events, &exit_status] {
      exit_status = kExitFailed;
      events.stop();
    });
  });
  if (!server.ok()) {
    spdlog::critical("cannot start: {}", MessageOf(server.status()));
    return kExitFailed;
  }
  std::printf("%s\n", (*server)->ReadyLine().c_str());
  std::fflush(stdout);
  end_signals.async_wait([&events](const boost::system::error_code& ec, int signal) {
    if (!ec) spdlog::info("ending: {}", signal == SIGINT ? "SIGINT" : "SIGTERM");
    events.stop();
  });
  RenewAtSignal(renew_signal, **server);
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
  return ackwire::Serve(line->config);
}
