"""The senders of a load: one process that sends at a rate, or as fast as the receivers receive."""

from __future__ import annotations

import re
import selectors
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

import orjson

from tcpchat.bench.connection import Connection
from tcpchat.bench.payload import make_text
from tcpchat.bench.plan import WINDOW, Plan, Sending, SendLog
from tcpchat.errors import StartError

MAX_IN_FLIGHT = 256  # messages of a sender, at a rate that the server cannot keep up with
TICK = 0.001  # seconds; the precision of a rate
_SENT = re.compile(rb'^\{"type":"sent","re":(\d+),', re.MULTILINE)


class Sender:
    """One connection that sends, and the replies to it."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan, self._number = plan, number
        self.connection = Connection(plan.address)
        self.sent = 0
        self.unacknowledged: list[int] = []
        self.refused: dict[str, tuple[int, str]] = {}
        self.latencies: list[float] = []
        self.in_flight: dict[int, float] = {}
        self.not_before = 0.0
        """The time when it may send again after it was rate-limited."""
        self.is_open = True
        """Whether there may be more to read."""
        self.ended = ""
        """Why it cannot send any more: the server's reason if it gave one."""
        self.answered_again = 0
        self._out = b""

    def can_send(self, now: float) -> bool:
        return (
            not self.ended
            and not self._out
            and now >= self.not_before
            and len(self.in_flight) < MAX_IN_FLIGHT
        )

    def send(self, now: float) -> None:
        plan = self._plan
        text = make_text(plan.run, self._number, self.sent, time.monotonic_ns(), plan.size)
        self._out += orjson.dumps({"type": "send", "id": self.sent, "text": text}) + b"\n"
        self.in_flight[self.sent] = now
        self.sent += 1
        self.flush()

    def flush(self) -> None:
        if not self._out or self.ended:
            return
        try:
            self._out = self._out[self.connection.socket.send(self._out) :]
        except BlockingIOError:
            pass
        except OSError as error:  # the server's reason may still be unread
            self.ended = error.strerror or str(error)

    def read(self) -> None:
        """Take the replies that have arrived."""
        lines = self.connection.read()
        if lines is None:
            self.is_open, self.ended = False, self.connection.bye
            return
        now = time.monotonic()
        for found in _SENT.findall(lines):
            sent_at = self.in_flight.pop(int(found), None)
            if sent_at is None:
                self.answered_again += 1
            else:
                self.latencies.append((now - sent_at) * 1000)
        if b'{"type":"error"' in lines:
            for line in lines.split(b"\n"):
                if line.startswith(b'{"type":"error"'):
                    self._refused(orjson.loads(line), now)

    def _refused(self, error: dict[str, object], now: float) -> None:
        number, code = error.get("re"), str(error.get("code"))
        count, message = self.refused.get(code, (0, str(error.get("message"))))
        self.refused[code] = (count + 1, message)
        wait = error.get("retry_after")
        if isinstance(wait, int | float):
            self.not_before = max(self.not_before, now + wait)
        if isinstance(number, int):
            if self.in_flight.pop(number, None) is None:
                self.answered_again += 1
            else:
                self.unacknowledged.append(number)

    def log(self) -> SendLog:
        return SendLog(sent=self.sent, unacknowledged=tuple(sorted({*self.unacknowledged, *self.in_flight})))


class Senders:
    """All senders, which take turns."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self.each = [Sender(plan, number) for number in range(plan.senders)]
        self._turn = 0
        self.stopped = False
        """It is to end early."""
        for sender in self.each:
            self._selector.register(sender.connection.socket, selectors.EVENT_READ, sender)

    def watch(self, pipe: Pipe) -> None:
        """End early when there is something in the pipe."""
        self._selector.register(pipe.fileno(), selectors.EVENT_READ)

    @property
    def sent(self) -> int:
        return sum(sender.sent for sender in self.each)

    @property
    def acknowledged(self) -> int:
        return sum(len(sender.latencies) for sender in self.each)

    @property
    def unacknowledged(self) -> int:
        return sum(len(sender.unacknowledged) for sender in self.each)

    def step(self) -> None:
        for key, _ in self._selector.select(TICK):
            if key.data is None:
                self.stopped = True
                self._selector.unregister(key.fileobj)
                continue
            sender: Sender = key.data
            sender.read()
            if not sender.is_open:
                self._selector.unregister(sender.connection.socket)
        for sender in self.each:
            sender.flush()

    def send(self, count: int, now: float) -> None:
        """Send so many messages, by senders in turn; fewer if no sender may send."""
        for _ in range(count):
            for _ in self.each:
                sender = self.each[self._turn]
                self._turn = (self._turn + 1) % len(self.each)
                if sender.can_send(now):
                    sender.send(now)
                    break
            else:
                return

    def result(self, seconds: float, core: float) -> Sending:
        refused: dict[str, tuple[int, str]] = {}
        for sender in self.each:
            for code, (count, message) in sender.refused.items():
                refused[code] = (refused.get(code, (0, ""))[0] + count, message)
        return Sending(
            logs=tuple(sender.log() for sender in self.each),
            refused=refused,
            unanswered=sum(len(sender.in_flight) for sender in self.each),
            answered_again=sum(sender.answered_again for sender in self.each),
            closed=dict(Counter(sender.ended for sender in self.each if sender.ended)),
            latencies=tuple(latency for sender in self.each for latency in sender.latencies),
            seconds=seconds,
            core=core,
        )


def run(
    senders: Senders, plan: Plan, received: Callable[[], float], report: Callable[[], None]
) -> tuple[float, float]:
    """Send until the time is over or it is to end early, then wait for missing replies.

    Returns the seconds and the share of a core.
    """
    began, used = time.monotonic(), time.process_time()
    rounds = 0
    while (now := time.monotonic()) < began + plan.seconds and not senders.stopped:
        if plan.rate:
            wanted = (now - began) * plan.rate - senders.sent
        else:
            wanted = received() + WINDOW + senders.unacknowledged - senders.sent
        senders.send(max(0, int(wanted)), now)
        senders.step()
        rounds += 1
        report()
    seconds = time.monotonic() - began
    core = (time.process_time() - used) / seconds
    until = time.monotonic() + plan.patience
    while time.monotonic() < until and any(sender.in_flight and sender.is_open for sender in senders.each):
        senders.step()
    report()
    return seconds, core


def send(plan: Plan, pipe: Pipe, counters: list[float], receivers: int) -> None:
    """Run the process: report that all have joined, wait for the start, send, report.

    Another object in the pipe ends it early. The shared `counters` are two for each process of receivers,
    followed by the messages that were sent, acknowledged and refused.
    """
    try:
        senders = Senders(plan)
    except StartError as error:
        pipe.send(error)
        return
    pipe.send(plan.senders)
    pipe.recv()
    senders.watch(pipe)
    progress = slice(0, 2 * receivers, 2)

    def report() -> None:
        counters[2 * receivers :] = [senders.sent, senders.acknowledged, senders.unacknowledged]

    seconds, core = run(senders, plan, lambda: min(counters[progress]), report)
    pipe.send(senders.result(seconds, core))
