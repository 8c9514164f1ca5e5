#!/usr/bin/env python3
"""Reads the sources and fails on what the compiler lets pass: an include against the layers, a
clock or a dice of one's own, an unguarded Status, a file that has grown too large, a stale list.

    source_rules.py [ROOT]       checks the tree; prints path:line: [rule] what is wrong
    source_rules.py --self-test  plants a fault for every rule and sees that it is found
"""

import ast
import os
import re
import sys
from pathlib import Path

MODULES = ["proto", "store", "outbox", "delivery", "tools", "tests"]
ROOT_ENTRIES = set(MODULES) | {
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", ".ci", ".clang-format",
    ".clang-tidy", ".gitignore", ".git"}
# The last seven hold data, not text: tests/fuzz, tests/golden.
SKIPPED = {".git", "build", "node_modules", "__pycache__", "ackwire-data", "corpus", "format-1",
           "format-2", "format-3", "format-4", "format-5", "format-6"}

HEADER_LINES_MAX = 200
SOURCE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# Foreign headers, and where alone they may be included (a path prefix). Tests may include all.
FOREIGN = [
    (re.compile(r"^rocksdb/"), ("store/", "tools/ackbench/"), "RocksDB"),
    (re.compile(r"^boost/(asio|beast)\b"), ("delivery/", "tools/ackwired/"), "Asio and Beast"),
    (re.compile(r"^grpc(pp)?/|\.grpc\.pb\.h$"), ("tools/",), "gRPC"),
]

# In a header these cost every file that includes it seconds: there a forward declaration, or a
# class behind a pointer, serves. Who may nevertheless, and why.
HEAVY = re.compile(r"^grpcpp/|^boost/beast\b|\.grpc\.pb\.h$")
HEAVY_HEADERS_ALLOWED = {
    "delivery/client_stream.h": "is a stream of Beast's: templates on its buffers and handlers",
    "delivery/http_request_reader.h": "a connection takes its message out of Beast's parser",
    "delivery/web_socket.h": "a connection hands over its stream and request by their own types",
    "tools/ackctl/connection.h": "owns the stubs, which are nested in the generated services",
    "tools/ackctl/import_stream.h": "reads and writes a PublishStream, a nested type of its stub",
    "tools/ackctl/interrupt.h": "cancels a ClientContext, for which gRPC has no forward header",
}

# (pattern, what to use instead, path prefixes where it is allowed)
BANNED = [
    (re.compile(r"\b(system_clock|high_resolution_clock)\b|\bsteady_clock\s*::\s*now\b"
                r"|\bclock_gettime\b|\bgettimeofday\b"),
     # store/types.h names system_clock to say what kind of time a Timestamp is.
     "take a Clock& (store/clock.h)", ("tools/", "tests/", "store/types.h")),
    (re.compile(r"\brandom_device\b|(?<![\w.>])s?rand\s*\("),
     "take a seeded Rng& (store/rng.h)", ("tools/",)),
    (re.compile(r"\bsleep_for\b|\bsleep_until\b|\bu?sleep\s*\("),
     "wait for the thing itself: a timer on the strand, a condition variable, a Clock&",
     ("tools/",)),
    (re.compile(r"\basio\s*::\s*detached\b|\bnet\s*::\s*detached\b"),
     "give co_spawn a handler that logs", ()),
    (re.compile(r"\bcancellation_signal\b|\bawaitable_operators\b"),
     "end a loop by closing its socket on its strand: Boost 1.81 can use these after free", ()),
]

LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TOKEN = re.compile(
    r'R"(?P<delimiter>[^()\\\s]{0,16})\((?:.*?)\)(?P=delimiter)"'
    r"|//[^\n]*|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


class SourceFile:
    """One file of the tree: its path from the root, its lines, its code without comments."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.module = self.path.split("/")[0]
        self.suffix = path.suffix
        self.is_cpp = self.suffix in (".h", ".cc")
        self.code = blank_comments_and_strings(self.text) if self.is_cpp else ""


def blank_comments_and_strings(text):
    """Keeps every newline, so that line numbers stay true."""
    return TOKEN.sub(lambda m: " " + "\n" * m.group().count("\n"), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(source):
    for number, line in enumerate(source.lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_layers(tree):
    """An include points up the list of modules only, and foreign headers stay where they belong."""
    for source in tree.cpp():
        for number, bracket, name in includes(source):
            problem = layer_problem(source, name) if bracket == '"' else None
            problem = problem or foreign_problem(source, name)
            if problem:
                yield source.path, number, problem


def layer_problem(source, name):
    target = "proto" if name.startswith("ackwire/v1/") else name.split("/")[0]
    if name.startswith(".") or "/" not in name:
        return f'"{name}": write the path from the root, "{source.module}/..."'
    if target not in MODULES:
        return None  # a library that asks for quotes, like abseil
    if source.path.startswith("tools/ackctl/"):
        if not name.startswith(("ackwire/v1/", "proto/", "tools/ackctl/")):
            return f'ackctl includes "{name}": its only interface to the server is the contract'
    if MODULES.index(target) > MODULES.index(source.module):
        return (f'{source.module} includes "{name}", which is below it: '
                f'{" < ".join(MODULES)}')
    return None


def foreign_home(name):
    return next((row for row in FOREIGN if row[0].search(name)), None)


def foreign_problem(source, name):
    row = foreign_home(name)
    if row and source.module != "tests" and not source.path.startswith(row[1]):
        return f"{name}: {row[2]} headers may be included in {' and '.join(row[1])} only"
    if source.suffix == ".h" and HEAVY.search(name) and source.path not in HEAVY_HEADERS_ALLOWED:
        return (f"{name} in a header: forward-declare, or add the header with its reason to "
                "HEAVY_HEADERS_ALLOWED in tests/source_rules.py")
    return None


def check_banned(tree):
    """Time, chance and sleep come from outside, so that tests can rule them."""
    for source in tree.cpp():
        for pattern, instead, allowed in BANNED:
            if source.path.startswith(allowed or ("\0",)):
                continue
            for match in pattern.finditer(source.code):
                yield (source.path, line_of(source.code, match.start()),
                       f"{match.group().strip('( ')} is banned here: {instead}")


def check_nodiscard(tree):
    """g++ says nothing about an ignored absl::Status, unless the function is [[nodiscard]]."""
    for source in tree.cpp():
        if source.suffix != ".h":
            continue
        for start, name in status_declarations(source.code):
            declaration = declaration_before(source.code, start)
            if "[[nodiscard]]" not in declaration:
                yield (source.path, line_of(source.code, start),
                       f"{name} returns a Status: write [[nodiscard]] before it")


def status_declarations(code):
    for match in re.finditer(r"\bStatus(Or)?\b", code):
        if re.search(r"\b(grpc|rocksdb)\s*::\s*$", code[:match.start()]):
            continue
        end = skip_template_arguments(code, match.end()) if match.group(1) else match.end()
        function = re.compile(r"\s+(~?[A-Za-z_]\w*)\s*\(").match(code, end)
        before = declaration_before(code, match.start())
        # An open parenthesis before it makes it a parameter.
        if function and before.count("(") == before.count(")"):
            yield match.start(), function.group(1)


def skip_template_arguments(code, offset):
    depth = 0
    for end in range(offset, len(code)):
        depth += {"<": 1, ">": -1}.get(code[end], 0)
        if depth == 0 and not code[end].isspace():
            return end + 1
    return len(code)


def declaration_before(code, offset):
    start = max(code.rfind(c, 0, offset) for c in ";{}")
    return re.sub(r"\b(public|protected|private)\s*:", "", code[start + 1:offset])


def check_sizes(tree):
    """What does not fit is split by decision."""
    for source in tree.files:
        if source.suffix not in (".h", ".cc", ".mjs", ".py") or source.module not in MODULES:
            continue
        limit = HEADER_LINES_MAX if source.suffix == ".h" else SOURCE_LINES_MAX
        if len(source.lines) > limit:
            yield source.path, limit + 1, f"{len(source.lines)} lines; at most {limit}"
        for number, line in enumerate(source.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield source.path, number, f"{len(line)} columns; at most {COLUMNS_MAX}"
        for first, last in functions(source):
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield (source.path, first, f"a function of {last - first + 1} lines; "
                       f"at most {FUNCTION_LINES_MAX}")


def functions(source):
    if source.is_cpp:
        return cpp_functions(source.code)
    if source.suffix == ".py":
        return [(node.lineno, node.end_lineno) for node in ast.walk(ast.parse(source.text))
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return []


def cpp_functions(code):
    """First and last line of each function, by its braces: good enough to measure."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", "", code, flags=re.MULTILINE)
    if code.count("{") != code.count("}"):
        return []
    found, open_braces, head = [], [], 0
    for match in re.finditer(r"[{};]", code):
        if match.group() == "{":
            text = code[head:match.start()]
            inside = any(is_function for is_function, _ in open_braces)
            scope = re.match(r"\s*(template\b.*>\s*)?(inline\s+)?"
                             r"(namespace|class|struct|union|enum|extern)\b", text, re.DOTALL)
            is_function = not inside and not scope and "(" in text
            first = line_of(code, head + len(text) - len(text.lstrip()))
            open_braces.append((is_function, first))
        elif match.group() == "}" and open_braces:
            is_function, first = open_braces.pop()
            if is_function:
                found.append((first, line_of(code, match.start())))
        head = match.end()
    return found


def check_leftovers(tree):
    """What is left to do is not noted in the sources."""
    for source in tree.files:
        for number, line in enumerate(source.lines, 1):
            match = LEFTOVER.search(line)
            if match:
                yield source.path, number, f"{match.group()} left over: do it, or drop it"


