#include "store/writer_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "store/store.h"
#include "tests/unit/failing_env.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

Work Publish(const std::string& channel, const std::string& payload,
             std::function<void(const StatusOr<Published>&)> done) {
  Work work = TestStore::PublishWorkOf(channel, payload);
  std::get<PublishWork>(work).done = std::move(done);
  return work;
}

// Waits for the answer.
StatusOr<Published> PublishNow(WriterQueue& writer, const std::string& payload) {
  std::promise<StatusOr<Published>> answer;
  writer.Submit(Publish("room/1", payload,
                        [&](const StatusOr<Published>& outcome) { answer.set_value(outcome); }));
  return answer.get_future().get();
}

// The writer's thread on a store, with what its listeners heard.
class Writing {
 public:
  Writing()
      : queue(store.writer(),
              {.committed = [this](const SharedGroup& group) { groups.push_back(group); },
               .failed = [this](const Status& why) { failures.push_back(why); }}),
        thread(queue) {}

  // Keeps the writer busy until `release` counts down; returns once it is.
  void Hold() {
    auto held = std::make_shared<std::promise<void>>();
    queue.Submit(Publish("held", "x", [this, held](const StatusOr<Published>&) {
      held->set_value();
      release.wait();
    }));
    held->get_future().get();
  }

  TestStore store;
  std::vector<SharedGroup> groups;  // of the writer's thread; read after Stop
  std::vector<Status> failures;     // likewise
  std::latch release{1};
  WriterQueue queue;
  WriterThread thread;
};

TEST(WriterThread, AnswersAfterTheCommit) {
  Writing writing;
  const StatusOr<Published> published = PublishNow(writing.queue, "hi");
  EXPECT_EQ(published->position, Position{1});
  EXPECT_EQ(writing.store.log().ReadAt({1}).value().message.payload(), "hi");
  writing.thread.Stop();
  ASSERT_EQ(writing.groups.size(), 1U);
  EXPECT_EQ(writing.groups[0]->last, Position{1});
}

TEST(WriterThread, GathersTheNextGroupWhileItWrites) {
  Writing writing;
  writing.Hold();
  for (int i = 0; i < 100; ++i) {
    writing.queue.Submit(TestStore::PublishWorkOf("room/1", std::to_string(i)));
  }
  writing.release.count_down();
  writing.thread.Stop();
  ASSERT_EQ(writing.groups.size(), 2U);
  EXPECT_EQ(writing.groups[1]->messages.size(), 100U);
}

