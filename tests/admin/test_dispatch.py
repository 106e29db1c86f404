"""The way of an operator's request: replies in order, bugs, the log, and an operator who hangs up."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import trio
import trio.testing

from tcpchat.admin.socket import connect
from tcpchat.protocol import LineReader
from tcpchat.settings import MAX_LINE
from tcpchat.store.changes import NewMessage, NewUser, SetAccount, SetName
from tcpchat.store.sqlite import SqliteStore
from tests.admin.conftest import PASSWORD, Place, open_place
from tests.running import Line


async def raw(stream: trio.abc.Stream, data: bytes, lines: int) -> list[Line]:
    """Send bytes and return so many replies."""
    await stream.send_all(data)
    reader = LineReader(MAX_LINE)
    found: list[Line] = []
    while len(found) < lines:
        received = await stream.receive_some()
        assert received
        reader.feed(bytes(received))
        while reader.has_line():
            found.append(orjson.loads(reader.next_line()))
    return found


async def test_requests_are_answered_one_by_one_valid_or_not(place: Place) -> None:
    stream = await connect(place.operator.folder)
    assert stream is not None
    async with stream:
        data = b'{"type":"bans","id":7}\nhello\n{"type":"send","text":"hi"}\n{"type":"ban","target":5}\n'
        replies = await raw(stream, data + b"x" * (MAX_LINE + 1) + b"\n" + b'{"type":"bans"}\n', 6)
    assert replies[0] == {"type": "bans", "re": 7, "bans": [], "more": False}
    codes = [reply.get("code") for reply in replies[1:]]
    assert codes == ["bad-json", "unknown-type", "wrong-type", "line-too-long", None]


async def test_a_bug_is_reported_and_logged_and_the_next_request_works(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.state.bans, "all", None)
    reply = await place.operator("bans")
    assert reply["code"] == "internal"
    (bug,) = place.log.named("bug")
    assert bug["reference"] == reply["reference"]
    assert (await place.operator("users"))["type"] == "users"


async def test_the_log_has_each_command_and_no_password(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.operator("ban", target="eve")
    done = place.log.named("operator")
    assert done == [
        {"request": "create", "target": "alice", "result": "ok"},
        {"request": "ban", "target": "eve", "result": "no-such-user"},
    ]


async def test_an_operator_who_hangs_up_disturbs_nobody(place: Place) -> None:
    stream = await connect(place.operator.folder)
    assert stream is not None
    await stream.send_all(b'{"type":"users"}\n' * 1000)
    await stream.aclose()
    assert (await place.operator("bans"))["type"] == "bans"
    assert place.log.named("bug") == []


async def test_hanging_up_during_an_export_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpchat.admin.data.PAGE", 2)
    store = SqliteStore(tmp_path / "data", "off")
    said = [NewMessage("lobby", seq, seq, "a", "alice", None, None, "x") for seq in range(1, 100)]
    store.commit([NewUser("a", 1), SetName("a", "alice", "alice"), SetAccount("a", 1, ""), *said])
    async with open_place(tmp_path / "data", store=store) as place:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(place.node.operator.serve, theirs)
            await ours.send_all(b'{"type":"export","name":"alice"}\n')
            await ours.receive_some(1)
            await ours.aclose()
        assert place.log.named("bug") == []


async def test_a_server_stops_while_its_operator_is_connected(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        stream = await connect(place.operator.folder)
        assert stream is not None
        place.node.stop()
        with trio.fail_after(5):
            assert await stream.receive_some() == b""
        await stream.aclose()
