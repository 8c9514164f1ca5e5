#include "delivery/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kHttp = Metrics::Transport::kHttp;
constexpr auto kGrpc = Metrics::Transport::kGrpc;

// `line` alone on a line.
auto HasLine(const std::string& line) { return HasSubstr("\n" + line + "\n"); }

TEST(Metrics, HasAllNamesOfTheContractFromTheStart) {
  const std::string text = Metrics().Scrape({});
  for (const char* name : {"messages_published_total",
                           "publish_rejected_total",
                           "publish_retries_total",
                           "publish_seconds",
                           "delivery_attempts_total",
                           "delivery_failures_total",
                           "deliveries_acked_total",
                           "ack_seconds",
                           "undelivered",
                           "undelivered_oldest_seconds",
                           "parked",
                           "blocked_subscriptions",
                           "outbox_depth",
                           "outbox_oldest_seconds",
                           "sessions",
                           "session_closes_total",
                           "replay_deliveries_total",
                           "log_last_position",
                           "store_bytes",
                           "disk_free_bytes",
                           "messages_unheard",
                           "journal_bytes",
                           "journal_oldest_seconds"}) {
    EXPECT_THAT(text, HasSubstr("# HELP ackwire_" + std::string(name) + " "));
    EXPECT_THAT(text, HasSubstr("# TYPE ackwire_" + std::string(name) + " "));
  }
}

TEST(Metrics, CountsWhatHasNotHappenedAtZero) {
  const std::string text = Metrics().Scrape({});
  EXPECT_THAT(text, HasLine("ackwire_messages_published_total 0"));
  for (const char* result : {"acked", "failed", "recalled"}) {
    EXPECT_THAT(
        text, HasLine("ackwire_delivery_attempts_total{result=\"" + std::string(result) + "\"} 0"));
  }
  for (int reason = v1::Reason_MIN + 1; reason <= v1::Reason_MAX; ++reason) {
    EXPECT_THAT(text, HasLine("ackwire_delivery_failures_total{reason=\"" +
                              LabelOf(static_cast<v1::Reason>(reason)) + "\"} 0"));
  }
  for (const char* code : {"1001", "1006", "1012", "4001", "4007", "4500", "4502"}) {
    EXPECT_THAT(text,
                HasLine("ackwire_session_closes_total{code=\"" + std::string(code) + "\"} 0"));
  }
  EXPECT_THAT(
      text,
      HasLine("ackwire_publish_rejected_total{code=\"invalid_argument\",transport=\"grpc\"} 0"));
  EXPECT_THAT(text, HasLine("ackwire_sessions{transport=\"websocket\"} 0"));
}

