#!/usr/bin/env python3
"""Reads the history of one crash test and names whatever in it breaks a promise.

It shares nothing with the server: the history (rows documented in README.md beside this file) is
all it knows. Exit status: 0 no violation, 1 violations, 2 the history cannot be judged.
"""

import argparse
import collections
import json
import sys

from check_clients import Client

SHOWN_OF_EACH_KIND = 10
# The log is whole in itself even where its end is gone.
NEVER_EXCUSED = {"position-gap", "seq-gap", "duplicated", "unknown"}


class BadHistory(Exception):
    """The history itself is empty, torn or malformed: nothing can be said about the server."""


class Write:
    """One message of a writer. `seq` and `position` are those answered, `stored_at` is where it
    stands in the log; 0 as long as there is none."""

    __slots__ = ("content", "owed_from", "seq", "position", "epoch", "stored_at")

    def __init__(self, content, owed_from):
        self.content = content
        self.owed_from = owed_from  # a subscription that was there before owes it
        self.seq = self.position = self.stored_at = 0
        self.epoch = None


class Checker:
    """Takes the rows in the order in which they happened, then judges the whole. The log comes
    after all that was written and delivered."""

    def __init__(self):
        self.violations = []  # (kind, sentence)
        self.silent_losses = []  # answers that do not hold, given under the epoch that lasts
        self.counts = collections.Counter()
        self.writes = {}  # (channel, message id) -> Write
        self.last_answered = collections.Counter()  # channel -> seq
        self.starts = collections.Counter()  # channel -> the greatest start of a subscription
        self.clients = {}
        self.delivered_as = {}  # (channel, seq) -> content -> a client
        self.epoch = None  # the log's, at the end
        self.last_position = 0
        self.last_seq = collections.Counter()
        self.final = collections.defaultdict(dict)  # client -> channel -> subscription row

    def violate(self, kind, sentence):
        self.violations.append((kind, sentence))

    def take(self, row):
        kind = row["kind"]
        handler = getattr(self, "on_" + kind, None)
        self.counts[kind] += 1
        if handler:
            handler(row)
            return
        if not hasattr(Client, "on_" + kind):
            raise BadHistory(f"unknown kind of row: {kind!r}")
        client = self.clients.get(row["client"])
        if client is None:
            if kind != "subscribed":
                raise BadHistory(f"{row['client']} has a {kind} row before its subscribed row")
            client = self.clients[row["client"]] = Client(row["client"], self)
        getattr(client, "on_" + kind)(row)

    # For Client.

    def owed_from(self, channel, start_seq):
        self.starts[channel] = max(self.starts[channel], start_seq)

    def delivered(self, client, channel, seq, content):
        self.counts["delivery"] += 1
        self.delivered_as.setdefault((channel, seq), {}).setdefault(content, client)

    # Rows.

    def on_fall(self, row):
        pass  # counted by take

    def on_write(self, row):
        key = (row["channel"], row["messageId"])
        self.writes[key] = Write(row["hash"], self.starts.get(row["channel"], 0))

    def on_answered(self, row):
        write = self.writes.get((row["channel"], row["messageId"]))
        if write is None:
            raise BadHistory(f"{row['channel']} message {row['messageId']} has an answered row and "
                             "no write row")
        write.seq, write.position, write.epoch = row["seq"], row["position"], sys.intern(
            row["epoch"])
        channel = row["channel"]
        self.last_answered[channel] = max(self.last_answered[channel], row["seq"])

    def on_log(self, row):
        if self.epoch not in (None, row["epoch"]):
            raise BadHistory("the log was read under two epochs")
        self.epoch = row["epoch"]
        self.check_density(row)
        self.check_log_row(row)
        content = (row["position"], row["messageId"], row["hash"])
        for other, client in self.delivered_as.pop((row["channel"], row["seq"]), {}).items():
            if other != content:
                self.violate("altered", f"{client} was sent {row['channel']} seq {row['seq']} "
                                        "otherwise than it is stored")

    def on_subscription(self, row):
        self.final[row["client"]][row["channel"]] = row

    def check_density(self, row):
        if row["position"] != self.last_position + 1:
            self.violate("position-gap", f"position {row['position']} follows "
                                         f"{self.last_position}")
        self.last_position = row["position"]
        last_seq = self.last_seq[row["channel"]]
        if row["seq"] != last_seq + 1:
            self.violate("seq-gap", f"position {row['position']}: {row['channel']} seq "
                                    f"{row['seq']} follows {last_seq}")
        self.last_seq[row["channel"]] = row["seq"]

    def check_log_row(self, row):
        name = f"position {row['position']}: {row['channel']} message {row['messageId']}"
        write = self.writes.get((row["channel"], row["messageId"]))
        if write is None:
            self.violate("unknown", f"{name} was written by nobody")
            return
        if write.stored_at:
            self.violate("duplicated", f"{name} is also at position {write.stored_at}")
            return
        write.stored_at = row["position"]
        if write.content != row["hash"]:
            self.violate("altered", f"{name} is not stored as it was written")
        if row["seq"] < write.owed_from:
            self.violate("wrong-start", f"{name} was written after a subscription that starts at "
                                        f"seq {write.owed_from}, and has seq {row['seq']}")
        if write.position and (write.position, write.seq) != (row["position"], row["seq"]):
            self.violate("moved", f"{name}, seq {row['seq']}, was answered with position "
                                  f"{write.position}, seq {write.seq}")
            self.note_silent_loss(write, name)

    # The whole.

    def judge(self):
        epochs = set()
        for (channel, message_id), write in self.writes.items():
            if write.position == 0:
                continue
            epochs.add(write.epoch)
            if not write.stored_at:
                name = f"{channel} message {message_id}"
                self.violate("lost", f"{name} was answered with position {write.position} and is "
                                     "not in the log")
                self.note_silent_loss(write, name)
        if epochs != {self.epoch}:
            self.violate("epoch-changed", f"writes were answered under {len(epochs)} epochs")
        for (channel, seq), contents in self.delivered_as.items():
            self.violate("phantom", f"{' and '.join(contents.values())} was sent {channel} seq "
                                    f"{seq}, which is not in the log")
        for name, client in self.clients.items():
            client.judge(self.final[name], self.last_seq)

    def note_silent_loss(self, write, name):
        if write.epoch == self.epoch:
            self.silent_losses.append(name)


