// What a hub's sessions are told of their users' messages (delivery/receipt_watch.h).

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "delivery/hub.h"
#include "delivery/session.h"
#include "store/limits.h"

namespace ackwire {
namespace {

using Clients = std::vector<std::string>;

// Reads all members, a page in each turn of `read`, then calls `done`.
struct MembersRead {
  const Store& store;
  const std::function<void(std::function<void()>)> read;
  const ChannelId channel;
  const std::function<void(const StatusOr<Clients>&)> done;
  Clients members;
};

void Continue(const std::shared_ptr<MembersRead>& all) {
  constexpr std::size_t kMembersAtOnce = 1024;
  const std::string after = all->members.empty() ? "" : all->members.back();
  const StatusOr<Clients> page =
      all->store.ledger().Members(all->channel, {.after = after, .limit = kMembersAtOnce});
  if (!page.ok()) return all->done(page.status());
  all->members.insert(all->members.end(), page->begin(), page->end());
  if (page->size() < kMembersAtOnce) return all->done(std::move(all->members));
  all->read([all] { Continue(all); });
}

}  // namespace

void Hub::WatchReceipts(Session& session) {
  receipts_.Add(session, std::string(UserOf(session.client())));
}

void Hub::ReadMembers(ChannelId channel) {
  const auto arrived =
      Posting<std::pair<StatusOr<Clients>, JournalNumber>>([this, channel](const auto& answer) {
        const auto& [members, up_to] = answer;
        if (members.ok()) {
          receipts_.OnMembers(channel, *members, up_to);
        } else {
          spdlog::error("no receipts are told of a channel: {}", MessageOf(members.status()));
          receipts_.OnNoMembers(channel);
        }
        ArmReceipts();
      });
  // The number is asked for last: what was read is not newer.
  const auto done = [&store = deps_.store, arrived](const StatusOr<Clients>& members) {
    arrived({members, store.derived().last_number()});
  };
  auto all =
      std::shared_ptr<MembersRead>(new MembersRead{deps_.store, deps_.read, channel, done, {}});
  deps_.read([all = std::move(all)] { Continue(all); });
}

void Hub::ArmReceipts() {
  const auto next = receipts_.NextFrame();
  if (!next || (receipts_armed_ && *receipts_armed_ <= *next)) return;
  receipts_armed_ = *next;
  receipts_timer_->Arm(std::max(*next - now(), Duration(0)), [this] {
    receipts_armed_.reset();
    for (Session* session : receipts_.Due(now())) {
      const auto self = session->shared_from_this();  // it may end by what it writes
      session->SendReceipts(receipts_);
    }
    ArmReceipts();
  });
}

}  // namespace ackwire