TEST(Metrics, TellsStoredDuplicateAndRefusedPublishesApart) {
  Metrics metrics;
  metrics.PublishAnswered(OkStatus(), kHttp, Duration(2));
  metrics.PublishAnswered(OkStatus(), kGrpc, Duration(2));
  metrics.PublishAnswered(OkStatus(), kHttp, Duration(2), Metrics::Stored::kBefore);
  metrics.PublishAnswered(Error(StatusCode::kAborted, "x"), kHttp, Duration(20'000));
  metrics.PublishRetried();
  const std::string text = metrics.Scrape({});
  EXPECT_THAT(text, HasLine("ackwire_messages_published_total 2"));
  EXPECT_THAT(text,
              HasLine("ackwire_publish_rejected_total{code=\"aborted\",transport=\"http\"} 1"));
  metrics.PublishAnswered(DiskFull(""), kHttp, Duration(2));
  EXPECT_THAT(metrics.Scrape({}),
              HasLine("ackwire_publish_rejected_total{code=\"disk_full\",transport=\"http\"} 1"));
  EXPECT_THAT(text,
              HasLine("ackwire_publish_rejected_total{code=\"aborted\",transport=\"grpc\"} 0"));
  EXPECT_THAT(text, HasLine("ackwire_publish_retries_total 1"));
  EXPECT_THAT(text, HasLine("ackwire_publish_seconds_count 4"));
  EXPECT_THAT(text, HasLine("ackwire_publish_seconds_bucket{le=\"0.001\"} 0"));
  EXPECT_THAT(text, HasLine("ackwire_publish_seconds_bucket{le=\"10\"} 3"));
}

TEST(Metrics, CountsDeliveries) {
  Metrics metrics;
  metrics.AttemptEnded("acked", 3);
  metrics.AttemptEnded("failed");
  metrics.AttemptEnded("recalled", 2);
  metrics.DeliveriesFailed(v1::REASON_ACK_TIMEOUT, 4);
  metrics.DeliveriesAcked(3);
  metrics.AckedAfter(Duration(700), 3);
  const std::string text = metrics.Scrape({});
  EXPECT_THAT(text, HasLine("ackwire_delivery_attempts_total{result=\"acked\"} 3"));
  EXPECT_THAT(text, HasLine("ackwire_delivery_attempts_total{result=\"failed\"} 1"));
  EXPECT_THAT(text, HasLine("ackwire_delivery_attempts_total{result=\"recalled\"} 2"));
  EXPECT_THAT(text, HasLine("ackwire_delivery_failures_total{reason=\"ack_timeout\"} 4"));
  EXPECT_THAT(text, HasLine("ackwire_deliveries_acked_total 3"));
  EXPECT_THAT(text, HasLine("ackwire_ack_seconds_bucket{le=\"0.5\"} 0"));
  EXPECT_THAT(text, HasLine("ackwire_ack_seconds_bucket{le=\"1\"} 3"));
}

TEST(Metrics, CountsCloseCodesOfClientsOwnMakingTogether) {
  Metrics metrics;
  metrics.SessionClosed(1000);
  metrics.SessionClosed(4502);
  for (std::uint16_t code = 3000; code < 3100; ++code) metrics.SessionClosed(code);
  const std::string text = metrics.Scrape({});
  EXPECT_THAT(text, HasLine("ackwire_session_closes_total{code=\"1000\"} 1"));
  EXPECT_THAT(text, HasLine("ackwire_session_closes_total{code=\"4502\"} 1"));
  EXPECT_THAT(text, HasLine("ackwire_session_closes_total{code=\"other\"} 100"));
  EXPECT_THAT(text, Not(HasSubstr("code=\"3000\"")));
}

TEST(Metrics, ShowsTheGaugesOfTheMoment) {
  Metrics metrics;
  (void)metrics.Scrape({.parked = 9});
  const std::string text = metrics.Scrape({.undelivered_online = 1,
                                           .undelivered_offline = 2,
                                           .oldest_online_seconds = 0.5,
                                           .oldest_offline_seconds = 4,
                                           .parked = 5,
                                           .blocked_subscriptions = 6,
                                           .outbox_depth = 7,
                                           .outbox_oldest_seconds = 1.5,
                                           .websocket_sessions = 8,
                                           .sse_sessions = 14,
                                           .log_last_position = 12'345'678,
                                           .store_bytes = 10,
                                           .disk_free_bytes = 11,
                                           .unheard = 13,
                                           .journal_bytes = 12,
                                           .journal_oldest_seconds = 2.5});
  for (const char* line :
       {"undelivered{presence=\"online\"} 1", "undelivered{presence=\"offline\"} 2",
        "undelivered_oldest_seconds{presence=\"online\"} 0.5",
        "undelivered_oldest_seconds{presence=\"offline\"} 4", "parked 5", "blocked_subscriptions 6",
        "outbox_depth 7", "outbox_oldest_seconds 1.5", "sessions{transport=\"websocket\"} 8",
        "sessions{transport=\"sse\"} 14", "log_last_position 12345678", "store_bytes 10",
        "disk_free_bytes 11", "messages_unheard 13", "journal_bytes 12",
        "journal_oldest_seconds 2.5"}) {
    EXPECT_THAT(text, HasLine("ackwire_" + std::string(line)));
  }
}

TEST(Labels, AreLowerCaseWithoutPrefix) {
  EXPECT_EQ(LabelOf(v1::REASON_ACK_TIMEOUT), "ack_timeout");
  EXPECT_EQ(LabelOf(v1::DELIVERY_STATE_IN_FLIGHT), "in_flight");
  EXPECT_EQ(LabelOf(StatusCode::kFailedPrecondition), "failed_precondition");
  EXPECT_EQ(LabelOf(static_cast<v1::Reason>(999)), "999");
}

}  // namespace
}  // namespace ackwire