def check_readmes(tree):
    """A module's README names its headers in reading order; a kept list must not go stale."""
    known = {Path(source.path).name for source in tree.files}
    for module in MODULES[:-1]:
        members = [s for s in tree.files if s.module == module]
        readmes = [s for s in members if s.path.endswith("/README.md")]
        if not any(s.path == f"{module}/README.md" for s in readmes):
            yield f"{module}/README.md", 1, "is missing: it says what the module promises"
            continue
        for source in members:
            if source.suffix in (".h", ".proto") and not is_named(source, readmes):
                yield (source.path, 1, "is not named in the README.md of its folder or a folder "
                       "above")
        for readme in readmes:
            yield from stale_names(readme, known)


def is_named(source, readmes):
    name = re.escape(Path(source.path).name)
    stem = re.escape(Path(source.path).stem)
    pattern = re.compile(rf"(?<![\w.]){name}\b|(?<![\w.]){stem}\.(cc\W+)?\{{?[^\s`]*\bh\b"
                         if source.suffix == ".h" else rf"(?<![\w.]){name}\b")
    return any(pattern.search(readme.text) for readme in readmes
               if source.path.startswith(readme.path.removesuffix("README.md")))


def stale_names(readme, known):
    for number, line in enumerate(readme.lines, 1):
        for match in re.finditer(r"`(?:[\w.]+/)*(\w+\.(?:h|cc|proto|mjs))`", line):
            if match.group(1) not in known:
                yield readme.path, number, f"names {match.group(1)}, and there is no such file"


# Folders whose sources are compiled joined (CMAKE_UNITY_BUILD).
JOINED = ("store", "outbox", "delivery", "tools/ackwired", "tests/unit", "tests/simulation")
CONSTANT = re.compile(r"^(?:static )?(?:constexpr|const) [^;={(]*?\b(\w+)(?:\[\])?\s*[={]", re.M)
SHARED_CONSTANT = re.compile(r"^inline constexpr [^;={(]*?\b(\w+)(?:\[\])?\s*[={]", re.M)
TYPE = re.compile(r"^(?:struct|class|enum class|using) (\w+)(?: final)?(?: :[^{;]*)?\s*[{=]", re.M)
FUNCTION = re.compile(
    r"^(?!namespace|using)(?=\w)[\w:<>,*& ]+[ *&](\w+)\(([^;{}]*?)\)[^;{}()]*\{", re.M)


def own_names(source):
    """The names that a source defines outside of classes, with their offsets; a function by its
    parameters too, without their names."""
    for pattern in (CONSTANT, TYPE):
        for match in pattern.finditer(source.code):
            yield match.group(1), match.start(1)
    for match in FUNCTION.finditer(source.code):
        parameters = re.sub(r"\s*\b\w+\s*(?=,|$)", "", " ".join(match.group(2).split()))
        yield f"{match.group(1)}({parameters})", match.start(1)


def check_joined(tree):
    """What is compiled joined shares its unnamed namespace: a name stands in one source only, and
    in no header beside it."""
    first = {}
    for header in tree.cpp():
        folder = header.path.rsplit("/", 1)[0]
        if header.suffix == ".h" and folder in JOINED:
            for match in SHARED_CONSTANT.finditer(header.code):
                first.setdefault((folder, match.group(1)), header.path)
    for source in tree.cpp():
        folder = source.path.rsplit("/", 1)[0]
        if source.suffix != ".cc" or folder not in JOINED:
            continue
        for name, offset in own_names(source):
            other = first.setdefault((folder, name), source.path)
            if other != source.path:
                yield source.path, line_of(source.code, offset), f"{name} is in {other}, too"


def check_root(tree):
    """The root holds the modules and what tools insist on finding there."""
    for name in sorted(os.listdir(tree.root)):
        if name not in ROOT_ENTRIES | SKIPPED:
            yield name, 1, f"does not belong at the root, which holds {sorted(ROOT_ENTRIES)}"


RULES = {"layers": check_layers, "banned": check_banned, "nodiscard": check_nodiscard,
         "sizes": check_sizes, "leftovers": check_leftovers, "readmes": check_readmes,
         "root": check_root, "joined": check_joined}


class Tree:
    """The text files below a root."""

    TEXT = {".h", ".cc", ".mjs", ".py", ".md", ".proto", ".txt", ".cmake", ""}

    def __init__(self, root):
        self.root = Path(root)
        self.files = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = sorted(set(subfolders) - SKIPPED)
            self.files += [SourceFile(self.root, Path(folder) / name) for name in sorted(names)
                           if Path(name).suffix in self.TEXT]

    def cpp(self):
        return (source for source in self.files if source.is_cpp and source.module in MODULES)


def problems(root):
    tree = Tree(root)
    return [(rule, *problem) for rule, check in RULES.items() for problem in check(tree)]


def main():
    if sys.argv[1:] == ["--self-test"]:
        from source_rules_samples import self_test
        return self_test()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = problems(root)
    for rule, path, line, text in found:
        print(f"{path}:{line}: [{rule}] {text}")
    print(f"{len(found)} problems in {len(Tree(root).files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