TEST(WriterThread, AnswersEverySubmitterInItsOrder) {
  constexpr int kSubmitters = 4;
  constexpr int kWorks = 500;
  Writing writing;
  std::vector<std::vector<Published>> answers(kSubmitters);
  std::vector<std::thread> submitters;
  for (int who = 0; who < kSubmitters; ++who) {
    submitters.emplace_back([&writing, &mine = answers[static_cast<std::size_t>(who)], who] {
      for (int i = 0; i < kWorks; ++i) {
        writing.queue.Submit(Publish(
            "room/" + std::to_string(who), "hi",
            [&mine](const StatusOr<Published>& outcome) { mine.push_back(outcome.value()); }));
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  writing.thread.Stop();
  std::set<Position> positions;
  for (const std::vector<Published>& mine : answers) {
    ASSERT_EQ(mine.size(), static_cast<std::size_t>(kWorks));
    for (std::size_t i = 0; i < mine.size(); ++i) {
      EXPECT_EQ(mine[i].seq, Seq{i + 1});
      positions.insert(mine[i].position);
    }
  }
  EXPECT_EQ(positions.size(), static_cast<std::size_t>(kSubmitters * kWorks));
  EXPECT_EQ(*positions.rbegin(), Position{kSubmitters * kWorks});
  Position last;
  for (const SharedGroup& group : writing.groups) {
    EXPECT_EQ(group->messages.front().position(), Position{last.value + 1});
    last = group->last;
  }
}

TEST(WriterThread, RefusesPublishersWhenItsQueueIsFull) {
  Writing writing;
  writing.Hold();
  const std::string payload(256 * 1024, 'x');
  std::optional<Status> refused;
  std::uint64_t taken = 0;
  for (; !refused && taken <= kQueuedBytesMax / payload.size(); ++taken) {
    writing.queue.Submit(Publish("room/1", payload, [&](const StatusOr<Published>& outcome) {
      if (!outcome.ok()) refused = outcome.status();
    }));
  }
  ASSERT_TRUE(refused.has_value()) << "refused at once, while the writer is busy";
  EXPECT_EQ(refused->code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(*refused), HasSubstr("the writer's queue is full"));
  EXPECT_GT(taken, 250U);

  std::optional<Status> subscribed;
  Work subscribe = TestStore::SubscribeWorkOf(
      std::vector<SubscribeRequest>(5000, {"alice", std::string(100, 'c'), {}}));
  std::get<SubscribeWork>(subscribe).done = [&](const auto& outcome) {
    subscribed = outcome.status();
  };
  writing.queue.Submit(std::move(subscribe));
  EXPECT_EQ(subscribed->code(), StatusCode::kResourceExhausted);

  std::optional<Status> recorded;
  Work journal = TestStore::JournalWorkOf({events::SessionOpened("alice")});
  std::get<JournalWork>(journal).done = [&](const auto& outcome) { recorded = outcome.status(); };
  writing.queue.Submit(std::move(journal));
  EXPECT_EQ(recorded, std::nullopt) << "what happened is always taken";
  writing.release.count_down();
  writing.thread.Stop();
  ASSERT_TRUE(recorded.has_value());
  EXPECT_TRUE(recorded->ok());
  EXPECT_TRUE(writing.store.ledger().Client("alice")->known);
}

TEST(WriterThread, CommitsWhatIsQueuedAndRefusesTheRestWhenItStops) {
  Writing writing;
  writing.Hold();
  std::optional<StatusOr<Published>> queued;
  writing.queue.Submit(
      Publish("room/1", "hi", [&](const StatusOr<Published>& outcome) { queued = outcome; }));
  writing.release.count_down();
  writing.thread.Stop();
  EXPECT_TRUE(queued->ok());
  const StatusOr<Published> late = PublishNow(writing.queue, "late");
  EXPECT_EQ(late.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(MessageOf(late.status()), "the server is stopping");
}

TEST(WriterThread, RefusesEverythingAfterItWasFailed) {
  Writing writing;
  writing.queue.Fail(Error(StatusCode::kUnavailable, "the disk is gone"));
  writing.queue.Fail(Error(StatusCode::kUnavailable, "and again"));
  EXPECT_EQ(MessageOf(PublishNow(writing.queue, "hi").status()), "the disk is gone");
  writing.thread.Stop();
  EXPECT_EQ(writing.failures.size(), 1U);
  EXPECT_EQ(writing.store.derived().last_position(), Position{0});
}

TEST(WriterThread, TakesNoMoreWritesAfterAFailedSync) {
  const TemporaryDirectory directory;
  const ManualClock clock;
  FailingEnv env;
  std::vector<Status> failures;
  {
    const auto store =
        Store::Open({.directory = directory.path() / "data", .clock = clock, .env = &env});
    ASSERT_TRUE(store.ok()) << store.status();
    (*store)->Start({.committed = [](const SharedGroup&) {},
                     .failed = [&](const Status& why) { failures.push_back(why); }});
    const auto publish = [&](const std::string& payload) {
      std::promise<Status> answer;
      (*store)->Submit(Publish("room/1", payload, [&](const StatusOr<Published>& outcome) {
        answer.set_value(outcome.status());
      }));
      return answer.get_future().get();
    };
    EXPECT_TRUE(publish("before").ok());
    env.FailSyncs();
    const Status failed = publish("during");
    EXPECT_EQ(failed.code(), StatusCode::kUnavailable);
    EXPECT_THAT(MessageOf(failed), HasSubstr("the log takes no more writes"));
    EXPECT_THAT(MessageOf(failed), HasSubstr("the disk is gone"));
    EXPECT_EQ(publish("after"), failed) << "refused at once, by the same name";
    EXPECT_EQ((*store)->derived().last_position(), Position{1});
    EXPECT_FALSE((*store)->log().ReadAt({2}).ok()) << "no reader goes beyond the last sync";
  }
  EXPECT_EQ(failures.size(), 1U);
}

}  // namespace
}  // namespace ackwire
