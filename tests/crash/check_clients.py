"""What clients were promised and what they got: the half of check_history.py that is about
subscriptions, sessions and deliveries."""

import collections


class SeqSet:
    """Seqs that come nearly in order: all up to `floor`, and some above."""

    def __init__(self, floor):
        self.floor = floor
        self.above = set()

    def add(self, seq):
        if seq > self.floor:
            self.above.add(seq)
        self._advance()

    def raise_floor(self, floor):
        self.floor = max(self.floor, floor)
        self.above = {seq for seq in self.above if seq > self.floor}
        self._advance()

    def __contains__(self, seq):
        return seq <= self.floor or seq in self.above

    def missing_up_to(self, last):
        return [seq for seq in range(self.floor + 1, last + 1) if seq not in self.above]

    def _advance(self):
        while self.floor + 1 in self.above:
            self.floor += 1
            self.above.remove(self.floor)


class Term:
    """One subscription, from its start to its end: subscribing again begins another."""

    def __init__(self, start_seq):
        self.start_seq = start_seq
        self.seen = SeqSet(start_seq - 1)
        self.last_first = start_seq - 1
        # Settled for good: a crash must not take it back.
        self.settled = SeqSet(start_seq - 1)


Sent = collections.namedtuple("Sent", "number channel seq term")


class Session:
    """What an acknowledgement up to some number would cover."""

    def __init__(self, process):
        self.process = process
        self.last_number = 0
        self.open = []  # Sent, in order of number