def read_rows(path):
    """Yields the rows between begin and end; raises at the end unless all were there. The begin
    row comes first."""
    row, count = None, 0
    with open(path, encoding="utf-8") as lines:
        for count, line in enumerate(lines, start=1):
            if row is not None:
                yield row
            try:
                row = json.loads(line)
                row["kind"]
            except (ValueError, KeyError, TypeError) as error:
                raise BadHistory(f"line {count} is not a row: {error!r}") from error
            if count == 1 and (row["kind"] != "begin" or row.get("version") != 2):
                raise BadHistory("the first line is not a begin row of version 2")
    if row is None:
        raise BadHistory("the history is empty")
    if row["kind"] != "end":
        raise BadHistory(f"the history is truncated: {count} rows and no end row")
    if row["rows"] != count:
        raise BadHistory(f"the history is truncated: {count} rows where its end row says "
                         f"{row['rows']}")


def check(path):
    """Returns the Checker after the whole history."""
    rows = read_rows(path)
    begin = next(rows)
    checker = Checker()
    for row in rows:
        try:
            checker.take(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadHistory(f"a {row['kind']} row is not as documented: {error!r}") from error
    for kind in ("subscribed", "write", "answered", "delivery", "confirmed", "welcome", "log",
                 "subscription", "fall"):
        if not checker.counts[kind]:
            raise BadHistory(f"the history has no {kind}: nothing was tested")
    if checker.counts["fall"] != begin["falls"]:
        raise BadHistory(f"the history has {checker.counts['fall']} of {begin['falls']} falls")
    checker.judge()
    return checker


def print_result(checker):
    for name, kind in (("falls", "fall"),
                       ("messages in the log", "log"),
                       ("writes answered", "answered"),
                       ("deliveries", "delivery"),
                       ("redeliveries", "redelivery"),
                       ("nacks", "nacked"),
                       ("confirmed acks", "confirmed"),
                       ("connections", "welcome"),
                       ("resumed", "resumed"),
                       ("subscriptions begun", "subscribed"),
                       ("ended", "unsubscribed")):
        print(f"  {name:<20}{checker.counts[kind]:>12,}")
    by_kind = collections.defaultdict(list)
    for kind, sentence in checker.violations:
        by_kind[kind].append(sentence)
    for kind, sentences in by_kind.items():
        for sentence in sentences[:SHOWN_OF_EACH_KIND]:
            print(f"{kind}: {sentence}")
        if len(sentences) > SHOWN_OF_EACH_KIND:
            print(f"{kind}: and {len(sentences) - SHOWN_OF_EACH_KIND} more")
    print(f"{len(checker.violations)} violations")


def passes(checker, expect_loss):
    kinds = {kind for kind, _ in checker.violations}
    if not expect_loss:
        return not kinds
    if "lost" not in kinds:
        print("expected answered writes to be lost, and none is")
    for name in checker.silent_losses[:SHOWN_OF_EACH_KIND]:
        print(f"silent: {name}: the answer does not hold, and the epoch is the same")
    return "lost" in kinds and not checker.silent_losses and not kinds & NEVER_EXCUSED


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--expect-loss", action="store_true",
                        help="pass if answered writes are lost, and none under the last epoch")
    parser.add_argument("history", help="history file of a crash test (JSONL)")
    arguments = parser.parse_args()
    try:
        checker = check(arguments.history)
    except (BadHistory, OSError) as error:
        print(f"check_history: {error}", file=sys.stderr)
        return 2
    print_result(checker)
    return 0 if passes(checker, arguments.expect_loss) else 1


if __name__ == "__main__":
    sys.exit(main())
