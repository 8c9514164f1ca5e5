#!/usr/bin/env python3
"""Plants faults in what one client saw, and expects the checker to name each; what may happen to a
client must pass."""

import unittest

from check_history import Checker

CHANNEL = "room/a"


class OneClient(unittest.TestCase):
    """Each test tells what one client saw of one channel; message n has seq and position n."""

    def setUp(self):
        self.checker = Checker()
        self.connection = 0
        self.sent = 0
        self.take("subscribed", channel=CHANNEL, startSeq=1)
        self.write(1, 9)

    def take(self, kind, **row):
        self.checker.take({"kind": kind, "client": "c", "connection": self.connection, **row})

    def write(self, first, last):
        for seq in range(first, last + 1):
            named = {"channel": CHANNEL, "messageId": f"m{seq}"}
            self.take("write", hash="h", **named)
            self.take("answered", seq=seq, position=seq, epoch="e", **named)

    def connect(self, process=1, session=None, resume=None, floor=0, resumed=None):
        """A floor of None: not subscribed."""
        self.connection += 1
        asked = {"session": session, "delivery": resume} if resume is not None else None
        resumed = asked is not None if resumed is None else resumed
        if not resumed:
            self.sent = 0
        self.take("welcome", process=process, session=session or f"s{self.connection}",
                  resumed=resumed, resume=asked, floors={} if floor is None else {CHANNEL: floor})

    def deliver(self, *seqs, attempt=1):
        for seq in seqs:
            self.sent += 1
            self.take("delivered", items=[[self.sent, attempt, CHANNEL, seq, seq, f"m{seq}", "h"]])

    def confirm(self):
        self.take("confirmed", upTo=self.sent)

    def nack(self, seq):
        self.take("nacked", channel=CHANNEL, seq=seq, delivery=seq)

    def unsubscribe(self):
        self.take("unsubscribing", channel=CHANNEL)
        self.take("unsubscribed", channel=CHANNEL)

    def subscribe(self, start_seq, asked="new"):
        self.take("subscribing", channel=CHANNEL, **{"from": asked})
        self.take("subscribed", channel=CHANNEL, startSeq=start_seq)

    def store(self, last):
        for seq in range(1, last + 1):
            self.take("log", epoch="e", position=seq, channel=CHANNEL, seq=seq,
                      messageId=f"m{seq}", hash="h")

    def found(self):
        return {kind for kind, _ in self.checker.violations}

    # Refusing.

    def test_what_was_recalled_may_come_again_after_a_confirmation(self):
        self.connect()
        self.deliver(1, 2, 3)
        self.nack(2)
        self.deliver(4)  # was under way
        self.confirm()
        self.deliver(2, 3, 4, attempt=2)
        self.assertEqual(self.found(), set())

    def test_what_was_not_recalled_may_not(self):
        self.connect()
        self.deliver(1, 2, 3)
        self.nack(2)
        self.confirm()
        self.deliver(1, attempt=2)
        self.assertEqual(self.found(), {"repeated"})

    def test_the_recalled_that_came_again_and_was_confirmed_may_not(self):
        self.connect()
        self.deliver(1, 2, 3)
        self.nack(2)
        self.deliver(2, 3, attempt=2)
        self.confirm()
        self.connect(process=2)
        self.deliver(3, attempt=3)
        self.assertEqual(self.found(), {"repeated", "regressed-floor"})

    # Resuming.

    def test_what_lies_beyond_the_point_resumed_from_comes_again(self):
        self.connect(session="s")
        self.deliver(1, 2, 3)
        self.connect(session="s", resume=1)
        self.confirm()
        self.deliver(2, 3, attempt=2)
        self.assertEqual(self.found(), set())

    def test_what_lies_before_it_does_not_once_that_is_confirmed(self):
        self.connect(session="s")
        self.deliver(1, 2, 3)
        self.connect(session="s", resume=1)
        self.confirm()
        self.deliver(1, attempt=2)
        self.assertEqual(self.found(), {"repeated"})

    def test_a_session_of_an_earlier_process_is_not_resumed(self):
        self.connect(session="s")
        self.deliver(1)
        self.connect(process=2, session="s", resume=1)
        self.assertEqual(self.found(), {"wrong-resume"})

    def test_what_did_not_ask_is_not_resumed(self):
        self.connect(session="s")
        self.connect(session="s", resumed=True)
        self.assertEqual(self.found(), {"wrong-resume"})

    def test_a_new_session_has_an_id_of_its_own(self):
        self.connect(session="s")
        self.connect(session="s")
        self.assertEqual(self.found(), {"wrong-resume"})

    def test_numbers_go_on_without_a_gap(self):
        self.connect(session="s")
        self.deliver(1, 2)
        self.sent += 1
        self.deliver(3)
        self.assertEqual(self.found(), {"misnumbered"})

    def test_numbers_of_a_resumed_session_may_skip_what_was_lost_on_the_way(self):
        self.connect(session="s")
        self.deliver(1, 2)
        self.connect(session="s", resume=2)
        self.sent += 3
        self.deliver(3)
        self.assertEqual(self.found(), set())

    def test_and_never_start_again(self):
        self.connect(session="s")
        self.deliver(1, 2)
        self.connect(session="s", resume=2)
        self.sent = 0
        self.deliver(3)
        self.assertEqual(self.found(), {"misnumbered"})

    # Subscribing.

    def test_an_ended_subscription_gets_nothing(self):
        self.connect()
        self.unsubscribe()
        self.deliver(1)
        self.assertEqual(self.found(), {"not-owed"})

    def test_a_new_one_gets_what_the_earlier_had_again(self):
        self.connect()
        self.deliver(1, 2)
        self.confirm()
        self.unsubscribe()
        self.subscribe(2, asked=2)
        self.deliver(2, 3)
        self.assertEqual(self.found(), set())

    def test_and_nothing_from_before_its_start(self):
        self.connect()
        self.unsubscribe()
        self.subscribe(5, asked=5)
        self.deliver(4)
        self.assertEqual(self.found(), {"not-owed"})

    def test_its_start_is_the_one_asked_for(self):
        self.connect()
        self.unsubscribe()
        self.subscribe(4, asked=5)
        self.assertEqual(self.found(), {"wrong-start"})

    def test_a_new_start_lies_behind_what_was_answered_before(self):
        self.connect()
        self.unsubscribe()
        self.subscribe(9)
        self.assertEqual(self.found(), {"wrong-start"})

    def test_and_before_what_is_written_after(self):
        self.connect()
        self.unsubscribe()
        self.subscribe(11)
        self.write(10, 10)
        self.store(10)
        self.assertEqual(self.found(), {"wrong-start"})

    def test_a_crash_may_keep_an_end_or_take_it_back(self):
        for floor in (0, None):
            with self.subTest(floor=floor):
                self.setUp()
                self.connect()
                self.take("unsubscribing", channel=CHANNEL)
                self.connect(process=2, floor=floor)
                self.assertEqual(self.found(), set())

    def test_a_crash_may_keep_a_start_or_take_it_back(self):
        for floor in (9, None):
            with self.subTest(floor=floor):
                self.setUp()
                self.connect()
                self.unsubscribe()
                self.take("subscribing", channel=CHANNEL, **{"from": "new"})
                self.connect(process=2, floor=floor)
                self.assertEqual(self.found(), set())

    def test_a_start_that_a_crash_kept_is_exact_too(self):
        self.connect()
        self.unsubscribe()
        self.take("subscribing", channel=CHANNEL, **{"from": "new"})
        self.connect(process=2, floor=8)
        self.assertEqual(self.found(), {"wrong-start"})

    def test_a_subscription_is_lost(self):
        self.connect()
        self.connect(process=2, floor=None)
        self.assertEqual(self.found(), {"subscription-lost"})

    def test_an_ended_subscription_is_back(self):
        self.connect()
        self.unsubscribe()
        self.connect(process=2)
        self.assertEqual(self.found(), {"resurrected"})

    def test_an_ended_subscription_is_back_at_the_end(self):
        self.connect()
        self.unsubscribe()
        self.store(9)
        self.take("subscription", channel=CHANNEL, floor=9, undelivered=0, parked=0)
        self.checker.judge()
        self.assertEqual(self.found(), {"resurrected"})


if __name__ == "__main__":
    unittest.main()
