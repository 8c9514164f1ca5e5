#!/usr/bin/env python3
"""Plants one fault at a time in a good history and expects the checker to name it."""

import copy
import json
import os
import tempfile
import unittest

import check_history

CHANNELS = ("room/a", "room/b")
CLIENTS = ("c1", "c2", "c3")


def content(channel, seq):
    return f"hash of {channel} {seq}"


def log_row(position):
    """Positions alternate between the channels: 1 is seq 1 of room/a, 2 is seq 1 of room/b, …"""
    channel, seq = CHANNELS[(position - 1) % 2], (position + 1) // 2
    return {"kind": "log", "epoch": "e", "position": position, "channel": channel, "seq": seq,
            "messageId": f"m{position}", "hash": content(channel, seq)}


def item(delivery, attempt, position):
    row = log_row(position)
    return [delivery, attempt, row["channel"], row["seq"], position, row["messageId"], row["hash"]]


def welcome(client, process, floor, **fields):
    return {"kind": "welcome", "client": client, "connection": process, "process": process,
            "session": f"{client} of {process}", "resumed": False, "resume": None,
            "floors": {channel: floor for channel in CHANNELS}, **fields}


def delivered(client, connection, items):
    return {"kind": "delivered", "client": client, "connection": connection, "items": items}


def confirmed(client, connection, up_to):
    return {"kind": "confirmed", "client": client, "connection": connection, "upTo": up_to}


def good_history():
    """Twenty messages, one kill after the tenth. Before it each client was sent ten and had the
    acknowledgement of the first six confirmed; the other four come again."""
    rows = [{"kind": "begin", "version": 2, "seed": 1, "falls": 1}]
    rows += [{"kind": "subscribed", "client": client, "channel": channel, "startSeq": 1}
             for client in CLIENTS for channel in CHANNELS]
    for process, positions, again in ((1, range(1, 11), []), (2, range(11, 21), range(7, 11))):
        for position in positions:
            log = log_row(position)
            named = {key: log[key] for key in ("channel", "messageId")}
            rows.append({"kind": "write", "hash": log["hash"], **named})
            if position != 10:  # the kill came before its answer
                rows.append({"kind": "answered", "seq": log["seq"], "position": position,
                             "duplicate": False, "epoch": "e", **named})
        for client in CLIENTS:
            rows.append(welcome(client, process, 0 if process == 1 else 3))
            sent = [(2, position) for position in again] + [(1, position) for position in positions]
            rows.append(delivered(client, process, [
                item(delivery, attempt, position)
                for delivery, (attempt, position) in enumerate(sent, start=1)]))
            rows.append(confirmed(client, process, 6 if process == 1 else len(sent)))
        if process == 1:
            rows.append({"kind": "fall", "number": 1})
    rows += [log_row(position) for position in range(1, 21)]
    rows += [{"kind": "subscription", "client": client, "channel": channel, "startSeq": 1,
              "floor": 10, "undelivered": 0, "parked": 0}
             for client in CLIENTS for channel in CHANNELS]
    return rows


def pick(rows, kind, **fields):
    """The first row of the kind with these fields."""
    return next(row for row in rows if row["kind"] == kind
                and all(row[name] == value for name, value in fields.items()))


def insert_delivery(row, at, new):
    """The later ones are renumbered."""
    row["items"].insert(at, new)
    for number, each in enumerate(row["items"], start=row["items"][0][0]):
        each[0] = number


