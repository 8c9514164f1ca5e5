"""Planted faults for source_rules.py: every rule must find each of its own, and a clean tree
must pass."""

import tempfile
from pathlib import Path

import source_rules

CLEAN = {
    "store/README.md": "Reading order: `log.h/.cc`, `status.h`.\n",
    "store/log.h": """#pragma once
#include <rocksdb/db.h>
#include "ackwire/v1/message.pb.h"
#include "absl/strings/str_cat.h"
#include "store/status.h"
// A comment may speak of rand() and system_clock.
class Log {
 public:
  [[nodiscard]] Status Append(int count);
  [[nodiscard]] virtual StatusOr<std::pair<int, std::vector<int>>> Read(
      int from) const = 0;
  void Fail(Status status);
  const Status& status() const { return status_; }
  rocksdb::Status Raw(int count);

 private:
  Status status_;
};
""",
    "store/status.h": "#pragma once\nusing Status = absl::Status;\n",
    "store/log.cc": '#include "store/log.h"\nconst char* kText = R"({"a":"rand()"})";\n'
                    "const int kMany = 1'000;\nint operand(int a) { return a; }\n"
                    "int x = operand(1);\n",
    "outbox/README.md": "x\n", "delivery/README.md": "x\n", "tools/README.md": "x\n",
    "proto/README.md": "x\n",
    "delivery/session.cc": "#include <boost/beast.hpp>\n#include <boost/asio/post.hpp>\n",
    "tools/ackwired/main.cc": "#include <grpcpp/grpcpp.h>\nauto t = system_clock::now();\n"
                              "#include \"ackwire/v1/messages.grpc.pb.h\"\n",
    "tests/unit/log_test.cc": "#include <rocksdb/env.h>\nauto t = steady_clock::now();\n",
    "CMakeLists.txt": "",
}

LONG_FUNCTION = ("namespace a {\nstruct B {};\nint F(int a) {\n"
                 + "  if (a > 1) { a--; }\n" * 69 + "  return a;\n}\n}\n")
LONG_SCRIPT = "def f():\n" + "    pass\n" * 71
LEFT = "TO" + "DO"

# rule -> files that break it, one fault each
PLANTS = {
    "layers": [
        {"store/a.cc": '#include "outbox/relay.h"\n'},
        {"store/a.cc": '#include "store/a.h"\n#include "tools/ackctl/table.h"\n'},
        {"delivery/a.cc": '  #  include "tests/unit/fake.h"\n'},
        {"store/a.cc": '#include "log.h"\n'},
        {"store/a.cc": '#include "../store/log.h"\n'},
        {"outbox/a.cc": "#include <rocksdb/db.h>\n"},
        {"store/a.cc": '#include <boost/asio/post.hpp>\n'},
        {"tools/ackctl/a.cc": '#include <boost/beast/core.hpp>\n'},
        {"tools/ackctl/a.cc": '#include "store/keys.h"\n'},
        {"delivery/a.cc": "#include <grpcpp/grpcpp.h>\n"},
        {"delivery/a.cc": '#include "ackwire/v1/messages.grpc.pb.h"\n'},
        {"delivery/a.h": "#include <boost/beast/core.hpp>\n", "delivery/README.md": "`a.h`\n"},
        {"tools/ackwired/a.h": "#include <grpcpp/grpcpp.h>\n", "tools/README.md": "`a.h`\n"},
    ],
    "banned": [
        {"store/a.cc": "auto t = std::chrono::system_clock::now();\n"},
        {"delivery/a.cc": "auto t = std::chrono::steady_clock::now();\n"},
        {"outbox/a.cc": "std::random_device device;\n"},
        {"outbox/a.cc": "int x = std::rand();\n"},
        {"tests/unit/a_test.cc": "int x = rand ();\n"},
        {"tests/unit/a_test.cc": "std::this_thread::sleep_for(1ms);\n"},
        {"store/a.cc": "std::this_thread::sleep_until(t);\n"},
        {"store/a.cc": "usleep(5);\n"},
        {"delivery/a.cc": "co_spawn(io, Loop(), asio::detached);\n"},
        {"delivery/a.cc": "asio::cancellation_signal stop;\n"},
    ],
    "nodiscard": [
        {"store/status.h": "Status Open(int path);\n"},
        {"store/status.h": "class A {\n public:\n  absl::Status Open(int path) override;\n};\n"},
        {"store/status.h": "class A {\n  [[nodiscard]] int F();\n  static StatusOr<std::vector<"
                           "std::pair<int, int>>>\n  Read(Status s);\n};\n"},
    ],
    "sizes": [
        {"store/status.h": "\n" * (source_rules.HEADER_LINES_MAX + 1)},
        {"store/a.cc": "\n" * (source_rules.SOURCE_LINES_MAX + 1)},
        {"tests/support/a.mjs": "\n" * (source_rules.SOURCE_LINES_MAX + 1)},
        {"store/a.cc": "//" + "x" * source_rules.COLUMNS_MAX + "\n"},
        {"store/a.cc": LONG_FUNCTION},
        {"tests/a.py": LONG_SCRIPT},
    ],
    "leftovers": [
        {"store/a.cc": f"// {LEFT}: later\n"},
        {"CMakeLists.txt": f"# {LEFT}\n"},
    ],
    "readmes": [
        {"outbox/relay.h": "#pragma once\n"},
        {"store/README.md": "`log.h`, `status.h` and `gone.h`\n"},
        {"store/README.md": "`catalog.h`, `status.h`\n", "delivery/README.md": "`log.h`\n",
         "store/catalog.h": "\n"},
        {"proto/ackwire/v1/frames.proto": ""},
        {"outbox/README.md": None},
    ],
    "root": [{"notes.txt": ""}, {"scripts/run": ""}],
    "joined": [
        {"store/a.cc": "constexpr int kMost = 1;\n", "store/b.cc": "const int kMost[] = {1};\n"},
        {"store/README.md": "`log.h`, `status.h`, `b.h`\n",
         "store/a.cc": "constexpr int kMost = 1;\n",
         "store/b.h": "inline constexpr int kMost = 2;\n"},
        {"store/a.cc": "struct Row {\n};\n", "store/b.cc": "class Row final : public A {\n};\n"},
        {"store/a.cc": "int Of(const B& b) {\n}\n", "store/b.cc": "bool Of(const B& row) {\n}\n"},
    ],
}


def found_in(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            if text is not None:
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return source_rules.problems(folder)


def self_test():
    failures = [f"the clean tree has {problem}" for problem in found_in(CLEAN)]
    failures += [f"rule {rule} has no sample" for rule in source_rules.RULES if rule not in PLANTS]
    count = 0
    for rule, plants in PLANTS.items():
        for plant in plants:
            count += 1
            found = found_in(CLEAN | plant)
            if [problem[0] for problem in found] != [rule]:
                failures.append(f"planted against {rule}: {plant}\n  found {found}")
    print("\n".join(failures + [f"{count} planted faults, {len(failures)} failures"]))
    return 1 if failures else 0
