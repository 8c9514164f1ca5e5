// The flags of ackwired: what they mean, what the environment says, and what is wrong with a value.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tools/ackwired/config.h"
#include "tools/ackwired/config_checks.h"

namespace ackwire {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

StatusOr<CommandLine> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ackwired");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

Config ConfigOf(const std::vector<const char*>& arguments) {
  const StatusOr<CommandLine> line = Parse(arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? line->config : Config();
}

std::string ErrorOf(const std::vector<const char*>& arguments) {
  const StatusOr<CommandLine> line = Parse(arguments);
  EXPECT_EQ(line.status().code(), StatusCode::kInvalidArgument);
  return MessageOf(line.status());
}

// A variable of the environment for the length of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

TEST(AckwiredConfig, HasTheContractsDefaults) {
  const Config config = ConfigOf({});
  EXPECT_EQ(config.data_dir, "./ackwire-data");
  EXPECT_EQ(FormatEndpoint(config.grpc), "127.0.0.1:7400");
  EXPECT_EQ(FormatEndpoint(config.http), "127.0.0.1:7480");
  EXPECT_EQ(FormatEndpoint(config.admin), "127.0.0.1:7490");
  EXPECT_EQ(config.delivery.ack_wait, 30s);
  EXPECT_THAT(config.delivery.retry.backoff, ElementsAre(1s, 5s, 15s, 30s));
  EXPECT_EQ(config.delivery.retry.max_attempts, 6U);
  EXPECT_EQ(config.delivery.max_disconnects, 10U);
  EXPECT_EQ(config.delivery.window, 256U);
  EXPECT_EQ(config.session.ping_interval, 30s);
  EXPECT_EQ(config.session.ping_timeout, 45s);
  EXPECT_EQ(config.session.write_stall, 30s);
  EXPECT_EQ(config.session.drain.grace, 25s);
  EXPECT_EQ(config.session.drain.spread, 20s);
  EXPECT_EQ(config.session.drain.timeout, 60s);
  EXPECT_EQ(config.log_format, LogFormat::kText);
  EXPECT_EQ(config.durability, Durability::kFsync);
  EXPECT_EQ(config.min_free_bytes, 256U << 20U);
}

TEST(AckwiredConfig, LimitsConnectionsAndByDefaultNoRates) {
  const Config config = ConfigOf({});
  EXPECT_EQ(config.edge.connections, 50'000U);
  EXPECT_EQ(config.edge.unauthenticated, 10'000U);
  EXPECT_EQ(config.edge.connections_per_address, std::nullopt);
  EXPECT_EQ(config.edge.connect_rate, std::nullopt);
  EXPECT_EQ(config.edge.publish_rate, std::nullopt);
  EXPECT_EQ(config.session.frame_rate, std::nullopt);
  EXPECT_EQ(config.session.byte_rate, std::nullopt);
  EXPECT_EQ(config.max_subscriptions, 10'000U);
  EXPECT_FALSE(config.access_log);
}

TEST(AckwiredConfig, TakesEachLimit) {
  const Config config = ConfigOf({"--max-connections",
                                  "none",
                                  "--max-connections-per-address",
                                  "7",
                                  "--connect-rate",
                                  "8",
                                  "--max-unauthenticated",
                                  "9",
                                  "--publish-rate",
                                  "10",
                                  "--max-subscriptions",
                                  "11",
                                  "--session-frame-rate",
                                  "12",
                                  "--session-byte-rate",
                                  "13KiB",
                                  "--access-log",
                                  "on",
                                  "--max-header-bytes",
                                  "14KiB",
                                  "--max-body-bytes",
                                  "15KiB",
                                  "--header-time",
                                  "16s",
                                  "--body-time",
                                  "17s",
                                  "--session-queue-bytes",
                                  "18MiB"});
  EXPECT_EQ(config.edge.http.header_bytes, 14U * 1024);
  EXPECT_EQ(config.edge.http.body_bytes, 15U * 1024);
  EXPECT_EQ(config.edge.http.header_time, Duration(16'000));
  EXPECT_EQ(config.edge.http.body_time, Duration(17'000));
  EXPECT_EQ(config.session.queued_bytes, 18U << 20U);
  EXPECT_EQ(config.edge.connections, std::nullopt);
  EXPECT_EQ(config.edge.connections_per_address, 7U);
  EXPECT_EQ(config.edge.connect_rate, 8U);
  EXPECT_EQ(config.edge.unauthenticated, 9U);
  EXPECT_EQ(config.edge.publish_rate, 10U);
  EXPECT_EQ(config.max_subscriptions, 11U);
  EXPECT_EQ(config.session.frame_rate, 12U);
  EXPECT_EQ(config.session.byte_rate, 13U * 1024);
  EXPECT_TRUE(config.access_log);
  EXPECT_THAT(ErrorOf({"--connect-rate", "0"}),
              AllOf(HasSubstr("--connect-rate"), HasSubstr("from 1"), HasSubstr("or none")));
  EXPECT_THAT(ErrorOf({"--session-queue-bytes", "1MiB"}), HasSubstr("at least 2MiB"));
  EXPECT_THAT(ErrorOf({"--max-header-bytes", "33KiB"}),
              AllOf(HasSubstr("--max-header-bytes"), HasSubstr("from 512 to 32KiB")));
  EXPECT_THAT(ErrorOf({"--access-log", "yes"}), HasSubstr("must be on or off, got \"yes\""));
}

TEST(AckwiredConfig, TakesHostsAndOriginsAgainAndAgain) {
  const Config config = ConfigOf({"--allow-host", "A.example", "--allow-origin",
                                  "https://a.example", "--allow-host", "b.example"});
  EXPECT_THAT(config.edge.hosts, ElementsAre("a.example", "b.example"));
  EXPECT_THAT(config.edge.origins, ElementsAre("https://a.example"));
  const Variable variable("ACKWIRE_ALLOW_HOST", "c.example,d.example");
  EXPECT_THAT(ConfigOf({}).edge.hosts, ElementsAre("c.example", "d.example"));
  EXPECT_THAT(ErrorOf({"--allow-origin", "*"}),
              AllOf(HasSubstr("--allow-origin"), HasSubstr("https")));
  EXPECT_THAT(ErrorOf({"--allow-host", "a:80"}), HasSubstr("without a port"));
}

TEST(AckwiredConfig, TakesSizes) {
  EXPECT_EQ(ParseSize("0").value(), 0U);
  EXPECT_EQ(ParseSize("1000").value(), 1000U);
  EXPECT_EQ(ParseSize("64KiB").value(), 65536U);
  EXPECT_EQ(ParseSize("2GiB").value(), 2ULL << 30U);
  for (const char* wrong :
       {"", "x", "1 MiB", "1MB", "-1", "99999999999999999999", "18446744073GiB"}) {
    EXPECT_EQ(ParseSize(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
  EXPECT_EQ(ConfigOf({"--durability", "buffered"}).durability, Durability::kBuffered);
}

TEST(AckwiredConfig, TakesEachFlag) {
  const Config config = ConfigOf({"--data-dir",
                                  "/tmp/a",
                                  "--grpc",
                                  "[::1]:1",
                                  "--http",
                                  "localhost:2",
                                  "--admin",
                                  "127.0.0.2:0",
                                  "--ack-wait",
                                  "2s",
                                  "--backoff",
                                  "100ms,2m",
                                  "--max-attempts",
                                  "3",
                                  "--max-disconnects",
                                  "4",
                                  "--window",
                                  "5",
                                  "--ping-interval",
                                  "6s",
                                  "--ping-timeout",
                                  "7s",
                                  "--write-stall",
                                  "8s",
                                  "--drain-grace",
                                  "0s",
                                  "--drain-spread",
                                  "10s",
                                  "--drain-timeout",
                                  "11s",
                                  "--io-threads",
                                  "9",
                                  "--log-format",
                                  "json"});
  EXPECT_EQ(config.data_dir, "/tmp/a");
  EXPECT_EQ(config.grpc.host, "::1");
  EXPECT_EQ(FormatEndpoint(config.grpc), "[::1]:1");
  EXPECT_EQ(FormatEndpoint(config.http), "localhost:2");
  EXPECT_EQ(FormatEndpoint(config.admin), "127.0.0.2:0");
  EXPECT_EQ(config.delivery.ack_wait, 2s);
  EXPECT_THAT(config.delivery.retry.backoff, ElementsAre(100ms, 2min));
  EXPECT_EQ(config.delivery.retry.max_attempts, 3U);
  EXPECT_EQ(config.delivery.max_disconnects, 4U);
  EXPECT_EQ(config.delivery.window, 5U);
  EXPECT_EQ(config.session.ping_interval, 6s);
  EXPECT_EQ(config.session.ping_timeout, 7s);
  EXPECT_EQ(config.session.write_stall, 8s);
  EXPECT_EQ(config.session.drain.grace, 0s);
  EXPECT_EQ(config.session.drain.spread, 10s);
  EXPECT_EQ(config.session.drain.timeout, 11s);
  EXPECT_EQ(config.io_threads, 9U);
  EXPECT_EQ(config.log_format, LogFormat::kJson);
}

TEST(AckwiredConfig, TakesTheEnvironmentUnlessThereIsAFlag) {
  const Variable wait("ACKWIRE_ACK_WAIT", "3s");
  const Variable attempts("ACKWIRE_MAX_ATTEMPTS", "3");
  const Config config = ConfigOf({"--max-attempts", "4"});
  EXPECT_EQ(config.delivery.ack_wait, 3s);
  EXPECT_EQ(config.delivery.retry.max_attempts, 4U);
}

TEST(AckwiredConfig, NamesTheFlagOfABadVariable) {
  const Variable wait("ACKWIRE_ACK_WAIT", "soon");
  EXPECT_THAT(ErrorOf({}), AllOf(HasSubstr("--ack-wait"), HasSubstr("soon")));
}

TEST(AckwiredConfig, CutsAWindowToTheMostThereIs) {
  EXPECT_EQ(ConfigOf({"--window", "4096"}).delivery.window, 4096U);
  EXPECT_EQ(ConfigOf({"--window", "100000"}).delivery.window, 4096U);
}

TEST(AckwiredConfig, SaysWhatIsWrongAndWhatWouldBeRight) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> cases = {
      {{"--ack-wait", "30"}, "such as 30s"},
      {{"--ack-wait", "0s"}, "longer than 0"},
      {{"--backoff", "1s,,5s"}, "commas between"},
      {{"--backoff", ""}, "commas between"},
      {{"--max-attempts", "0"}, "from 1 to"},
      {{"--max-disconnects", "-1"}, "from 1 to"},
      {{"--window", "many"}, "from 1 to"},
      {{"--io-threads", "1000"}, "from 1 to 256"},
      {{"--grpc", "7400"}, "127.0.0.1:7400"},
      {{"--http", "::1:7480"}, "[::1]:7400"},
      {{"--admin", "localhost:65536"}, "HOST:PORT"},
      {{"--log-format", "xml"}, "text or json"},
      {{"--data-dir", ""}, "a path"}};
  for (const auto& [arguments, right] : cases) {
    EXPECT_THAT(ErrorOf(arguments), AllOf(HasSubstr(arguments[0]), HasSubstr(right)));
  }
}

TEST(AckwiredConfig, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ErrorOf({"--ack-weight", "3s"}), HasSubstr("--ack-weight"));
  EXPECT_THAT(ErrorOf({"serve"}), HasSubstr("serve"));
  EXPECT_THAT(ErrorOf({"--ack-wait"}), HasSubstr("--ack-wait"));
}

TEST(AckwiredConfig, WantsAPingTimeoutBehindThePing) {
  EXPECT_THAT(ErrorOf({"--ping-interval", "20s", "--ping-timeout", "20s"}),
              AllOf(HasSubstr("--ping-timeout"), HasSubstr("20s")));
  EXPECT_THAT(ErrorOf({"--ping-interval", "1m"}), HasSubstr("--ping-interval (1m)"));
}

TEST(AckwiredConfig, HelpNamesFlagDefaultAndVariable) {
  const StatusOr<CommandLine> line = Parse({"--help"});
  ASSERT_TRUE(line.ok() && line->print);
  EXPECT_THAT(*line->print, AllOf(HasSubstr("--ack-wait"), HasSubstr("30s"),
                                  HasSubstr("ACKWIRE_ACK_WAIT"), HasSubstr("1s,5s,15s,30s")));
}

TEST(AckwiredConfig, PrintsTheVersion) {
  const StatusOr<CommandLine> line = Parse({"--version"});
  ASSERT_TRUE(line.ok() && line->print);
  EXPECT_THAT(*line->print, HasSubstr("ackwired "));
}

TEST(AckwiredConfig, ServesOnLoopbackOnlyWithoutKeys) {
  for (const char* good : {"127.0.0.1:0", "127.9.9.9:1", "[::1]:0", "localhost:0"}) {
    EXPECT_TRUE(CheckListeners(ConfigOf({"--http", good})).ok()) << good;
  }
  for (const char* flag : {"--grpc", "--http", "--admin"}) {
    for (const char* bad : {"0.0.0.0:1", "[::]:1", "192.168.0.1:1", "example.com:1"}) {
      const Status status = CheckListeners(ConfigOf({flag, bad}));
      EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
      EXPECT_THAT(MessageOf(status),
                  AllOf(HasSubstr(flag), HasSubstr(bad), HasSubstr("--jwt-keys is missing")));
    }
  }
}

TEST(AckwiredConfig, ServesHttpAnywhereWithKeys) {
  EXPECT_TRUE(CheckListeners(ConfigOf({"--http", "0.0.0.0:1", "--admin", "0.0.0.0:2", "--jwt-keys",
                                       "keys.json"}))
                  .ok());
}

TEST(AckwiredConfig, ServesGrpcOffLoopbackByMutualTlsOnly) {
  const Status bare = CheckListeners(ConfigOf({"--grpc", "0.0.0.0:1", "--jwt-keys", "keys.json"}));
  EXPECT_EQ(bare.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(bare), HasSubstr("--grpc: 0.0.0.0:1 is not on loopback"));
  EXPECT_THAT(MessageOf(bare),
              HasSubstr("--grpc-tls-cert and --grpc-tls-key and --grpc-tls-client-ca are missing"));
  const std::vector<const char*> mutual = {
      "--grpc",         "0.0.0.0:1", "--grpc-tls-cert",      "c.pem",
      "--grpc-tls-key", "k.pem",     "--grpc-tls-client-ca", "ca.pem"};
  std::vector<const char*> with_keys = mutual;
  with_keys.insert(with_keys.end(), {"--jwt-keys", "keys.json"});
  EXPECT_TRUE(CheckListeners(ConfigOf(with_keys)).ok());
  EXPECT_THAT(MessageOf(CheckListeners(ConfigOf(mutual))), HasSubstr("--jwt-keys is missing"));
}

TEST(AckwiredConfig, WantsFlagsThatBelongTogether) {
  EXPECT_THAT(ErrorOf({"--http-tls-cert", "c"}),
              HasSubstr("--http-tls-cert: TLS for --http takes --http-tls-key too"));
  EXPECT_THAT(ErrorOf({"--http-tls-key", "k"}), HasSubstr("takes --http-tls-cert too"));
  EXPECT_THAT(ErrorOf({"--grpc-tls-cert", "c", "--grpc-tls-key", "k"}),
              HasSubstr("mutual TLS for --grpc takes --grpc-tls-client-ca too"));
  EXPECT_THAT(ErrorOf({"--grpc-tls-client-ca", "c"}),
              HasSubstr("takes --grpc-tls-cert and --grpc-tls-key too"));
  EXPECT_THAT(ErrorOf({"--jwt-audience", "a"}), HasSubstr("give --jwt-keys too"));
  EXPECT_THAT(ErrorOf({"--jwt-issuer", "i"}), HasSubstr("--jwt-issuer"));
  EXPECT_THAT(ErrorOf({"--jwt-keys", "k", "--jwt-issuer", ""}), HasSubstr("got nothing"));
}

TEST(Durations, AreAWholeNumberAndAUnit) {
  EXPECT_EQ(*ParseDuration("0ms"), 0ms);
  EXPECT_EQ(*ParseDuration("250ms"), 250ms);
  EXPECT_EQ(*ParseDuration("30s"), 30s);
  EXPECT_EQ(*ParseDuration("15m"), 15min);
  EXPECT_EQ(*ParseDuration("12h"), 12h);
  EXPECT_EQ(*ParseDuration("7d"), 168h);
  for (const char* bad : {"", "s", "30", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1w"}) {
    const Status status = ParseDuration(bad).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(MessageOf(status), HasSubstr("\"" + std::string(bad) + "\""));
  }
}

TEST(Durations, EndWhereTimesWouldOverflow) {
  EXPECT_TRUE(ParseDuration("36500d").ok());
  for (const char* bad : {"36501d", "9223372036854775807d", "99999999999999999999s"}) {
    EXPECT_THAT(MessageOf(ParseDuration(bad).status()), HasSubstr("36500d")) << bad;
  }
}

TEST(Durations, AreFormattedInTheirLargestUnit) {
  for (const char* text : {"0ms", "1ms", "1500ms", "30s", "90s", "15m", "12h", "7d"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
  EXPECT_EQ(FormatDuration(60s), "1m");
}

TEST(Endpoints, AreAHostAndAPort) {
  const StatusOr<Endpoint> endpoint = ParseEndpoint("[::1]:65535");
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->host, "::1");
  EXPECT_EQ(endpoint->port, 65535);
  for (const char* bad :
       {"", ":", ":80", "host", "host:", "host:x", "host:-1", "host:65536", "host:1 ", "[]:1",
        "[::1]", "::1:80", "[::1:80", "[host]:1", "[a]b]:1", "[[::1]:1"}) {
    EXPECT_EQ(ParseEndpoint(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(AckwiredConfig, KeepsTheJournalForThirtyDaysOrForEver) {
  EXPECT_EQ(ConfigOf({}).journal_keeps.age, std::chrono::days(30));
  EXPECT_EQ(ConfigOf({}).journal_keeps.bytes, std::nullopt);
  const Config other =
      ConfigOf({"--journal-retention-age", "none", "--journal-retention-bytes", "2GiB"});
  EXPECT_EQ(other.journal_keeps.age, std::nullopt);
  EXPECT_EQ(other.journal_keeps.bytes, 2ULL << 30U);
  EXPECT_THAT(ErrorOf({"--journal-retention-age", "0s"}),
              AllOf(HasSubstr("--journal-retention-age"), HasSubstr("longer than 0, got \"0s\""),
                    HasSubstr("or none")));
  EXPECT_THAT(ErrorOf({"--journal-retention-bytes", "0"}), HasSubstr("more than 0"));
}

}  // namespace
}  // namespace ackwire
