#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "delivery/client_frame.h"
#include "delivery/strict_json.h"

namespace ackwire::frame {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kUint32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kUint64Max = std::numeric_limits<std::uint64_t>::max();

// What stands there instead of what should. Of a text only that it is one: it may be a token.
std::string Found(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  return json::serialize(value);
}

// A JSON number without fraction or exponent; none for anything else, and for what is below zero.
std::optional<std::uint64_t> WholeNumber(const json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) {
    return static_cast<std::uint64_t>(value.get_int64());
  }
  return std::nullopt;
}

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

std::string WholeNumberIn(const Range& range) {
  return "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max);
}

// Reads the fields of one object. The first that breaks a rule is kept in `status`; what is read of
// it, and of an absent field, is empty.
class Fields {
 public:
  // `path` is what stands before a field's name in errors.
  Fields(const json::object& object, std::string path, Status& status)
      : object_(object), path_(std::move(path)), status_(status) {}

  [[nodiscard]] bool Has(std::string_view name) const { return object_.contains(Key(name)); }

  std::uint64_t Number(std::string_view name, const Range& range) {
    const json::value* value = Find(name);
    if (value == nullptr) return 0;
    const std::optional<std::uint64_t> number = WholeNumber(*value);
    if (number && *number >= range.min && *number <= range.max) return *number;
    MustBe(name, WholeNumberIn(range), *value);
    return 0;
  }

  std::uint32_t Number32(std::string_view name) {
    return static_cast<std::uint32_t>(Number(name, {0, kUint32Max}));
  }

  bool Flag(std::string_view name) {
    const json::value* value = Find(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) MustBe(name, "true or false", *value);
    return value->is_bool() && value->get_bool();
  }

  std::string Text(std::string_view name) {
    const json::value* value = Find(name);
    if (value == nullptr) return "";
    if (value->is_string()) return std::string(value->get_string());
    MustBe(name, "a string", *value);
    return "";
  }

