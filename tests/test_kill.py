"""P1: `kill -9` in the middle of load loses nothing that was acknowledged, and repeats nothing."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from chaos import kills
from chaos.checker import Checker
from chaos.trace import Trace
from tcpchat.store.changes import NewMessage, NewUser
from tcpchat.store.sqlite import SqliteStore
from tests.process import Client, ServerProcess

SENDERS = 8
KILLS = 2
FAST = ("--messages-per-second", "0", "--requests-per-second", "0")


class Sender(threading.Thread):
    """Sends numbered texts, twenty at a time, until the server has ended; records the acknowledged ones."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name=name)
        self._client = Client(port)
        self.acknowledged: dict[str, int] = {}

    def run(self) -> None:
        number = 0
        try:
            while True:
                texts = [f"{self.name}-{number + offset}" for offset in range(20)]
                self._client.send("\n".join(f"send {text}" for text in texts))
                for text in texts:
                    self.acknowledged[text] = self._client.next("sent")["seq"]
                number += 20
        except (OSError, EOFError, ValueError):  # the last line may be cut
            pass
        finally:
            self._client.__exit__()


@pytest.mark.timeout(
    240
)  # seconds; a slow machine should get the list of missing messages, not just a timeout
async def test_kills_behind_a_bad_network_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    """Real clients of the library, which reconnect by themselves; `make kills` does many more kills."""
    seed = 22  # with it the second life takes 1.4 s, in which nearly all connections are cut
    checker, cuts = await kills.run(2, seed, tmp_path, life=0.3, quiet=60)
    assert checker.problems == []
    assert (checker.lost, checker.duplicated, cuts > 0) == (0, 0, True)
    assert checker.acknowledged > 50
    assert {op.outcome for op in checker.ops.values()} == {"acknowledged"}


async def test_what_a_kill_lost_or_duplicated_is_counted(tmp_path: Path) -> None:
    checker = Checker(Trace())
    watch = kills.DiskWatch(checker, tmp_path)
    same, gone = checker.invoke("u", None, 0), checker.invoke("u", None, 0)
    watch.claim(checker.acknowledge, same, "lobby", 1)
    watch.claim(checker.acknowledge, gone, "lobby", 3)
    watch.read()
    assert checker.acknowledged == 0, "without a database there is nothing to compare with"
    store = SqliteStore(tmp_path, "off")
    rows = (NewMessage("lobby", n, 0, "u", "u", None, None, same) for n in (1, 2))
    store.commit([NewUser("u", 0), *rows])
    store.close()
    watch.read()
    assert (checker.acknowledged, checker.lost, checker.duplicated) == (2, 1, 1)
    assert [problem[:3] for problem in checker.problems] == ["P2:", "P1:", "P1:"]


def history(client: Client) -> dict[int, str]:
    """Read the whole lobby, page by page."""
    kept: dict[int, str] = {}
    while True:
        client.send(f"history --after {len(kept)} -n 500")
        page = client.next("history")
        kept.update((message["seq"], message["text"]) for message in page["messages"])
        if not page["more"]:
            return kept


def test_acknowledged_messages_are_stored_once_after_each_kill(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for life in range(KILLS):
        with ServerProcess("--data", str(tmp_path), *FAST) as server:
            senders = [Sender(server.port, f"life{life}-sender{n}") for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            while sum(len(sender.acknowledged) for sender in senders) < 1000:
                time.sleep(0.01)
            server.signal(signal.SIGKILL)
            assert server.wait() == -signal.SIGKILL
            for sender in senders:
                sender.join(20)
                acknowledged |= sender.acknowledged
    assert len(acknowledged) >= KILLS * 1000
    with ServerProcess("--data", str(tmp_path), *FAST) as server, server.connect() as client:
        kept = history(client)
        assert list(kept) == list(range(1, len(kept) + 1)), "no gap"
        assert len(set(kept.values())) == len(kept), "nothing twice"
        wrong = {text: seq for text, seq in acknowledged.items() if kept.get(seq) != text}
        assert wrong == {}
        client.send("send on we go")
        assert client.next("sent")["seq"] == len(kept) + 1


def test_scheduled_messages_reach_their_recipients_after_a_kill(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path)) as server, server.connect() as alice, server.connect() as bob:
        token = bob.next("welcome")["token"]
        for client, name in ((alice, "alice"), (bob, "bob")):
            client.send(f"rename {name}")
            client.next("renamed")
        alice.send("send -t 2 to all")
        alice.next("scheduled")
        alice.send("send -u bob -t 2 to bob")
        alice.next("scheduled")
        alice.send("send -t 2 never")
        alice.next("scheduled")
        alice.send("cancel")
        alice.next("cancelled")
        server.signal(signal.SIGKILL)
        server.wait()
    with ServerProcess("--data", str(tmp_path)) as server, server.connect() as bob, server.connect() as carol:
        bob.send(f"resume {token} --after 0")
        carol.send("ping")
        while bob.next("message")["text"] != "to all":
            pass  # the private one is an event too if bob is connected when it is due
        said: list[dict[str, str]] = []
        while not said:
            bob.send("history -u alice")
            said = bob.next("history")["messages"]
        assert [(line["from"], line["to"], line["text"]) for line in said] == [("alice", "bob", "to bob")]
        assert carol.next("message")["text"] == "to all"
        carol.send("history")
        assert [line["text"] for line in carol.next("history")["messages"]] == ["to all"]
        carol.send("status")
        assert carol.next("status")["scheduled"] == 0


def test_a_keyed_send_that_a_kill_interrupted_is_stored_once_after_its_repeat(tmp_path: Path) -> None:
    """The client cannot know whether it was stored: it resumes and repeats every unacknowledged send."""
    sends = [f'{{"type":"send","text":"text {n}","key":"key {n}"}}' for n in range(3000)]
    with ServerProcess("--data", str(tmp_path), *FAST) as server, server.connect() as alice:
        token = alice.next("welcome")["token"]
        alice.send("rename alice")
        alice.next("renamed")
        alice.send(sends[0])
        replies = [alice.next("sent")]
        alice.send("\n".join(sends[1:]))
        while len(replies) < 100:
            replies.append(alice.next("sent"))
        server.signal(signal.SIGKILL)
        server.wait()
    repeated = sends[60:1060]  # as many keys as are remembered
    with ServerProcess("--data", str(tmp_path), *FAST) as server, server.connect() as alice:
        alice.send(f"resume {token}")
        assert alice.next("resumed")["user"] == "alice"
        alice.send("\n".join(repeated))
        again = [alice.next("sent") for _ in repeated]
        assert again[:40] == replies[60:100]
        kept = history(alice)
        assert len(set(kept.values())) == len(kept), "nothing twice"
        assert {f"text {n}" for n in range(1060)} <= set(kept.values()), "and nothing lost"
