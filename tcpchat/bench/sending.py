"""The senders of a load: one process, which sends at a rate, or as fast as the receivers get it."""

from __future__ import annotations

import re
import selectors
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

import orjson

from tcpchat.bench.connection import Connection
from tcpchat.bench.plan import WINDOW, Plan, Said, Sending
from tcpchat.bench.texts import write
from tcpchat.errors import StartError

UNDER_WAY = 256  # messages of a sender that may be unanswered at a rate that the server cannot keep up with
TICK = 0.001  # seconds; how exactly a rate is kept
_SENT = re.compile(rb'^\{"type":"sent","re":(\d+),', re.MULTILINE)


class Sender:
    """One connection that sends, and what it was told."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan, self._number = plan, number
        self.connection = Connection(plan.address)
        self.sent = 0
        self.not_kept: list[int] = []
        self.refused: dict[str, tuple[int, str]] = {}
        self.latencies: list[float] = []
        self.under_way: dict[int, float] = {}
        self.not_before = 0.0
        """When it may send again, after the server said that it sends too much."""
        self.is_open = True
        """Whether there may be more to read."""
        self.ended = ""
        """Why it can send no more: the server's reason if it gave one."""
        self.answered_again = 0
        self._out = b""

    def can_send(self, now: float) -> bool:
        return not self.ended and not self._out and now >= self.not_before and len(self.under_way) < UNDER_WAY

    def send(self, now: float) -> None:
        plan = self._plan
        text = write(plan.run, self._number, self.sent, time.monotonic_ns(), plan.size)
        self._out += orjson.dumps({"type": "send", "id": self.sent, "text": text}) + b"\n"
        self.under_way[self.sent] = now
        self.sent += 1
        self.flush()

    def flush(self) -> None:
        if not self._out or self.ended:
            return
        try:
            self._out = self._out[self.connection.socket.send(self._out) :]
        except BlockingIOError:
            pass
        except OSError as error:  # the reason may be among what is still to be read
            self.ended = error.strerror or str(error)

    def read(self) -> None:
        """Take the answers that came."""
        lines = self.connection.read()
        if lines is None:
            self.is_open, self.ended = False, self.connection.bye
            return
        now = time.monotonic()
        for found in _SENT.findall(lines):
            sent_at = self.under_way.pop(int(found), None)
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
            if self.under_way.pop(number, None) is None:
                self.answered_again += 1
            else:
                self.not_kept.append(number)

    def said(self) -> Said:
        return Said(sent=self.sent, not_kept=tuple(sorted({*self.not_kept, *self.under_way})))


class Senders:
    """All senders, in turn."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self.each = [Sender(plan, number) for number in range(plan.senders)]
        self._turn = 0
        self.stopped = False
        """Somebody said that it is enough."""
        for sender in self.each:
            self._selector.register(sender.connection.socket, selectors.EVENT_READ, sender)

    def watch(self, pipe: Pipe) -> None:
        """Stop when there is something in the pipe."""
        self._selector.register(pipe.fileno(), selectors.EVENT_READ)

    @property
    def sent(self) -> int:
        return sum(sender.sent for sender in self.each)

    @property
    def acknowledged(self) -> int:
        return sum(len(sender.latencies) for sender in self.each)

    @property
    def not_kept(self) -> int:
        return sum(len(sender.not_kept) for sender in self.each)

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
        """Send so many, each sender in its turn; fewer, if no sender may."""
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
            said=tuple(sender.said() for sender in self.each),
            refused=refused,
            unanswered=sum(len(sender.under_way) for sender in self.each),
            answered_again=sum(sender.answered_again for sender in self.each),
            closed=dict(Counter(sender.ended for sender in self.each if sender.ended)),
            latencies=tuple(latency for sender in self.each for latency in sender.latencies),
            seconds=seconds,
            core=core,
        )


def talk(
    senders: Senders, plan: Plan, received: Callable[[], float], tell: Callable[[], None]
) -> tuple[float, float]:
    """Send until the time is over or it is enough, and the answers are there.

    Returns seconds and share of a core.
    """
    began, used = time.monotonic(), time.process_time()
    rounds = 0
    while (now := time.monotonic()) < began + plan.seconds and not senders.stopped:
        if plan.rate:
            wanted = (now - began) * plan.rate - senders.sent
        else:
            wanted = received() + WINDOW + senders.not_kept - senders.sent
        senders.send(max(0, int(wanted)), now)
        senders.step()
        rounds += 1
        tell()
    seconds = time.monotonic() - began
    core = (time.process_time() - used) / seconds
    until = time.monotonic() + plan.patience
    while time.monotonic() < until and any(sender.under_way and sender.is_open for sender in senders.each):
        senders.step()
    tell()
    return seconds, core


def send(plan: Plan, pipe: Pipe, board: list[float], receivers: int) -> None:
    """Run the process: say when all have joined, wait for the word to begin, send, report.

    Another word before the time is over ends it early.
    `board` holds two numbers of each process of receivers, and then what was sent, acknowledged and refused.
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

    def tell() -> None:
        board[2 * receivers :] = [senders.sent, senders.acknowledged, senders.not_kept]

    seconds, core = talk(senders, plan, lambda: min(board[progress]), tell)
    pipe.send(senders.result(seconds, core))