class Client:
    """One client. `side` is the Checker: it takes violations, and knows what was answered."""

    def __init__(self, name, side):
        self.name = name
        self.side = side
        self.terms = {}  # channel -> Term; None: not subscribed
        self.changing = {}  # channel -> the row of a change that is under way
        self.sessions = {}  # id -> Session
        self.session = None
        self.first_of_connection = True
        self.held = {}  # channel -> the seq that was refused: what comes behind it was recalled
        self.processes_met = set()

    def violate(self, kind, sentence):
        self.side.violate(kind, f"{self.name} {sentence}")

    # Subscriptions.

    def on_subscribing(self, row):
        answered = self.side.last_answered[row["channel"]]
        self.changing[row["channel"]] = dict(row, answered=answered)

    def on_unsubscribing(self, row):
        self.changing[row["channel"]] = row

    def on_subscribed(self, row):
        self.begin_term(row["channel"], row["startSeq"])

    def on_unsubscribed(self, row):
        self.end_term(row["channel"])

    def begin_term(self, channel, start_seq):
        asked = self.changing.pop(channel, None)
        if asked and asked["from"] == "new" and start_seq <= asked["answered"]:
            self.violate("wrong-start", f"{channel}: starts at seq {start_seq}, and seq "
                                        f"{asked['answered']} was answered before it was asked for")
        if asked and asked["from"] != "new" and start_seq != asked["from"]:
            self.violate("wrong-start", f"{channel}: starts at seq {start_seq}, asked for was "
                                        f"{asked['from']}")
        self.terms[channel] = Term(start_seq)
        self.side.owed_from(channel, start_seq)

    def end_term(self, channel):
        self.changing.pop(channel, None)
        self.held.pop(channel, None)
        self.terms[channel] = None
        if self.session:
            self.session.open = [sent for sent in self.session.open if sent.channel != channel]

    # Sessions.

    def on_welcome(self, row):
        self.begin_session(row)
        self.first_of_connection = True
        self.held = {}
        first = row["process"] not in self.processes_met
        self.processes_met.add(row["process"])
        for channel in {*self.terms, *self.changing, *row["floors"]}:
            self.meet_subscription(channel, row["floors"].get(channel),
                                   f"welcome of connection {row['connection']}", first)

    def begin_session(self, row):
        known = self.sessions.get(row["session"])
        where = f"connection {row['connection']}"
        if not row["resumed"]:
            if known:
                self.violate("wrong-resume", f"{where}: a new session has the id of an earlier one")
            self.session = self.sessions[row["session"]] = Session(row["process"])
            return
        asked = row["resume"]
        if not asked or asked["session"] != row["session"] or not known:
            self.violate("wrong-resume", f"{where}: resumed what it did not ask for")
            known = known or self.sessions.setdefault(row["session"], Session(row["process"]))
        if known.process != row["process"]:
            self.violate("wrong-resume", f"{where}: resumed a session of an earlier process")
        self.side.counts["resumed"] += 1
        self.session = known
        if asked:  # what was sent beyond that point comes again, under new numbers
            known.open = [sent for sent in known.open if sent.number <= asked["delivery"]]

    def meet_subscription(self, channel, floor, where, first_of_process):
        """What a welcome says about a channel; no floor: that there is no subscription."""
        term, change = self.terms.get(channel), self.changing.pop(channel, None)
        if floor is None:
            if term and not change:
                self.violate("subscription-lost", f"{where}: no longer subscribed to {channel}")
            self.terms[channel] = None
            return
        if term is None:
            if not change:
                self.violate("resurrected", f"{where}: subscribed to {channel}, which had ended")
            else:
                self.changing[channel] = change
            self.begin_term(channel, floor + 1)
            return
        self.check_floor(term, channel, floor, where)
        # The first welcome of a server process shows what that process found on disk. A later one
        # may show acknowledgements that are not on disk yet, which a crash may take back.
        if first_of_process:
            term.settled.raise_floor(floor)

    def check_floor(self, term, channel, floor, where):
        if floor < term.settled.floor:
            self.violate("regressed-floor", f"{channel}: floor {floor} ({where}) is behind "
                                            f"{term.settled.floor}, which was confirmed")

    # Deliveries.

    def on_delivered(self, row):
        where = f"connection {row['connection']}:"
        for number, attempt, channel, seq, *content in row["items"]:
            self.check_number(number, where)
            term = self.terms.get(channel)
            if term is None:
                self.violate("not-owed", f"{where} got {channel} seq {seq} and is not subscribed")
                continue
            if attempt > 1 or seq in term.seen:
                self.side.counts["redelivery"] += 1
            self.check_delivery(term, channel, seq, where)
            if self.held.get(channel) == seq:
                del self.held[channel]
            # What was under way behind a refused one was recalled, so nothing up to it covers it.
            if seq < self.held.get(channel, seq + 1):
                self.session.open.append(Sent(number, channel, seq, term))
            self.side.delivered(self.name, channel, seq, tuple(content))

    def check_number(self, number, where):
        last, self.session.last_number = self.session.last_number, number
        if number != last + 1 and (not self.first_of_connection or number <= last):
            self.violate("misnumbered", f"{where} delivery {number} follows {last}")
        self.first_of_connection = False

    def check_delivery(self, term, channel, seq, where):
        what = f"{where} {channel} seq {seq}"
        if seq < term.start_seq:
            self.violate("not-owed", f"{what} is before the subscription's start {term.start_seq}")
        elif seq in term.settled:
            self.violate("repeated", f"{what} came again after its acknowledgement was confirmed")
        if seq not in term.seen:
            if seq < term.last_first:
                self.violate("reordered", f"{what} came for the first time after seq "
                                          f"{term.last_first}")
            term.last_first = max(term.last_first, seq)
            term.seen.add(seq)

    def on_nacked(self, row):
        channel, seq = row["channel"], row["seq"]
        self.held[channel] = seq
        self.session.open = [sent for sent in self.session.open
                             if sent.channel != channel or sent.seq < seq]

    def on_confirmed(self, row):
        for sent in self.session.open:
            if sent.number <= row["upTo"]:
                sent.term.settled.add(sent.seq)
        self.session.open = [sent for sent in self.session.open if sent.number > row["upTo"]]

    # The end.

    def judge(self, final, last_seq):
        """`final`: channel -> subscription row; `last_seq`: channel -> seq."""
        for channel, term in self.terms.items():
            row = final.get(channel)
            if (row is None) != (term is None):
                kind = "subscription-lost" if row is None else "resurrected"
                self.violate(kind, f"{channel}: at the end this is not as it was left")
            if row is None or term is None:
                continue
            self.check_floor(term, channel, row["floor"], "at the end")
            missing = term.seen.missing_up_to(last_seq[channel])
            if missing:
                self.violate("missing", f"never got {len(missing)} of {channel}, from seq "
                                        f"{missing[0]}")
            if row["undelivered"] or row["parked"] or row["floor"] != last_seq[channel]:
                self.violate("unsettled", f"{channel}: undelivered {row['undelivered']}, parked "
                             f"{row['parked']}, floor {row['floor']} of {last_seq[channel]} "
                             "though all was acknowledged")
