#!/usr/bin/env python3
"""Tests tools/ops/alerts.yml: its rules by promtool, that each alert has a case in which it fires
and one in which it does not, and that each tells what to do.

    alerts_test.py PROMTOOL [ROOT]
    alerts_test.py --self-test PROMTOOL     breaks the rules, and sees that it is found
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SEVERITIES = {"critical", "warning", "info"}


def alerts_of(text):
    """Each alert's name and the lines of its rule."""
    parts = re.split(r"^      - alert: ", text, flags=re.M)[1:]
    return {part.split("\n", 1)[0].strip(): part for part in parts}


def cases_of(text):
    """For each alert, the kinds of its cases."""
    kinds = {}
    for name, firing in re.findall(r"alertname: (\w+)\n\s+exp_alerts:(.*)", text):
        kinds.setdefault(name, set()).add("quiet" if firing.strip() == "[]" else "fires")
    return kinds


def commands_of(text):
    """The ackctl commands that a text names."""
    return set(re.findall(r"`ackctl ([a-z]+)", text))


def problems_of(root, promtool):
    ops = root / "tools" / "ops"
    rules = alerts_of((ops / "alerts.yml").read_text(encoding="utf-8"))
    readme = (ops / "README.md").read_text(encoding="utf-8")
    cases = cases_of((root / "tests" / "ops" / "alerts.test.yml").read_text(encoding="utf-8"))
    if not rules:
        yield "alerts.yml has no alert"
    for name, rule in rules.items():
        for kind in sorted({"fires", "quiet"} - cases.get(name, set())):
            yield f"{name}: no case of kind '{kind}' in tests/ops/alerts.test.yml"
        runbook = f"runbook: tools/ops/README.md#{name.lower()}\n"
        for field in ("summary: ", "description: ", runbook):
            if field not in rule:
                yield f"{name}: lacks `{field.strip()}`"
        if f"### {name}\n" not in readme:
            yield f"{name}: tools/ops/README.md does not say what to do"
        severity = re.search(r"severity: (\w+)", rule)
        if severity is None or severity.group(1) not in SEVERITIES:
            yield f"{name}: its severity is none of {', '.join(sorted(SEVERITIES))}"
        if not commands_of(rule):
            yield f"{name}: its description names no ackctl command as the next step"
    for name in sorted(set(re.findall(r"^### (Ackwire\w+)$", readme, flags=re.M)) - set(rules)):
        yield f"{name}: in tools/ops/README.md, and no such alert"
    for arguments in (["check", "rules", ops / "alerts.yml"],
                      ["test", "rules", root / "tests" / "ops" / "alerts.test.yml"]):
        ran = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            yield f"promtool {arguments[0]} {arguments[1]}:\n{ran.stdout}{ran.stderr}"


# What is broken, and a word of what is said of it.
BREAKS = [
    ("tools/ops/alerts.yml", "> 30\n", "> 30000\n", "AckwireOutboxLag"),
    ("tools/ops/alerts.yml", "> 30\n", ">= 0\n", "AckwireOutboxLag"),
    ("tools/ops/alerts.yml", "for: 2m", "for: 2 minutes", "promtool check"),
    ("tools/ops/alerts.yml", "severity: info", "severity: loud", "its severity"),
    ("tools/ops/alerts.yml", "          summary: Many deliveries fail\n", "", "lacks `summary:`"),
    ("tools/ops/alerts.yml", "`ackctl clients --undelivered` says", "Somebody says", "next step"),
    ("tools/ops/README.md", "### AckwireDiskFillsUp", "### AckwireDiskFull", "what to do"),
    ("tests/ops/alerts.test.yml", "alertname: AckwireDiskFillsUp\n        exp_alerts: []",
     "alertname: AckwireNotReady\n        exp_alerts: []", "no case of kind 'quiet'"),
]


def self_test(root, promtool):
    missed = []
    for path, old, new, word in BREAKS:
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name)
            for folder in ("tools/ops", "tests/ops"):
                shutil.copytree(root / folder, copy / folder)
            text = (copy / path).read_text(encoding="utf-8")
            if old not in text:
                missed.append(f"{path} has no '{old}' to break")
                continue
            (copy / path).write_text(text.replace(old, new, 1), encoding="utf-8")
            if not any(word in problem for problem in problems_of(copy, promtool)):
                missed.append(f"{path}: '{old}' as '{new}' is not found")
    return missed


def main(arguments):
    testing = arguments[:1] == ["--self-test"]
    arguments = arguments[1:] if testing else arguments
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[1]) if len(arguments) == 2 else Path(__file__).resolve().parents[2]
    find = self_test if testing else problems_of
    problems = list(find(root, arguments[0]))
    print("\n".join(problems) if problems else "as it should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
