// SessionCalls answers POST /v1/ack, /v1/nack and /v1/working: what the frames of these names say,
// for a client whose session takes no frames, by the same rules. The body names the session, which
// may be on any I/O thread and of any transport.
//
// Threads:  Answer from any; `done` comes on an I/O thread, or within Answer.
// Durable:  an answer of 200 comes once what the call did is on disk.
// Lifetime: borrows the hubs.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/caller.h"
#include "delivery/http_api.h"
#include "delivery/http_target.h"

namespace ackwire {

class Hub;
class Session;

class SessionCalls {
 public:
  void Add(Hub& hub) { hubs_.push_back(&hub); }

  // The frame that a path does the same as; none for any other path.
  [[nodiscard]] static std::optional<std::string> CallOf(const HttpTarget& target);

  void Answer(const std::string& call, std::string_view body, const Caller& caller,
              HttpApi::Done done) const;

 private:
  struct Asked;
  void Find(std::size_t hub, const std::shared_ptr<const Asked>& asked) const;
  static void Act(Hub& hub, Session& session, const Asked& asked);

  std::vector<Hub*> hubs_;
};

}  // namespace ackwire
