"""A device on the bare protocol: it resumes, fetches the messages it missed, and repeats unanswered sends.

The library does the same with more care. A device reads only while it waits for a reply, loses its connection
in the middle of a resume, and leaves connections open that it has given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import orjson
import trio

from chaos.environment import LENGTHS, PASSWORD, Environment
from chaos.network import WINDOW, Link
from tcpchat.protocol import LOBBY

Line = dict[str, Any]
LOST = (EOFError, trio.BrokenResourceError, trio.ClosedResourceError, ConnectionRefusedError)
PAGE = 20  # events in a page of a log
EDITABLE = 10  # last messages of a user, of which one may be edited
KEYED = 0.8  # the share of sends that have a key, and are repeated until they are answered
IDLE = 10.0  # seconds between two reads once everything is calm


class Device:
    """One device of a user."""

    def __init__(self, label: str, environment: Environment, random: Random, *, registered: bool) -> None:
        self.label = label
        self.name = self.called = label.rstrip("0123456789")
        self.registered = registered
        self.places: dict[str, int] = {}
        self._environment = environment
        self._checker = environment.checker
        self._random = random
        self._link: Link | None = None
        self._tail = b""
        self._token = ""
        self._joined_again = self._up_to_date = False
        self._confirmed = environment.read.setdefault(self.name, {})
        self._seen: dict[str, int] = {}  # read markers that this device was notified of
        self._resuming: list[Line] | None = None  # the lobby's messages before the reply to `resume`
        self._newest: dict[str, int] = {}  # last numbers of conversations that are being fetched
        self._under_way: deque[Line] = deque()
        self._unanswered: list[Line] = []  # sends with a key, whose connection was lost
        self._ids = 0
        self._lock = trio.Lock()  # of the connection, which the final checks use too

    @property
    def keeps_marks(self) -> bool:
        return not self._joined_again

    @property
    def trouble(self) -> str | None:
        if self._link is None or self._unanswered:
            return "is not connected"
        return None if self._up_to_date else "is not up to date"

    async def join(self) -> None:
        """Take the name and register it, or log in to the registered name."""
        await self._connect()
        welcome = await self._line()
        self._token, self.places = welcome["token"], {LOBBY: welcome["seq"]}
        if not self.registered or self.label in {self.name, f"{self.name}1"}:
            await self._ask({"type": "rename", "name": self.name}, "renamed")
        if self.registered and self.label in {self.name, f"{self.name}1"}:
            await self._ask({"type": "register", "password": PASSWORD}, "registered")
        elif self.registered:
            login = {"type": "login", "name": self.name, "password": PASSWORD}
            self._token = (await self._ask(login, "logged-in"))["token"]
        else:  # the server stores a guest who has sent something
            line = self._new_send(None)
            await self._send_lines([line | {"key": line["text"].partition(" ")[0]}])
            await self._read()
        self._up_to_date = True

    async def run(self) -> None:
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self._send: 45, self._edit: 8, self._read: 12, self._mark: 12, self._give_up: 3, self._break: 3,
            self._come_back: 25, self._come_back_in_vain: 4,
        }  # fmt: skip
        while True:
            with trio.move_on_after(self._random.expovariate(1 / self._environment.pace())):
                await self._environment.calm.wait()
            if self._environment.calm.is_set():
                await self._try(self._come_back)
                await self._try(self._read)
                await trio.sleep(IDLE)
            else:
                (action,) = self._random.choices(list(actions), list(actions.values()))
                self._checker.trace(self.label, "action", action.__name__)
                await self._try(action)

    async def _try(self, action: Callable[[], Awaitable[None]]) -> None:
        async with self._lock:
            try:
                await action()
            except LOST:
                self._lose()

    async def _connect(self) -> None:
        """Connect so that the server can send much before it is read, or nothing."""
        window = self._random.choice((WINDOW, 1))
        self._link, self._tail = await self._environment.network.connect(self.name, window), b""

    async def _come_back(self) -> None:
        if self._link is None:
            await self._resume(None)

    async def _come_back_in_vain(self) -> None:
        """Lose the connection again after a few lines."""
        if self._link is None:
            await self._resume(self._random.randrange(8))
            await self._break()

    async def _resume(self, lines: int | None) -> None:
        """Resume, fetch the missed messages, repeat unanswered sends; give up after so many lines."""
        self._up_to_date = False
        await self._connect()
        welcome = await self._line()
        self._resuming = []
        resume = {"type": "resume", "token": self._token, "after": self.places[LOBBY]}
        reply = await self._ask(resume, "resumed", "error", lines=lines)
        if reply["type"] == "error":
            await self._join_again(reply)
            return
        if reply["user"] != self.name:
            self._checker.fail(f"{self.label} came back as {reply['user']}")
        self._take_missed(welcome["seq"], reply["seq"])
        await self._fetch()
        self._up_to_date = True
        repeated, self._unanswered = self._unanswered, []
        await self._send_lines(repeated)

    def _take_missed(self, first: int, last: int) -> None:
        """Take the lobby's messages up to the reply: a guest's, from `first` on, and then the missed ones."""
        lines, self._resuming = self._resuming or [], None
        numbers, next = [line["seq"] for line in lines], self.places[LOBBY] + 1
        start = len(numbers) - numbers[::-1].index(next) - 1 if next in numbers else len(numbers)
        seen = {LOBBY: first}
        for number in numbers[:start]:
            self._checker.check_follows(f"{self.label}, as a guest,", seen, LOBBY, number)
        for line in lines[start:]:
            self._check(LOBBY, line)
        if self.places[LOBBY] < last:
            self._checker.fail(f"P2: {self.label} resumed with {self.places[LOBBY]} of {last} in the lobby")

    async def _join_again(self, error: Line) -> None:
        """Become a new guest of the same name, when the old one was away for too long."""
        if self.registered or error["code"] != "bad-token":
            if error["code"] not in {"storage-failed", "rate-limited"}:
                self._checker.fail(f"{self.label} cannot resume: {error}")
            raise EOFError
        self._joined_again = True
        for line in self._unanswered:
            self._checker.lose_track(line["text"])
        self._unanswered.clear()
        await self._break()
        self._resuming = None
        await self.join()

    async def _fetch(self) -> None:
        """Get the missed messages of all conversations, and those that arrive meanwhile."""
        self._newest = {}
        for place, last, _ in await self._conversations():
            self._newest[place] = max(last, self._newest.get(place, 0))
        while behind := [
            place for place, last in self._newest.items() if self.places.setdefault(place, 0) < last
        ]:
            for place in behind:
                after = self.places[place]
                request = {"type": "log", "room": place, "after": after, "count": PAGE}
                for line in (await self._ask(request, "log"))["events"]:
                    self._check(place, line)

    async def _break(self) -> None:
        """Lose the connection, so that the server notices."""
        if self._link is not None:
            self._link.cut()
            self._lose()

    async def _give_up(self) -> None:
        """Lose the connection, without the server noticing soon."""
        if self._link is not None:
            self._link.half_open(client_knows=True)
            self._lose()

    def _lose(self) -> None:
        """Forget the connection: requests under way may have been done or not."""
        self._link = self._resuming = None
        self._up_to_date = False
        for line in self._under_way:
            if "key" in line:
                self._unanswered.append(line)
            else:
                self._checker.lose_track(line["text"])
        self._under_way.clear()

    async def _send(self) -> None:
        """Send some messages at once, without waiting for the replies."""
        if self._link is None or self._unanswered:
            return
        to = self._random.choice([None, self, *self._environment.others(self)])
        lines = []
        keyed = self._random.random() < KEYED
        for _ in range(self._random.choice((1, 1, 2, 20))):
            line = self._new_send(None if to is None else to.name)
            if to is not None:
                line["username"] = to.called
            if keyed:
                line["key"] = line["text"].partition(" ")[0]
            lines.append(line)
        await self._send_lines(lines)

    async def _edit(self) -> None:
        """Give one of the user's last messages another text, without waiting for the reply."""
        own = [one for one in self._checker.messages_of(self.name) if one[1].room in self.places]
        if self._link is None or self._unanswered or not own or not self._environment.edits:
            return
        first, stored = self._random.choice(own[-EDITABLE:])
        to = self._checker.ops[first].to
        text = self._checker.invoke(self.name, to, self._random.choice(LENGTHS), edits=first)
        line: Line = {"type": "edit", "room": stored.room, "seq": stored.seq, "text": text}
        if self._random.random() < KEYED:
            line["key"] = text.partition(" ")[0]
        await self._send_lines([line])

    def _new_send(self, to: str | None) -> Line:
        return {"type": "send", "text": self._checker.invoke(self.name, to, self._random.choice(LENGTHS))}

    async def _send_lines(self, lines: list[Line]) -> None:
        assert self._link is not None
        numbered = [line | {"id": self._next_id()} for line in lines]
        self._under_way += numbered
        if numbered:
            await self._link.client.send_all(b"".join(orjson.dumps(line) + b"\n" for line in numbered))

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    async def _read(self) -> None:
        """Read everything that has arrived."""
        if self._link is not None:
            await self._ask({"type": "ping"}, "pong")

    async def _mark(self) -> None:
        """Mark a place as read, up to any message that this device received."""
        if self._link is not None:
            place, last = self._random.choice(list(self.places.items()))
            await self._mark_up_to(place, self._random.randint(0, last))

    async def mark(self, place: str, seq: int) -> int:
        async with self._lock:
            return await self._mark_up_to(place, seq)

    async def _mark_up_to(self, place: str, seq: int) -> int:
        before = self._confirmed.get(place, 0)
        reply = await self._ask({"type": "read", "room": place, "seq": seq}, "read", "error")
        if reply["type"] == "error":
            return before
        read = int(reply["seq"])
        if self.keeps_marks:
            if read < max(before, seq):
                self._checker.fail(f"{self.label} had read {place} up to {before}, now {read}")
            self._confirmed[place] = max(self._confirmed.get(place, 0), read)
        return read

    async def conversations(self) -> list[tuple[str, int, int]]:
        async with self._lock:
            return await self._conversations()

    async def _conversations(self) -> list[tuple[str, int, int]]:
        reply = await self._ask({"type": "conversations"}, "conversations")
        return [(info["room"], info["seq"], info["read"]) for info in reply["conversations"]]

    async def history(self, place: str) -> list[tuple[int, str]]:
        async with self._lock:
            reply = await self._ask({"type": "history", "room": place}, "history")
        return [(line["seq"], line["text"]) for line in reply["messages"]]

    async def unread(self) -> dict[str, int]:
        async with self._lock:
            reply = await self._ask({"type": "unread"}, "unread")
        return {info["room"]: info["count"] for info in reply["rooms"]}

    async def _ask(self, request: Line, *types: str, lines: int | None = None) -> Line:
        """Return the reply, which must be of one of these types; raise EOFError after so many lines."""
        assert self._link is not None
        id = self._next_id()
        await self._link.client.send_all(orjson.dumps(request | {"id": id}) + b"\n")
        taken = 0
        while taken != lines:
            line = await self._line()
            self._take(line)
            taken += 1
            if line.get("re") == id:
                if line["type"] not in types:
                    self._checker.trace(self.label, "refused", str(line.get("code", line["type"])))
                    raise EOFError
                return line
        raise EOFError

    async def _line(self) -> Line:
        assert self._link is not None
        while b"\n" not in self._tail:
            data = await self._link.client.receive_some()
            if not data:
                raise EOFError
            self._tail += data
        line, _, self._tail = self._tail.partition(b"\n")
        decoded: Line = orjson.loads(line)
        return decoded

    def _take(self, line: Line) -> None:
        if line["type"] in {"message", "edited"}:
            place, seq = line["room"], line["seq"]
            if place == LOBBY and self._resuming is not None:
                self._resuming.append(line)
            elif place == LOBBY or self._up_to_date:
                self.places.setdefault(place, 0)
                self._check(place, line)
            else:
                self._newest[place] = max(seq, self._newest.get(place, 0))
        elif line["type"] == "read":
            self._take_mark(line["room"], line["seq"])
        elif line.get("re") and self._under_way and line["re"] == self._under_way[0]["id"]:
            self._take_answer(self._under_way.popleft()["text"], line)

    def _check(self, place: str, line: Line) -> None:
        self._checker.delivered += 1
        self._checker.check(self.name, place, line["seq"], line["text"], edit=line["type"] == "edited")
        self._checker.check_follows(self.label, self.places, place, line["seq"])

    def _take_mark(self, place: str, seq: int) -> None:
        if seq < self._seen.get(place, 0) and self.keeps_marks:
            self._checker.fail(f"{self.label} saw {place} read up to {self._seen[place]}, then {seq}")
        self._seen[place] = seq

    def _take_answer(self, text: str, line: Line) -> None:
        if line["type"] == "sent":
            self._checker.acknowledge(text, line["room"], line["seq"])
        else:
            self._checker.refuse(text, str(line.get("code", line["type"])))
