"""The operator's requests to a data folder, with and without a server on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from tcpchat.admin.dispatch import Dispatcher
from tcpchat.admin.socket import SOCKET, listen
from tcpchat.errors import StartError
from tcpchat.store.sqlite import SqliteStore
from tests.admin.conftest import PASSWORD, Operator, Place, open_place


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """The operator of a folder whose server does not run."""
    return Operator(tmp_path / "data")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path / "data") as opened:
        yield opened


async def test_a_server_that_stops_before_its_reply_is_an_error(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(self: Dispatcher, *_: object) -> None:
        place.node.stop()
        await trio.sleep_forever()

    monkeypatch.setattr(Dispatcher, "answer", stop)
    with pytest.raises(StartError, match="stopped before it replied"):
        await place.operator("bans")


async def test_without_a_server_commands_have_the_same_effect(operator: Operator, tmp_path: Path) -> None:
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


async def test_without_a_server_only_create_makes_a_data_folder(operator: Operator) -> None:
    with pytest.raises(StartError, match="there is no data in"):
        await operator("users")
    assert not operator.folder.exists()


async def test_a_server_without_a_socket_is_not_mistaken_for_no_server(operator: Operator) -> None:
    store = SqliteStore(operator.folder, "off")
    with pytest.raises(StartError, match=r"another tcpchat server .* and does not answer"):
        await operator("users")
    store.close()


async def test_a_socket_that_cannot_be_opened_is_an_error(operator: Operator) -> None:
    store = SqliteStore(operator.folder, "off")
    async with await listen(operator.folder):
        (operator.folder / SOCKET).unlink()
        (operator.folder / SOCKET).mkdir()
        with pytest.raises(StartError, match=r"cannot reach the server of|does not answer"):
            await operator("users")
    store.close()
