#include "delivery/admission.h"

#include <absl/strings/match.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "delivery/json_schema.h"

namespace ackwire {
namespace {

// Without parameters: "application/json; charset=utf-8" is application/json.
std::string MediaType(const std::string& content_type) {
  const std::string type = content_type.substr(0, content_type.find(';'));
  return type.substr(0, type.find_last_not_of(" \t") + 1);
}

Status CheckContentType(const ChannelPolicy& policy, const v1::Message& draft) {
  const auto& allowed = policy.content_types;
  const std::string type = MediaType(draft.content_type());
  const bool fits = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
    return absl::EqualsIgnoreCase(each, type);
  });
  if (allowed.empty() || fits) return OkStatus();
  return InvalidArgument(fmt::format("content_type: channel {} takes {}, got \"{}\"",
                                     draft.channel(), fmt::join(allowed, " or "),
                                     draft.content_type()));
}

Status CheckType(const ChannelPolicy& policy, const v1::Message& draft) {
  const auto& allowed = policy.types;
  const bool fits = std::find(allowed.begin(), allowed.end(), draft.type()) != allowed.end();
  if (allowed.empty() || fits) return OkStatus();
  return InvalidArgument(fmt::format("type: channel {} takes {}, got {}", draft.channel(),
                                     fmt::join(allowed, ", "), draft.type()));
}

}  // namespace

Status Admit(const Policies& policies, PublishWork& work) {
  const v1::Message& draft = work.draft;
  const std::shared_ptr<const ChannelPolicy> policy = policies.For(draft.channel());
  if (draft.kind() != v1::KIND_DELETED) {
    Status status = CheckContentType(*policy, draft);
    if (status.ok()) status = CheckType(*policy, draft);
    const bool described =
        policy->schema != nullptr &&
        absl::EqualsIgnoreCase(MediaType(draft.content_type()), "application/json");
    if (status.ok() && described) status = policy->schema->Check(draft.payload());
    if (!status.ok()) return status;
    if (!work.ttl) work.ttl = policy->ttl;
  }
  return OkStatus();
}

}  // namespace ackwire
