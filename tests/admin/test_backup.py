"""`tcpchat admin backup` and `restore`: under load, without a server, and seen by clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from tcpchat.client import Client, Credentials, Reconnect
from tcpchat.protocol import Message
from tcpchat.store.backup import back_up, restore
from tests.admin.conftest import Disk, Operator, Place, open_place
from tests.cli.test_admin import Shell, shell
from tests.process import PATIENCE, ServerProcess
from tests.process import Client as Netcat

__all__ = ["shell"]


class SlowCopy(Disk):
    """Never gets beyond the first step of a copy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.began = trio.Event()
        self._token = trio.lowlevel.current_trio_token()

    def ask(self, query: Any, /, *arguments: Any, **keywords: Any) -> Any:
        if query is not back_up:
            return super().ask(query, *arguments, **keywords)
        file, room, on_step = arguments

        def step() -> None:
            trio.from_thread.run_sync(self.began.set, trio_token=self._token)
            while True:
                on_step()

        return super().ask(back_up, file, room, step)


async def test_a_copy_has_everything_acknowledged_before_it_began(place: Place, tmp_path: Path) -> None:
    alice = await place.peer("alice")
    for number in range(1, 4):
        assert (await alice.ask(f"send {number}"))["seq"] == number
    file = tmp_path / "copy.db"
    reply = await place.operator.done("backup", file=str(file))
    assert (reply["type"], reply["messages"], reply["seq"]) == ("backed-up", 3, 3)
    assert reply["bytes"] == file.stat().st_size
    assert place.log.named("operator") == [{"request": "backup", "target": str(file), "result": "ok"}]


async def test_a_stop_does_not_wait_for_a_copy(tmp_path: Path) -> None:
    store = SlowCopy(tmp_path / "data")
    file = tmp_path / "copy.db"
    async with open_place(tmp_path / "data", store=store) as place, trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(Exception, match="stopped before it replied"):
                await place.operator("backup", file=str(file))

        nursery.start_soon(ask)
        await store.began.wait()
        place.node.stop()
    assert not list(await trio.Path(tmp_path).glob("copy.db*"))


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("copy.db", "bad-value"),
        ("/nowhere/copy.db", "bad-value"),
        (f"/tmp/{'x' * 300}", "storage-failed"),
        ("/tmp/\0", "bad-value"),
    ],
)
async def test_an_impossible_file_is_refused(place: Place, file: str, code: str) -> None:
    assert (await place.operator("backup", file=file))["code"] == code


async def test_an_existing_file_is_not_overwritten(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    await place.operator.done("backup", file=str(file))
    assert (await place.operator("backup", file=str(file)))["code"] == "bad-value"


async def test_a_backup_without_a_server(operator: Operator, tmp_path: Path) -> None:
    async with open_place(operator.folder) as place:
        await (await place.peer("alice")).ask("send one")
    reply = await operator.done("backup", file=str(tmp_path / "copy.db"))
    assert reply["seq"] == 1


async def test_after_a_restore_a_client_with_later_numbers_gets_all_new_messages(
    tmp_path: Path,
) -> None:
    """Numbers that are given again would else be taken for messages that came before."""
    folder = tmp_path / "data"
    heard: list[str] = []

    async def listen(port: int, here: trio.Event) -> None:
        reconnect = Reconnect(first=0.01, most=0.05)
        async with Client(
            f"127.0.0.1:{port}", reconnect=reconnect, credentials=Credentials(remember=False)
        ) as client:
            here.set()
            async for event in client.events():
                match event:
                    case Message():
                        heard.append(event.text)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            async with open_place(folder) as place:
                port, here = place.port, trio.Event()
                nursery.start_soon(listen, port, here)
                await here.wait()
                alice = await place.peer("alice")
                for text in ("one", "two"):
                    await alice.ask(f"send {text}")
                await place.operator.done("backup", file=str(tmp_path / "copy.db"))
                for text in ("three", "four", "five"):
                    await alice.ask(f"send {text}")
                while len(heard) < 5:
                    await trio.sleep(0.01)
            restore(tmp_path / "copy.db", folder / "tcpchat.db", "lobby", "now")
            async with open_place(folder) as place:  # where the client does not find it yet
                again = await place.peer("alice")  # the guest of the copy does not come back to this name
                for text in ("new three", "new four", "new five", "new six"):
                    await again.ask(f"send {text}")
            async with open_place(folder, port=port) as place:
                await (await place.peer("carol")).ask("send new seven")
                while "new seven" not in heard:
                    await trio.sleep(0.01)
                nursery.cancel_scope.cancel()
    assert heard[:5] == ["one", "two", "three", "four", "five"]
    assert [text for text in heard if text.startswith("new")] == [
        "new three", "new four", "new five", "new six", "new seven",
    ]  # fmt: skip


def test_backup_and_restore_as_an_operator_types_them(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    with ServerProcess("--data", str(folder)) as server, Netcat(server.port) as client:
        client.send("send kept")
        client.next("sent")
        code, out, err = shell("backup", "friday.db")
        assert err == ""
        assert (code, out.partition(":")[0]) == (0, str(tmp_path / "friday.db"))
        assert out.endswith("1 message, the lobby up to number 1.\n")
        client.send("send lost")
        client.next("sent")
        code, _, err = shell("restore", "--yes", "friday.db")
        assert code == 1
        assert "another tcpchat server" in err
    code, _, err = shell("restore", "friday.db")
    assert (code, "confirm it with --yes" in err, "undone" in err) == (1, True, False)
    code, out, _ = shell("restore", "--yes", "friday.db")
    assert code == 0
    first, second = out.splitlines()
    assert first == "1 message restored, the lobby up to number 1."
    before = Path(second.removeprefix("The old data is in "))
    assert before.parent == folder
    assert before.is_file()
    with ServerProcess("--data", str(folder)) as server, Netcat(server.port) as client:
        client.send("history")
        assert [line["text"] for line in client.next("history")["messages"]] == ["kept"]
    code, _, err = shell("backup", "sub/saturday.db")
    assert (code, err) == (1, f"tcpchat: there is no folder {tmp_path / 'sub'}; give another file\n")
    assert shell("restore", "--yes", "saturday.db") == (1, "", "tcpchat: there is no file saturday.db\n")
