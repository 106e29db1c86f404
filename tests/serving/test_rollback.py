"""Rolling back a batch that the disk refused: the last change first, since each rests on those before it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio

from tcpchat.serving.delivery import Pipeline
from tcpchat.store import StorageError
from tcpchat.store.changes import Change, NewMessage, SetMute
from tcpchat.store.sqlite import SqliteStore
from tests.admin.conftest import Disk, open_place
from tests.admin.test_races import until
from tests.running import run_server
from tests.sessions import guest, resume, user


class RefusingStore(SqliteStore):
    """A disk that refuses commits while `full`, and counts the messages in each refused commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "off")
        self.full = False
        self.refused: list[int] = []

    def commit(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        if self.full:
            self.refused.append(sum(isinstance(change, NewMessage) for change in changes))
            raise StorageError("database or disk is full")
        super().commit(changes)


@pytest.mark.parametrize(("lost", "count"), [(1, 1), (2, 1), (2, 2), (5, 4), (5, 5)])
async def test_own_messages_that_were_refused_do_not_mark_those_of_others_as_read(
    tmp_path: Path, lost: int, count: int
) -> None:
    """An own message is read if everything before it is. Bob's messages get the numbers of refused ones."""
    disk = RefusingStore(tmp_path)
    async with run_server(store=disk) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        disk.full = True
        sends = [{"type": "send", "text": "lost", "username": "bob", "id": id} for id in range(lost)]
        await alice.send(*sends)
        errors = [await alice.next("error") for _ in sends]
        assert [error["code"] for error in errors] == ["storage-failed"] * lost
        assert disk.refused == [lost], "all of them in one batch"
        disk.full = False
        for _ in range(count):
            assert (await bob.do("send", text="unread", username="alice"))["type"] == "sent"
        assert (await alice.do("send", text="own", username="bob"))["seq"] == count + 1
        (info,) = (await alice.do("unread"))["rooms"]
        assert (info["count"], info["read"]) == (count, 0)
        token = alice.token
    async with run_server(folder=tmp_path) as running:
        back = await resume(running, token)
        (info,) = (await back.do("unread"))["rooms"]
        assert (info["count"], info["read"]) == (count, 0), "what the disk has is the same"


async def test_the_numbers_of_a_refused_batch_are_given_to_the_next_one(tmp_path: Path) -> None:
    disk = RefusingStore(tmp_path)
    async with run_server(store=disk) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        disk.full = True
        sends = [{"type": "send", "text": "lost", "id": id} for id in range(5)]
        await alice.send(*sends)
        for _ in sends:
            await alice.next("error")
        assert disk.refused == [5]
        disk.full = False
        assert [(await alice.do("send", text="kept"))["seq"] for _ in range(2)] == [1, 2]
        assert [line["seq"] for line in await bob.heard("message")] == [1, 2]


async def test_mutes_that_were_refused_together_leave_nobody_muted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one replaces the first, so it has to be taken back first."""
    disk = Disk(tmp_path / "data")
    async with open_place(tmp_path / "data", store=disk) as place:
        bob = await place.peer("bob")
        await bob.ask("send so that the server has to keep bob")
        submitted = count_submitted(monkeypatch, place.node.pipeline)

        async def refused(seconds: float) -> None:
            assert (await place.operator("mute", name="bob", seconds=seconds))["code"] == "storage-failed"

        disk.refuses = SetMute
        async with trio.open_nursery() as nursery:
            with disk.held():
                await bob.send("send so that the mutes wait for this commit, and go into one batch")
                await until(lambda: len(submitted) == 1)
                nursery.start_soon(refused, 60)
                await until(lambda: len(submitted) == 2)
                nursery.start_soon(refused, 120)
                await until(lambda: len(submitted) == 3)
                disk.release()
        assert [fields["operations"] for fields in place.log.named("storage failed")] == [2]
        await bob.next("sent")
        assert (await bob.ask("send still free"))["type"] == "sent"


def count_submitted(monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline) -> list[object]:
    """Return a list that grows with everything that is submitted from now on."""
    submitted: list[object] = []
    submit = pipeline.submit

    def count(entry: Any) -> int:
        submitted.append(entry)
        return submit(entry)

    monkeypatch.setattr(pipeline, "submit", count)
    return submitted


async def test_a_repeat_is_answered_as_the_first_send_was_whatever_the_disk_refuses_with_it(
    tmp_path: Path,
) -> None:
    """A repeat writes nothing. An error would say that a message was not sent which is stored."""
    disk = RefusingStore(tmp_path)
    async with run_server(store=disk) as running:
        alice = await user(running, "alice")
        stored = {"type": "send", "text": "stored", "key": "a"}
        lost = {"type": "send", "text": "lost", "key": "b"}
        assert (await alice.ask(stored))["seq"] == 1
        disk.full = True
        await alice.send(*(line | {"id": id} for id, line in enumerate([lost, stored, lost, stored])))
        replies = [line for line in await alice.quiet() if "re" in line]
        assert disk.refused == [1], "all of them in one batch"
        assert [line["re"] for line in replies] == [0, 1, 2, 3]
        assert [line.get("code") or line["seq"] for line in replies] == ["storage-failed", 1] * 2
        disk.full = False
        assert (await alice.ask(lost))["seq"] == 2, "the key can be used again"
