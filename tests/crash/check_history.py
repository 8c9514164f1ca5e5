#!/usr/bin/env python3
"""Reads the history of one kill test and names whatever in it breaks a promise.

It shares nothing with the server: the history (rows documented in README.md beside this file) is
all it knows. Exit status: 0 no violation, 1 violations, 2 the history cannot be judged.
"""

import argparse
import collections
import json
import sys

SHOWN_OF_EACH_KIND = 10


class BadHistory(Exception):
    """The history itself is empty, torn or malformed: nothing can be said about the server."""


class Follower:
    """What one client got of one channel, and what it was promised about it."""

    def __init__(self, start_seq):
        self.start_seq = start_seq
        self.seen = set()
        self.last_first = start_seq - 1
        # Up to here everything is settled for good: a crash must not take it back.
        self.settled_floor = start_seq - 1
        self.settled_above = set()

    def settle(self, seq):
        if seq > self.settled_floor:
            self.settled_above.add(seq)
        self._advance()

    def raise_floor(self, floor):
        self.settled_floor = max(self.settled_floor, floor)
        self.settled_above = {seq for seq in self.settled_above if seq > self.settled_floor}
        self._advance()

    def is_settled(self, seq):
        return self.start_seq <= seq <= self.settled_floor or seq in self.settled_above

    def _advance(self):
        while self.settled_floor + 1 in self.settled_above:
            self.settled_floor += 1
            self.settled_above.remove(self.settled_floor)


class Checker:
    """Takes the rows in the order in which they happened, then judges the whole."""

    def __init__(self):
        self.violations = []  # (kind, sentence)
        self.counts = collections.Counter()
        self.written = {}  # (channel, message id) -> content hash
        self.answers = []
        self.log = []
        self.followers = {}  # (client, channel) -> Follower
        self.final = {}  # (client, channel) -> subscription row
        self.unsettled = collections.defaultdict(list)  # (client, connection) -> what it was sent
        self.delivered_as = collections.defaultdict(dict)  # (channel, seq) -> content -> a client
        self.processes_met = set()  # (client, process)

    def violate(self, kind, sentence):
        self.violations.append((kind, sentence))

    def take(self, row):
        kind = row["kind"]
        handler = getattr(self, "on_" + kind, None)
        if handler is None:
            raise BadHistory(f"unknown kind of row: {kind!r}")
        self.counts[kind] += 1
        handler(row)

    # Rows.

    def on_kill(self, row):
        pass  # counted by take

    def on_subscribed(self, row):
        self.followers[row["client"], row["channel"]] = Follower(row["startSeq"])

    def on_write(self, row):
        self.written[row["channel"], row["messageId"]] = row["hash"]

    def on_answered(self, row):
        self.answers.append(row)

    def on_log(self, row):
        self.log.append(row)

    def on_subscription(self, row):
        self.final[row["client"], row["channel"]] = row
        self.check_floor(row, "at the end")

    def on_floor(self, row):
        self.check_floor(row, f"welcome of connection {row['connection']}")
        # The first welcome of a server process shows what that process found on disk. A later one
        # may show acknowledgements that are not on disk yet, which a crash may take back.
        met = (row["client"], row["channel"], row["process"])
        if met not in self.processes_met:
            self.processes_met.add(met)
            self.follower(row).raise_floor(row["floor"])

    def on_delivered(self, row):
        self.counts["delivery"] += len(row["items"])
        for delivery, attempt, channel, seq, position, message_id, content in row["items"]:
            follower = self.follower({"client": row["client"], "channel": channel})
            where = f"{row['client']} connection {row['connection']}: {channel} seq {seq}"
            if attempt > 1 or seq in follower.seen:
                self.counts["redelivery"] += 1
            if follower.is_settled(seq):
                self.violate("repeated", f"{where} came again after its acknowledgement was "
                                         "confirmed")
            if seq < follower.start_seq:
                self.violate("not-owed", f"{where} is before the subscription's start "
                                         f"{follower.start_seq}")
            if seq not in follower.seen:
                if seq < follower.last_first:
                    self.violate("reordered", f"{where} came for the first time after seq "
                                              f"{follower.last_first}")
                follower.last_first = max(follower.last_first, seq)
                follower.seen.add(seq)
            self.unsettled[row["client"], row["connection"]].append((delivery, channel, seq))
            self.delivered_as[channel, seq].setdefault((position, message_id, content),
                                                       row["client"])

    def on_confirmed(self, row):
        key = (row["client"], row["connection"])
        for delivery, channel, seq in self.unsettled[key]:
            if delivery <= row["upTo"]:
                self.followers[row["client"], channel].settle(seq)
        self.unsettled[key] = [sent for sent in self.unsettled[key] if sent[0] > row["upTo"]]

    def follower(self, row):
        follower = self.followers.get((row["client"], row["channel"]))
        if follower is None:
            raise BadHistory(f"{row['client']} has no subscribed row for {row['channel']}")
        return follower

    def check_floor(self, row, when):
        promised = self.follower(row).settled_floor
        if row["floor"] < promised:
            self.violate("regressed-floor", f"{row['client']} {row['channel']}: floor "
                         f"{row['floor']} ({when}) is behind {promised}, which was confirmed")

    # The whole.

    def judge(self):
        self.check_density()
        by_id = self.check_log_against_writes()
        self.check_answers(by_id)
        self.check_deliveries()

    def check_density(self):
        last_position, last_seq = 0, collections.Counter()
        for row in self.log:
            if row["position"] != last_position + 1:
                self.violate("position-gap", f"position {row['position']} follows "
                                             f"{last_position}")
            last_position = row["position"]
            if row["seq"] != last_seq[row["channel"]] + 1:
                self.violate("seq-gap", f"position {row['position']}: {row['channel']} seq "
                                        f"{row['seq']} follows {last_seq[row['channel']]}")
            last_seq[row["channel"]] = row["seq"]

    def check_log_against_writes(self):
        by_id = {}
        for row in self.log:
            key = (row["channel"], row["messageId"])
            name = f"position {row['position']}: {row['channel']} message {row['messageId']}"
            if key in by_id:
                self.violate("duplicated", f"{name} is also at position {by_id[key]['position']}")
                continue
            by_id[key] = row
            if key not in self.written:
                self.violate("unknown", f"{name} was written by nobody")
            elif self.written[key] != row["hash"]:
                self.violate("altered", f"{name} is not stored as it was written")
        return by_id

    def check_answers(self, by_id):
        for answer in self.answers:
            name = f"{answer['channel']} message {answer['messageId']}"
            if (answer["channel"], answer["messageId"]) not in self.written:
                raise BadHistory(f"{name} has an answered row and no write row")
            row = by_id.get((answer["channel"], answer["messageId"]))
            if row is None:
                self.violate("lost", f"{name} was answered with position {answer['position']} "
                                     "and is not in the log")
            elif (row["position"], row["seq"]) != (answer["position"], answer["seq"]):
                self.violate("moved", f"{name} was answered with position {answer['position']} "
                             f"seq {answer['seq']} and stands at {row['position']}, {row['seq']}")

    def check_deliveries(self):
        stored = {(row["channel"], row["seq"]): row for row in self.log}
        for (channel, seq), contents in self.delivered_as.items():
            row = stored.get((channel, seq))
            for content, client in contents.items():
                if row is None:
                    self.violate("phantom", f"{client} was sent {channel} seq {seq}, which is not "
                                            "in the log")
                elif content != (row["position"], row["messageId"], row["hash"]):
                    self.violate("altered", f"{client} was sent {channel} seq {seq} otherwise than "
                                            "it is stored")
        last_seq = collections.Counter()
        for row in self.log:
            last_seq[row["channel"]] = max(last_seq[row["channel"]], row["seq"])
        for (client, channel), follower in self.followers.items():
            owed = set(range(follower.start_seq, last_seq[channel] + 1))
            missing = sorted(owed - follower.seen)
            if missing:
                self.violate("missing", f"{client} never got {len(missing)} of {channel}, from "
                                        f"seq {missing[0]}")
            self.check_final(client, channel, last_seq[channel])

    def check_final(self, client, channel, last_seq):
        row = self.final.get((client, channel))
        if row is None:
            self.violate("subscription-lost", f"{client} is no longer subscribed to {channel}")
            return
        if row["undelivered"] or row["parked"] or row["floor"] != last_seq:
            self.violate("unsettled", f"{client} {channel}: undelivered {row['undelivered']}, "
                         f"parked {row['parked']}, floor {row['floor']} of {last_seq} though all "
                         "was acknowledged")


