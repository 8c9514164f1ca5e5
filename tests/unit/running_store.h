// RunningStore is a whole store with its threads, in a directory of its own. Each call waits until
// what it writes is on disk.
#pragma once

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"
#include "tests/unit/manual_clock.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {

class RunningStore {
 public:
  // `env`: null is the real file system.
  explicit RunningStore(rocksdb::Env* env = nullptr) {
    auto opened =
        Store::Open({.directory = directory_.path() / "data", .clock = clock_, .env = env});
    if (!opened.ok()) throw std::runtime_error(opened.status().ToString());
    store_ = *std::move(opened);
    store_->Start({[](const SharedGroup&) {}, [](const Status&) {}});
  }

  Published Publish(const std::string& channel, const std::string& payload,
                    const PublishOptions& options = {}) {
    return Do(std::get<PublishWork>(TestStore::PublishWorkOf(channel, payload, options))).value();
  }
  void Subscribe(const std::string& client, const std::string& channel, StartAt start = {}) {
    SubscribeWork work;
    work.requests = {{client, channel, start}};
    (void)Do(std::move(work)).value();
  }
  void Record(std::vector<store::Event> events) {
    JournalWork work;
    work.events = std::move(events);
    (void)Do(std::move(work)).value();
  }

  ChannelId IdOf(const std::string& channel) const {
    return store_->derived().Read([&](const DerivedView& view) {
      const ChannelInfo* info = view.channels.Find(channel);
      return info == nullptr ? ChannelId{} : info->id;
    });
  }

  Store& store() { return *store_; }
  // Where `data` is, and there is room for more.
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  ManualClock& clock() { return clock_; }

 private:
  template <typename W>
  decltype(W::outcome) Do(W work) {
    using Outcome = decltype(W::outcome);
    std::promise<Outcome> answered;
    work.done = [&answered](const Outcome& outcome) { answered.set_value(outcome); };
    store_->Submit(std::move(work));
    return answered.get_future().get();
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace ackwire