class CheckHistory(unittest.TestCase):
    def check(self, rows):
        """Writes the rows, with an end row that fits, and checks the file."""
        rows = rows + [{"kind": "end", "rows": len(rows) + 1}]
        return self.check_text("".join(json.dumps(row) + "\n" for row in rows))

    def check_text(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "history.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return check_history.check(path)

    def names(self, plant):
        """The kinds of violation found once `plant` has spoilt a good history."""
        rows = copy.deepcopy(good_history())
        plant(rows)
        self.assertNotEqual(rows, good_history(), "the plant changed nothing")
        return {kind for kind, _ in self.check(rows).violations}

    def test_the_good_history_passes(self):
        checker = self.check(good_history())
        self.assertEqual(checker.violations, [])
        self.assertEqual(checker.counts["answered"], 19)
        self.assertEqual(checker.counts["delivery"], 72)
        self.assertEqual(checker.counts["redelivery"], 12)

    def test_a_changed_epoch(self):
        def plant(rows):
            pick(rows, "answered", messageId="m4")["epoch"] = "other"
        self.assertEqual(self.names(plant), {"epoch-changed"})

    def test_expected_loss_is_excused_under_an_earlier_epoch_only(self):
        def lose(rows):
            rows.remove(pick(rows, "log", position=20))
        def lose_under_new_epoch(rows):
            lose(rows)
            for row in rows:
                if row["kind"] == "log":
                    row["epoch"] = "new"
        for plant, excused in ((lose, False), (lose_under_new_epoch, True),
                               (lambda rows: None, False)):
            rows = good_history()
            plant(rows)
            self.assertEqual(check_history.passes(self.check(rows), expect_loss=True), excused)

    def test_lost(self):
        def plant(rows):  # the last one, so that everything else stays dense
            rows.remove(pick(rows, "log", position=20))
        self.assertIn("lost", self.names(plant))

    def test_duplicated(self):
        def plant(rows):
            twin = dict(pick(rows, "log", position=19), position=21, seq=11)
            rows.insert(rows.index(pick(rows, "log", position=20)) + 1, twin)
        self.assertIn("duplicated", self.names(plant))

    def test_moved(self):
        def plant(rows):
            pick(rows, "answered", messageId="m4")["position"] = 6
        self.assertEqual(self.names(plant), {"moved"})

    def test_two_messages_changed_places_in_the_log(self):
        def plant(rows):
            one, other = pick(rows, "log", position=3), pick(rows, "log", position=5)
            for name in ("messageId", "hash"):
                one[name], other[name] = other[name], one[name]
        self.assertIn("moved", self.names(plant))

    def test_altered_in_the_log(self):
        def plant(rows):
            pick(rows, "log", position=7)["hash"] = "other"
        self.assertIn("altered", self.names(plant))

    def test_altered_on_delivery(self):
        def plant(rows):
            pick(rows, "delivered", client="c2")["items"][3][6] = "other"
        self.assertEqual(self.names(plant), {"altered"})

    def test_delivered_under_another_position(self):
        def plant(rows):
            pick(rows, "delivered", client="c2")["items"][3][4] = 5
        self.assertEqual(self.names(plant), {"altered"})

    def test_unknown_message(self):
        def plant(rows):
            rows.remove(pick(rows, "write", messageId="m10"))
        self.assertEqual(self.names(plant), {"unknown"})

    def test_an_unanswered_write_may_be_absent(self):
        def plant(rows):
            rows.insert(1, {"kind": "write", "channel": "room/a", "messageId": "x", "hash": "x"})
        self.assertEqual(self.names(plant), set())

    def test_gap_in_positions(self):
        def plant(rows):
            for row in rows:
                if row["kind"] == "log" and row["position"] > 12:
                    row["position"] += 1
        self.assertIn("position-gap", self.names(plant))

    def test_gap_in_seqs(self):
        def plant(rows):
            pick(rows, "log", position=19)["seq"] = 11
        self.assertIn("seq-gap", self.names(plant))

    def test_reordered(self):
        def plant(rows):
            items = pick(rows, "delivered", client="c3", connection=2)["items"]
            items[4][2:], items[6][2:] = items[6][2:], items[4][2:]
        self.assertEqual(self.names(plant), {"reordered"})

    def test_missing(self):
        def plant(rows):
            pick(rows, "delivered", client="c1", connection=2)["items"].pop()
        self.assertEqual(self.names(plant), {"missing"})

    def test_phantom(self):
        def plant(rows):  # sent before it was on disk, and lost
            pick(rows, "delivered", client="c1", connection=2)["items"].append(
                [15, 1, "room/a", 11, 21, "m21", "x"])
        self.assertEqual(self.names(plant), {"phantom"})

    def test_floor_regressed_after_a_kill(self):
        def plant(rows):
            pick(rows, "welcome", client="c2", connection=2)["floors"]["room/b"] = 2
        self.assertEqual(self.names(plant), {"regressed-floor"})

    def test_floor_regressed_behind_an_earlier_recovery(self):
        def plant(rows):
            end = rows.index(pick(rows, "log", position=1))
            rows[end:end] = [welcome("c1", 3, 10), welcome("c1", 4, 9)]
        self.assertEqual(self.names(plant), {"regressed-floor"})

    def test_floor_regressed_at_the_end(self):
        def plant(rows):
            pick(rows, "subscription", client="c3", channel="room/a")["floor"] = 9
        self.assertEqual(self.names(plant), {"regressed-floor", "unsettled"})

    def test_repeated_after_the_confirmation(self):
        def plant(rows):
            insert_delivery(pick(rows, "delivered", client="c1", connection=2), 0, item(1, 2, 6))
        self.assertEqual(self.names(plant), {"repeated"})

    def test_parked(self):
        def plant(rows):
            pick(rows, "subscription", client="c3", channel="room/a")["parked"] = 1
        self.assertEqual(self.names(plant), {"unsettled"})

    def test_subscription_lost(self):
        def plant(rows):
            rows.remove(pick(rows, "subscription", client="c3", channel="room/a"))
        self.assertEqual(self.names(plant), {"subscription-lost"})

    def test_empty_and_torn_histories_are_refused(self):
        whole = "".join(json.dumps(row) + "\n" for row in good_history())
        for what, text in (("empty", ""), ("truncated", whole), ("not a row", whole[:-20])):
            with self.subTest(what), self.assertRaisesRegex(check_history.BadHistory, what):
                self.check_text(text)
        with self.assertRaisesRegex(check_history.BadHistory, "truncated"):
            rows = good_history()
            del rows[20]
            rows.append({"kind": "end", "rows": len(rows) + 2})
            self.check_text("".join(json.dumps(row) + "\n" for row in rows))

    def test_a_history_in_which_nothing_happened_is_refused(self):
        for kind in ("write", "answered", "delivered", "confirmed", "welcome", "log", "fall",
                     "subscription"):
            with self.subTest(kind), self.assertRaises(check_history.BadHistory):
                self.check([row for row in good_history() if row["kind"] != kind])


if __name__ == "__main__":
    unittest.main()
