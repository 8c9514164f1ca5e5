#include "delivery/admission.h"

#include <absl/strings/match.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "delivery/find_message.h"
#include "delivery/json_schema.h"
#include "delivery/payload_form.h"

namespace ackwire {
namespace {

Status CheckContentType(const ChannelPolicy& policy, const v1::Message& draft) {
  const auto& allowed = policy.content_types;
  const std::string type(MediaTypeOf(draft.content_type()));
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

Status Check(const ChannelPolicy& policy, const v1::Message& draft) {
  Status status = CheckContentType(policy, draft);
  if (status.ok()) status = CheckType(policy, draft);
  const bool described =
      policy.schema != nullptr && FormOf(draft.content_type()) == PayloadForm::kJson;
  if (status.ok() && described) status = policy.schema->Check(draft.payload());
  return status;
}

}  // namespace

Status Admit(const Policies& policies, PublishWork& work) {
  const v1::Message& draft = work.draft;
  const std::shared_ptr<const ChannelPolicy> policy = policies.For(draft.channel());
  if (draft.kind() == v1::KIND_CREATED && !work.ttl) work.ttl = policy->ttl;
  return draft.kind() == v1::KIND_DELETED ? OkStatus() : Check(*policy, draft);
}

void SubmitAdmitted(const Publishing& publishing, PublishWork work) {
  Status refusal = Admit(publishing.policies, work);
  if (refusal.ok()) return publishing.store.Submit(std::move(work));
  if (work.draft.message_id().empty()) return work.done(refusal);
  auto refused = std::make_shared<PublishWork>(std::move(work));
  publishing.read([&store = publishing.store, refused, refusal = std::move(refusal)] {
    const v1::Message& draft = refused->draft;
    const Status stored =
        FindMessage(store, {.channel = draft.channel(), .message_id = draft.message_id()}).status();
    if (stored.ok()) return store.Submit(std::move(*refused));
    refused->done(stored.code() == StatusCode::kNotFound ? refusal : stored);
  });
}

}  // namespace ackwire
