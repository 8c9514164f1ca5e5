#include "tests/simulation/world.h"

#include "delivery/session.h"
#include "tests/simulation/server.h"

namespace ackwire {

World::World(std::uint64_t seed) : rng(seed), env(seed, Compactions::kByHand, OptionsFiles::kNone) {
  policy.ack_wait = Wait(60, 200);
  policy.retry.backoff = {Duration(20), Duration(60), Duration(100)};
  policy.retry.max_attempts = static_cast<std::uint32_t>(2 + Below(3));
  policy.max_disconnects = static_cast<std::uint32_t>(2 + Below(3));
  policy.ordering = OneIn(3) ? Ordering::kUnordered : Ordering::kOrdered;
  session_policy = {.ping_interval = Duration(150),
                    .ping_timeout = Duration(260),
                    .write_stall = Duration(120),
                    .connect_timeout = Duration(250),
                    .resume_within = Duration(400)};
  const std::uint64_t rooms = 1 + Below(4);
  for (std::uint64_t i = 1; i <= rooms; ++i) channels.push_back("room/" + std::to_string(i));
  const std::uint64_t people = 2 + Below(3);
  for (std::uint64_t i = 1; i <= people; ++i) clients.push_back("client-" + std::to_string(i));
}

World::~World() = default;

std::shared_ptr<Session> World::MakeSession(Hub& hub, Outlet& outlet) {
  const std::pmr::polymorphic_allocator<Session> memory(&session_memory);
  return std::allocate_shared<Session>(memory, hub, outlet, frame::JsonProtocol(),
                                       SessionIdentity{.transport = "websocket"});
}

StartAt World::AnyStart() {
  StartAt start;
  start.kind = static_cast<StartAt::Kind>(Below(3));
  if (start.kind == StartAt::Kind::kSeq) start.seq = Seq{1 + Below(30)};
  const char* const kinds[] = {"subscribed from new", "subscribed from first",
                               "subscribed from a seq"};
  findings.Event(kinds[static_cast<std::size_t>(start.kind)]);
  return start;
}

}  // namespace ackwire