def read_history(path):
    """Returns the begin row and the rows between begin and end, having seen that all are there."""
    rows = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                row["kind"]
            except (ValueError, KeyError, TypeError) as error:
                raise BadHistory(f"line {number} is not a row: {error!r}") from error
            rows.append(row)
    if not rows:
        raise BadHistory("the history is empty")
    begin, end = rows[0], rows[-1]
    if begin["kind"] != "begin" or begin.get("version") != 1:
        raise BadHistory("the first line is not a begin row of version 1")
    if end["kind"] != "end":
        raise BadHistory(f"the history is truncated: {len(rows)} rows and no end row")
    if end["rows"] != len(rows):
        raise BadHistory(f"the history is truncated: {len(rows)} rows where its end row says "
                         f"{end['rows']}")
    return begin, rows[1:-1]


def check(path):
    """Returns the Checker after the whole history."""
    begin, rows = read_history(path)
    checker = Checker()
    for row in rows:
        try:
            checker.take(row)
        except (KeyError, TypeError, ValueError) as error:
            raise BadHistory(f"a {row['kind']} row is not as documented: {error!r}") from error
    for kind in ("subscribed", "write", "answered", "delivery", "confirmed", "floor", "log",
                 "subscription", "kill"):
        if not checker.counts[kind]:
            raise BadHistory(f"the history has no {kind}: nothing was tested")
    if checker.counts["kill"] != begin["kills"]:
        raise BadHistory(f"the history has {checker.counts['kill']} of {begin['kills']} kills")
    checker.judge()
    return checker


def print_result(checker):
    counts = checker.counts
    for name, count in (("kills", counts["kill"]),
                        ("messages in the log", counts["log"]),
                        ("writes answered", counts["answered"]),
                        ("subscriptions", counts["subscribed"]),
                        ("deliveries", counts["delivery"]),
                        ("redeliveries", counts["redelivery"]),
                        ("confirmed acks", counts["confirmed"]),
                        ("floors seen", counts["floor"] + counts["subscription"])):
        print(f"  {name:<20}{count:>10,}")
    by_kind = collections.defaultdict(list)
    for kind, sentence in checker.violations:
        by_kind[kind].append(sentence)
    for kind, sentences in by_kind.items():
        for sentence in sentences[:SHOWN_OF_EACH_KIND]:
            print(f"{kind}: {sentence}")
        if len(sentences) > SHOWN_OF_EACH_KIND:
            print(f"{kind}: and {len(sentences) - SHOWN_OF_EACH_KIND} more")
    print(f"{len(checker.violations)} violations")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("history", help="history file of a kill test (JSONL)")
    try:
        checker = check(parser.parse_args().history)
    except (BadHistory, OSError) as error:
        print(f"check_history: {error}", file=sys.stderr)
        return 2
    print_result(checker)
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main())
