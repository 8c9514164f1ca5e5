#include "tools/ackctl/no_match.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <memory>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

using Deliveries = v1::DeliveryService::Stub;

bool IsClient(const Connection& connection, Deliveries& deliveries, const std::string& name) {
  v1::GetClientRequest request;
  request.set_client(name);
  v1::Client client;
  const auto call = connection.NewContext();
  return deliveries.GetClient(call.get(), request, &client).error_code() !=
         grpc::StatusCode::NOT_FOUND;
}

// A channel has no call of its own: it exists when what is not found is not the channel.
bool IsChannel(const Connection& connection, Deliveries& deliveries, const std::string& name) {
  v1::GetReceiptsRequest request;
  request.set_channel(name);
  request.set_seq(1);
  v1::Receipts receipts;
  const auto call = connection.NewContext();
  const grpc::Status status = deliveries.GetReceipts(call.get(), request, &receipts);
  return status.error_code() != grpc::StatusCode::NOT_FOUND ||
         !status.error_message().starts_with("channel:");
}

}  // namespace

std::string WhyNoneMatches(const Connection& connection, const v1::FailureFilter& filter) {
  using google::protobuf::util::TimeUtil;
  const auto deliveries = v1::DeliveryService::NewStub(connection.channel());
  const std::string& channel = filter.channel();
  if (!channel.empty() && !channel.ends_with('*') && !IsChannel(connection, *deliveries, channel)) {
    return fmt::format(": there is no channel {}", Escape(channel));
  }
  const std::string& client = filter.client();
  if (!client.empty() && !IsClient(connection, *deliveries, client)) {
    return fmt::format(": there is no client {}; `ackctl clients` names them", Escape(client));
  }
  const bool is_future = filter.has_since() && filter.since() > TimeUtil::GetCurrentTime();
  return is_future ? ": --since is in the future" : "";
}

std::string FromWhenOnRecord(const Connection& connection, const v1::FailureFilter& filter) {
  const auto admin = v1::AdminService::NewStub(connection.channel());
  v1::ServerStatus status;
  const auto call = connection.NewContext();
  const bool told = admin->GetStatus(call.get(), v1::GetStatusRequest(), &status).ok();
  const v1::JournalStatus& journal = status.journal();
  if (!told || !journal.trimmed() || !journal.has_begins_at()) return "";
  if (filter.has_since() && filter.since() >= journal.begins_at()) return "";
  return fmt::format("What failed before {} is no longer on record (--journal-retention-age).\n",
                     FormatTime(journal.begins_at()));
}

}  // namespace ackwire::ctl