  const json::array* List(std::string_view name) {
    const json::value* value = Find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) MustBe(name, "a list", *value);
    return value->if_array();
  }

  const json::object* Object(std::string_view name) {
    const json::value* value = Find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) MustBe(name, "an object", *value);
    return value->if_object();
  }

  std::vector<std::uint64_t> Deliveries() {
    std::vector<std::uint64_t> numbers;
    const json::array* list = List("deliveries");
    if (list == nullptr) return numbers;
    for (const json::value& element : *list) {
      const std::optional<std::uint64_t> number = WholeNumber(element);
      if (!number) {
        MustBe("deliveries[" + std::to_string(numbers.size()) + "]", WholeNumberIn({0, kUint64Max}),
               element);
        return {};
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  StartAt Start() {
    const json::value* value = Find("from");
    if (value == nullptr) return {};
    if (value->is_string() && value->get_string() == "new") return {};
    if (value->is_string() && value->get_string() == "first") {
      return {.kind = StartAt::Kind::kFirst};
    }
    const std::optional<std::uint64_t> seq = WholeNumber(*value);
    if (seq && *seq > 0) return {.kind = StartAt::Kind::kSeq, .seq = Seq{*seq}};
    MustBe("from", "\"new\", \"first\" or a seq, from 1", *value);
    return {};
  }

  void Refuse(std::string_view name, const std::string& what) {
    if (status_.ok()) status_ = InvalidArgument(path_ + std::string(name) + ": " + what);
  }

 private:
  static json::string_view Key(std::string_view name) { return {name.data(), name.size()}; }

  const json::value* Find(std::string_view name) const { return object_.if_contains(Key(name)); }

  void MustBe(std::string_view name, const std::string& what, const json::value& found) {
    Refuse(name, "must be " + what + ", got " + Found(found));
  }

  const json::object& object_;
  const std::string path_;
  Status& status_;
};

// Each reads the fields of the frame it is named after.

Subscribe ReadSubscribe(Fields& fields) {
  return {fields.Number32("id"), fields.Text("channel"), fields.Start()};
}

Unsubscribe ReadUnsubscribe(Fields& fields) {
  return {fields.Number32("id"), fields.Text("channel")};
}

std::vector<Subscribe> ReadSubscriptions(Fields& fields, Status& status) {
  std::vector<Subscribe> subscriptions;
  const json::array* list = fields.List("subscriptions");
  if (list == nullptr) return subscriptions;
  for (const json::value& element : *list) {
    const std::string path = "subscriptions[" + std::to_string(subscriptions.size()) + "]";
    const json::object* object = element.if_object();
    if (object == nullptr) {
      status = InvalidArgument(path + ": must be an object, got " + Found(element));
      return {};
    }
    Fields of_one(*object, path + ".", status);
    subscriptions.push_back(ReadSubscribe(of_one));
    if (!status.ok()) return {};
  }
  return subscriptions;
}

Connect ReadConnect(Fields& fields, Status& status) {
  Connect connect;
  connect.client = fields.Text("client");
  connect.window = fields.Number32("window");
  if (const json::object* resume = fields.Object("resume")) {
    Fields of_resume(*resume, "resume.", status);
    connect.resume = {of_resume.Text("session"), of_resume.Number("delivery", {0, kUint64Max})};
  }
  connect.subscriptions = ReadSubscriptions(fields, status);
  connect.max_frame_bytes = fields.Number32("maxFrameBytes");
  connect.token = fields.Text("token");
  connect.receipts = fields.Flag("receipts");
  return connect;
}

Ack ReadAck(Fields& fields) {
  Ack ack{.id = fields.Number32("id")};
  if (fields.Has("upTo") && fields.Has("deliveries")) {
    fields.Refuse("deliveries", "an ack has either these or upTo, this has both");
  } else if (fields.Has("upTo")) {
    ack.up_to = fields.Number("upTo", {1, kUint64Max});
  } else {
    ack.deliveries = fields.Deliveries();
  }
  return ack;
}

Nack ReadNack(Fields& fields) {
  Nack nack{.deliveries = fields.Deliveries(), .reason = fields.Text("reason")};
  nack.delay = Duration(fields.Number("delayMs", {0, kNackDelayMsMax}));
  nack.final = fields.Flag("final");
  return nack;
}

std::string QuotedType(const std::string& type) {
  constexpr std::size_t kQuotedBytesMax = 64;
  return type.size() <= kQuotedBytesMax ? "\"" + type + "\""
                                        : "a string of " + std::to_string(type.size()) + " bytes";
}

// The id of a frame that is refused, whatever its type; 0 when it has none.
std::uint32_t IdOf(const json::object& object) {
  Status ignored;
  return Fields(object, "", ignored).Number32("id");
}

ClientFrame ReadFrame(const json::object& object, const std::string& type) {
  Status status;
  Fields fields(object, "", status);
  ClientFrame frame;
  if (type == "connect") {
    frame = ReadConnect(fields, status);
  } else if (type == "subscribe") {
    frame = ReadSubscribe(fields);
  } else if (type == "unsubscribe") {
    frame = ReadUnsubscribe(fields);
  } else if (type == "ack") {
    frame = ReadAck(fields);
  } else if (type == "nack") {
    frame = ReadNack(fields);
  } else if (type == "working") {
    frame = Working{fields.Deliveries()};
  } else if (type == "pong") {
    frame = Pong{};
  } else if (type == "refresh") {
    frame = Refresh{fields.Number32("id"), fields.Text("token")};
  } else {
    status = UnknownType(QuotedType(type));
  }
  if (status.ok()) status = Check(frame);
  if (status.ok()) return frame;
  return Refused{type, IdOf(object), status};
}

// As the body of a call: of its frame's fields all but `type`, and the session.
StatusOr<SessionCall> ReadCall(const json::object& object, std::string_view type) {
  Status status;
  Fields fields(object, "", status);
  SessionCall call{.session = fields.Text("session")};
  if (call.session.empty()) fields.Refuse("session", "must be the one that `welcome` names");
  if (type == "ack") {
    call.answer = ReadAck(fields);
  } else if (type == "nack") {
    call.answer = ReadNack(fields);
  } else {
    call.answer = Working{fields.Deliveries()};
  }
  if (status.ok()) {
    status = std::visit([](const auto& answer) { return Check(ClientFrame(answer)); }, call.answer);
  }
  if (!status.ok()) return status;
  return call;
}

}  // namespace

StatusOr<SessionCall> ParseCall(std::string_view type, std::string_view body) {
  const StatusOr<json::value> value = ParseStrictJson(body, "body");
  if (!value.ok()) return value.status();
  const json::object* object = value->if_object();
  if (object == nullptr) {
    return InvalidArgument("body: must be a JSON object, got " + Found(*value));
  }
  return ReadCall(*object, type);
}

ClientFrame ParseJson(std::string_view text) {
  const StatusOr<json::value> value = ParseStrictJson(text, "frame");
  if (!value.ok()) return Malformed{MessageOf(value.status())};
  const json::object* object = value->if_object();
  if (object == nullptr) return Malformed{"frame: must be a JSON object, got " + Found(*value)};
  const json::value* type = object->if_contains("type");
  if (type == nullptr || !type->is_string()) {
    return Malformed{"frame: must have a string `type`, " +
                     (type == nullptr ? "has none" : "got " + Found(*type))};
  }
  return ReadFrame(*object, std::string(type->get_string()));
}

}  // namespace ackwire::frame
