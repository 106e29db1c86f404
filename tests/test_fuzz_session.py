"""A search for scripts that break a whole server: several clients send anything, in any order.

Short by default; `make fuzz` searches for some minutes.
"""

from __future__ import annotations

import attrs
import orjson
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpchat.admin import BY_NAME as ADMIN
from tcpchat.errors import ChatError
from tcpchat.protocol import COMMANDS, Exit, NeedsSecret, Revoke, read_request
from tcpchat.settings import Limits, Rules, Settings
from tests.running import Line, Peer, RunningServer, run_server
from tests.test_fuzz import anything, json_values

EXAMPLES = max(20, settings().max_examples // 100)
FREE = Settings(
    limits=Limits(messages_per_second=0, requests_per_second=0, sessions_per_user=2, absent_users=2),
    rules=Rules(reports_to_mute=2, grace_seconds=0.01, presence_seconds=0.01),
)
CLIENTS = 3

names = st.sampled_from(["anna", "Bert", "carl", "guest-1", "guest-4", "witness", "аnna", "@x", ""])
texts = st.sampled_from(
    ["hi", "@anna @Bert @witness", "\x1b[2J\u202e", "x" * 4000, "", "y" * 4001]
) | st.text(max_size=8)
numbers = st.sampled_from([0, 1, 2, 3, 500, 501, -1, 2**53 - 1])
FIELDS = {
    "text": texts, "reason": texts, "away": texts, "name": names, "username": names, "command": names,
    "key": st.sampled_from(["k1", "k2"]), "time": st.sampled_from([0, 0.001, 0.01, 5, 1e9]),
    "count": numbers, "before": numbers, "after": numbers | names, "cursor": numbers, "seq": numbers,
    "number": numbers, "on": st.booleans(), "unread": st.booleans(), "room": st.just("lobby"),
    "password": st.sampled_from(["correct horse", "wrong horse", "short"]),
    "new": st.sampled_from(["correct horse", "another horse"]),
    "device": st.sampled_from(["laptop", "x" * 65]),
    "token": st.sampled_from(["own", "other", "none"]),
    "for": numbers, "target": names, "all": st.booleans(),
}  # fmt: skip


@st.composite
def requests(draw: st.DrawFn, kinds: list[type]) -> Line:
    """Draw a request that is often valid."""
    kind = draw(st.sampled_from(kinds))
    line: Line = {"type": kind.type}  # type: ignore[attr-defined]
    for field in attrs.fields(kind):
        if field.name != "id" and (field.default is attrs.NOTHING or draw(st.booleans())):
            line[field.name] = draw(FIELDS.get(field.name, texts))
    return line


TALK = [command.request for command in COMMANDS]
steps = st.tuples(st.integers(0, CLIENTS - 1), requests(TALK) | requests(TALK) | anything)


class Anyone:
    """A client that sends lines and checks that the server still answers."""

    def __init__(self, running: RunningServer) -> None:
        self.running = running
        self.peer: Peer | None = None
        self.tokens: list[str] = []
        self._asked = 0

    async def say(self, what: Line | bytes) -> None:
        """Send a line, and check that it gets one reply, unless it ends the connection."""
        if self.peer is None:
            await self.come()
        assert self.peer is not None
        lines = [orjson.dumps(self._filled(what)) if isinstance(what, dict) else what]
        ends = expected = 0
        if b"\n" in lines[0] or b" HTTP/" in lines[0]:
            return
        try:
            request = read_request(lines[0].removesuffix(b"\r"))
        except ChatError:
            expected = 1
        else:
            expected = int(request is not None)
            ends = isinstance(request, Exit | Revoke)
            while isinstance(request, NeedsSecret):
                lines.append(b"correct horse")  # a separate line if the command is refused before
                expected += 1
                request = request.answer(b"correct horse")
        self._asked += 1
        try:
            await self.peer.send(
                *(line + b"\n" for line in lines), {"type": "ping", "id": f"asked {self._asked}"}
            )
            replies = []
            while (line := await self.peer.line()).get("re") != f"asked {self._asked}":
                assert not str(line.get("re", "")).startswith("asked"), "a reply came twice, or too late"
                replies.append(line)
                self.tokens += [line["token"]] if "token" in line else []
        except (EOFError, trio.BrokenResourceError):
            assert ends or replies[-1]["type"] == "bye", replies
            self.peer = None
            return
        sure = [line for line in replies if line["type"] not in EVENTS]
        assert len(sure) <= expected, (lines, replies)
        assert expected == 0 or len(replies) >= 1, lines

    def _filled(self, line: Line) -> Line:
        token = {"own": self.tokens[-1:], "other": self.tokens[:1]}.get(line.get("token", ""), [])
        return line | {"token": token[0]} if token else line

    async def come(self) -> None:
        self.peer = await self.running.peer()


EVENTS = {
    "message", "joined", "left", "renamed", "muted", "unsent", "unread", "receipt", "absent", "read",
    "prompt", "bye", "welcome",
}  # fmt: skip
"""Types of lines that need not be replies; `renamed` and `read` can be both."""


@settings(max_examples=EXAMPLES)
@given(st.lists(steps, max_size=30))
def test_a_server_survives_any_script_of_several_clients(script: list[tuple[int, Line | bytes]]) -> None:
    trio.run(_play, script)


async def _play(script: list[tuple[int, Line | bytes]]) -> None:
    with trio.fail_after(20):
        async with run_server(FREE) as running:
            witness = await running.peer("witness")
            clients = [Anyone(running) for _ in range(CLIENTS)]
            for who, what in script:
                await clients[who].say(what)
            assert (await witness.ask("send the end"))["type"] in {"sent", "error"}
            heard = [*witness.events, *await witness.quiet()]
            seqs = [line["seq"] for line in heard if line["type"] == "message" and "room" in line]
            assert seqs == list(range(1, len(seqs) + 1)), "each message once, in order"
            assert not running.log.named("bug"), running.log.named("bug")


@settings(max_examples=EXAMPLES)
@given(
    st.lists(requests([command.request for command in ADMIN.values()]) | json_values | anything, max_size=15)
)
def test_the_operators_socket_survives_any_line(lines: list[Line | bytes]) -> None:
    trio.run(_ask_the_desk, lines)


async def _ask_the_desk(lines: list[Line | bytes]) -> None:
    with trio.fail_after(20):
        async with run_server(FREE) as running:
            await running.peer("anna")
            for line in lines:
                said: list[bytes] = []
                data = orjson.dumps(line) if isinstance(line, dict) else line

                async def write(data: bytes, said: list[bytes] = said) -> None:
                    said.append(data)

                await running.node.operator.answer(lambda data=data: data, write)  # type: ignore[misc]
                replies = [orjson.loads(line) for line in said]
                assert [line["type"] for line in replies[:-1]] == ["record"] * (len(replies) - 1)
                assert replies
            assert not running.log.named("bug"), running.log.named("bug")
