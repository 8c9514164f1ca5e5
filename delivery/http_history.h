// Reading by HTTP: a page of a channel's history, or one message of it.
//
// Threads: any; ReadHistory and ReadMessage may block on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "delivery/http_api.h"
#include "delivery/http_target.h"
#include "store/log_reader.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

inline constexpr std::size_t kHistoryLimitDefault = 100;
inline constexpr std::size_t kHistoryLimitMax = 1000;

struct HistoryQuestion {
  std::string channel;
  std::optional<Seq> seq;  // one message; the range is not used
  ReadRange range;
  std::string if_none_match;
  bool is_public = false;  // anyone may cache a page of the past
};

//   kInvalidArgument  names what is wrong: channel, seq, from, limit, reverse
[[nodiscard]] StatusOr<HistoryQuestion> ParseHistoryQuestion(const HttpRequest& request,
                                                             const HttpTarget& target,
                                                             const MessagesPath& path);

// A channel that does not exist has an empty history.
[[nodiscard]] HttpResponse ReadHistory(const Store& store, const HistoryQuestion& question);
[[nodiscard]] HttpResponse ReadMessage(const Store& store, const HistoryQuestion& question);

// What If-None-Match asks: a list of tags, weak or strong, or `*`.
[[nodiscard]] bool MatchesAny(std::string_view if_none_match, std::string_view etag);

}  // namespace ackwire
