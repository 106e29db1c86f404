"""The socket in the data folder: who gets in, and what happens where there is none."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
import trio
import trio.testing

from tcpchat.admin.dispatch import Dispatcher
from tcpchat.admin.socket import LONGEST, SOCKET, connect, listen
from tcpchat.errors import StartError
from tcpchat.protocol import LineReader
from tcpchat.service.app import open_admin
from tcpchat.settings import MAX_LINE, Storage
from tcpchat.store.changes import NewMessage, NewUser, SetAccount, SetName
from tcpchat.store.sqlite import SqliteStore
from tests.admin.conftest import PASSWORD, Operator, Place, open_place
from tests.conftest import Line, Log


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


async def test_only_the_owner_can_open_the_socket(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data"):
        socket = (tmp_path / "data" / SOCKET).stat()
        assert stat.S_ISSOCK(socket.st_mode)
        assert stat.S_IMODE(socket.st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


async def test_a_socket_that_a_server_left_behind_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_place(tmp_path / "data") as place:
            assert (await place.operator("bans"))["type"] == "bans"
        assert (tmp_path / "data" / SOCKET).exists()


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * LONGEST) / "data"
    async with open_place(folder) as place:
        assert (folder / SOCKET).is_socket()
        assert (await place.operator("bans"))["type"] == "bans"


async def test_without_another_way_a_path_that_is_too_long_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * LONGEST)
    folder.mkdir()
    monkeypatch.setattr("tcpchat.admin.socket.DESCRIPTORS", tmp_path / "nothing")
    log = Log()
    assert await open_admin(Storage(data=folder), log) == []  # type: ignore[arg-type]
    (warning,) = log.named("no admin socket; tcpchat admin will not work")
    assert "too long for a socket" in warning["error"]


async def test_a_server_that_keeps_nothing_has_no_socket(tmp_path: Path) -> None:
    log = Log()
    assert await open_admin(Storage(data=tmp_path, ephemeral=True), log) == []  # type: ignore[arg-type]
    assert not (tmp_path / SOCKET).exists()


async def test_requests_are_answered_one_by_one_whatever_they_are(place: Place) -> None:
    stream = await connect(place.operator.folder)
    assert stream is not None
    async with stream:
        data = b'{"type":"bans","id":7}\nhello\n{"type":"send","text":"hi"}\n{"type":"ban","target":5}\n'
        replies = await raw(stream, data + b"x" * (MAX_LINE + 1) + b"\n" + b'{"type":"bans"}\n', 6)
    assert replies[0] == {"type": "bans", "re": 7, "bans": [], "more": False}
    codes = [reply.get("code") for reply in replies[1:]]
    assert codes == ["bad-json", "unknown-type", "wrong-type", "line-too-long", None]


async def test_a_bug_is_told_and_logged_and_the_next_request_works(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.state.bans, "all", None)
    reply = await place.operator("bans")
    assert reply["code"] == "internal"
    (bug,) = place.log.named("bug")
    assert bug["reference"] == reply["reference"]
    assert (await place.operator("users"))["type"] == "users"


async def test_the_log_tells_what_the_operator_did_and_no_password(place: Place) -> None:
    await place.operator.done("create", name="alice", password=PASSWORD)
    await place.operator("ban", target="eve")
    done = place.log.named("operator")
    assert done == [
        {"request": "create", "target": "alice", "result": "ok"},
        {"request": "ban", "target": "eve", "result": "no-such-user"},
    ]


async def test_who_hangs_up_without_reading_disturbs_nobody(place: Place) -> None:
    stream = await connect(place.operator.folder)
    assert stream is not None
    await stream.send_all(b'{"type":"users"}\n' * 1000)
    await stream.aclose()
    assert (await place.operator("bans"))["type"] == "bans"
    assert place.log.named("bug") == []


async def test_who_hangs_up_during_an_export_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_a_server_stops_though_its_operator_is_connected(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        stream = await connect(place.operator.folder)
        assert stream is not None
        place.node.stop()
        with trio.fail_after(5):
            assert await stream.receive_some() == b""
        await stream.aclose()


async def test_a_server_that_stops_before_it_answers_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(self: Dispatcher, *_: object) -> None:
        place.node.stop()
        await trio.sleep_forever()

    monkeypatch.setattr(Dispatcher, "answer", stop)
    with pytest.raises(StartError, match="stopped before it replied"):
        await place.operator("bans")


# Without a server


async def test_without_a_server_the_same_is_done_here(operator: Operator, tmp_path: Path) -> None:
    await operator.done("create", name="alice", password=PASSWORD)
    await operator.done("create", name="bob", password=PASSWORD)
    await operator.done("password", name="alice", password="battery staple")
    await operator.done("ban", target="bob")
    await operator.done("mute", name="alice")
    await operator.done("export", name="alice")
    assert [record["kind"] for record in operator.records] == ["account", "mute", "mark"]
    async with open_place(tmp_path / "data") as place:
        users = (await place.operator("users"))["users"]
        assert [user["name"] for user in users] == ["alice", "bob"]
        alice = await place.logged_in("alice", "battery staple")
        assert (await alice.ask({"type": "send", "text": "hi"}))["code"] == "muted"
    await operator.done("delete", name="alice")
    assert [user["name"] for user in (await operator("users"))["users"]] == ["bob"]


async def test_without_a_server_nothing_is_made_but_for_a_new_user(operator: Operator) -> None:
    with pytest.raises(StartError, match="there is no data in"):
        await operator("users")
    assert not operator.folder.exists()


async def test_a_server_without_a_socket_is_told_apart_from_none(operator: Operator) -> None:
    store = SqliteStore(operator.folder, "off")
    with pytest.raises(StartError, match=r"another tcpchat server .* and does not answer"):
        await operator("users")
    store.close()


async def test_a_socket_that_cannot_be_opened_is_told(operator: Operator) -> None:
    store = SqliteStore(operator.folder, "off")
    async with await listen(operator.folder):
        (operator.folder / SOCKET).unlink()
        (operator.folder / SOCKET).mkdir()
        with pytest.raises(StartError, match=r"cannot reach the server of|does not answer"):
            await operator("users")
    store.close()
