#include "tools/ackwired/past_answers.h"

#include <memory>
#include <optional>
#include <utility>

#include "delivery/gather_past.h"
#include "delivery/message_json.h"
#include "delivery/past_delivery.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "tools/ackwired/past_client_view.h"

namespace ackwire {
namespace {

Status CheckTime(Timestamp at, Timestamp now) {
  if (at <= now) return OkStatus();
  return InvalidArgument("at: " + FormatTime(at) + " is in the future; it is " + FormatTime(now) +
                         " now");
}

// What is asked about a client at an earlier time, while the journal is walked for it: first what
// is in flight now; then the journal, page by page, so that others get at the read pool in between.
class Question : public std::enable_shared_from_this<Question> {
 public:
  Question(const ServiceDependencies& deps, std::string client, StillWanted wanted)
      : deps_(deps), client_(std::move(client)), wanted_(std::move(wanted)) {}
  virtual ~Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  void Ask() {
    deps_.delivery.AskInFlight(client_,
                               [self = shared_from_this()](std::vector<AckWindow::Sent> in_flight) {
                                 self->in_flight_ = std::move(in_flight);
                                 self->deps_.delivery.Read([self] { self->Begin(); });
                               });
  }

 protected:
  virtual void BeginWith(const JournalReader::Beginning& beginning) = 0;
  virtual void Add(const JournalEvent& event) = 0;
  virtual const PastClient& past() const = 0;
  // It ends here, well or not. Well: with what is in flight now.
  virtual void Answer(const Status& status) = 0;

  const ServiceDependencies deps_;
  const std::string client_;
  std::vector<AckWindow::Sent> in_flight_;

 private:
  void Begin() {
    walk_.emplace(deps_.store, client_, past(),
                  PastWalk::Told{[this](const auto& beginning) { BeginWith(beginning); },
                                 [this](const auto& event) { Add(event); }});
    RunSteps(deps_.delivery,
             {.step = [self = shared_from_this()] { return self->walk_->Step(); },
              .wanted = wanted_,
              .done = [self = shared_from_this()](const Status& status) { self->Answer(status); }});
  }

  const StillWanted wanted_;
  std::optional<PastWalk> walk_;
};

class DeliveryQuestionThen final : public Question {
 public:
  using Done = std::function<void(StatusOr<v1::Delivery>)>;
  DeliveryQuestionThen(const ServiceDependencies& deps, const DeliveryFacts& asked,
                       StillWanted wanted, Done done)
      : Question(deps, asked.client, std::move(wanted)),
        past_(asked, deps.policies.For(asked.channel)->ordering),
        done_(std::move(done)) {}

 private:
  void BeginWith(const JournalReader::Beginning& beginning) override { past_.Begin(beginning); }
  void Add(const JournalEvent& event) override { past_.Add(event); }
  const PastClient& past() const override { return past_.client(); }
  void Answer(const Status& status) override {
    if (!status.ok()) return done_(status);
    past_.AddInFlight(in_flight_);
    const StatusOr<std::optional<Timestamp>> begins = LogBeginsAt(deps_.store);
    if (!begins.ok()) return done_(begins.status());
    done_(ExplainThen(past_.Facts(), *begins));
  }

  PastDelivery past_;
  const Done done_;
};

class ClientQuestionThen final : public Question {
 public:
  using Done = std::function<void(StatusOr<v1::Client>)>;
  ClientQuestionThen(const ServiceDependencies& deps, const std::string& client, Timestamp at,
                     StillWanted wanted, Done done)
      : Question(deps, client, std::move(wanted)), past_(at), done_(std::move(done)) {}

 private:
  void BeginWith(const JournalReader::Beginning& beginning) override { past_.Begin(beginning); }
  void Add(const JournalEvent& event) override { past_.Add(event); }
  const PastClient& past() const override { return past_; }
  void Answer(const Status& status) override {
    if (!status.ok()) return done_(status);
    past_.AddInFlight(in_flight_);
    done_(ViewThen(deps_.store, client_, past_));
  }

  PastClient past_;
  const Done done_;
};

}  // namespace

void AnswerDeliveryThen(const ServiceDependencies& deps, const v1::ExplainDeliveryRequest& request,
                        StillWanted wanted, std::function<void(StatusOr<v1::Delivery>)> done) {
  const Timestamp at = TimeOf(request.at());
  if (Status status = CheckTime(at, deps.clock.Now()); !status.ok()) return done(status);
  const DeliveryQuestion question{.client = request.client(),
                                  .channel = request.channel(),
                                  .seq = Seq{request.seq()},
                                  .message_id = request.message_id()};
  deps.delivery.Read([deps, question, at, wanted = std::move(wanted), done = std::move(done)] {
    StatusOr<DeliveryFacts> asked = GatherMessageThen(deps.store, deps.policies, question, at);
    if (!asked.ok()) return done(asked.status());
    std::make_shared<DeliveryQuestionThen>(deps, *asked, wanted, done)->Ask();
  });
}

void AnswerClientThen(const ServiceDependencies& deps, const v1::GetClientRequest& request,
                      StillWanted wanted, std::function<void(StatusOr<v1::Client>)> done) {
  const Timestamp at = TimeOf(request.at());
  Status status = CheckClientName(request.client());
  if (status.ok()) status = CheckTime(at, deps.clock.Now());
  if (!status.ok()) return done(status);
  std::make_shared<ClientQuestionThen>(deps, request.client(), at, std::move(wanted),
                                       std::move(done))
      ->Ask();
}

}  // namespace ackwire
