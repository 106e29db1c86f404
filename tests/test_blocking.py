"""The client for plain scripts, with a real server: no Trio here, and no thread of it afterwards."""

from __future__ import annotations

import inspect
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from tcpchat import (
    CaughtUp,
    ConnectError,
    Credentials,
    DisconnectedError,
    Message,
    Offline,
    Reconnect,
    RefusedError,
    Replay,
    Sent,
)
from tcpchat import Client as AsyncClient
from tcpchat.blocking import Client
from tcpchat.client import Closed, Online
from tcpchat.protocol import ReadHistory
from tests.homes import homes
from tests.process import PATIENCE, ServerProcess, environment, free_port

NOBODY = Credentials(remember=False)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as running:
        yield running


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


def client(server: ServerProcess, name: str | None = None, **options: object) -> Client:
    credentials = Credentials(name=name, remember=False)
    return Client(address(server), credentials=credentials, **options)  # type: ignore[arg-type]


def address(server: ServerProcess) -> str:
    return f"127.0.0.1:{server.port}"


WAITING_FOR_ONE_LATER = {"send_nowait", "edit_nowait", "request_nowait", "held", "unanswered"}
"""What only programs with more than one task need."""


def members(kind: type) -> dict[str, object]:
    return {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}


def test_it_has_all_of_the_client_with_the_same_arguments_and_results() -> None:
    blocking, other = members(Client), members(AsyncClient)
    assert set(blocking) == set(other) - WAITING_FOR_ONE_LATER
    for name, member in blocking.items():
        if isinstance(member, property):
            expected = other[name]
            assert isinstance(expected, property)
            assert inspect.signature(member.fget or len) == inspect.signature(expected.fget or len), name
        elif name != "next_event":  # has a timeout, which Trio has for all
            ours, theirs = (inspect.signature(one) for one in (member, other[name]))  # type: ignore[arg-type]
            assert str(ours) == str(theirs).replace("AsyncIterator", "Iterator"), name
    assert inspect.signature(Client.__init__) == inspect.signature(AsyncClient.__init__)


def test_a_script_sends_reads_and_asks(server: ServerProcess) -> None:
    with client(server, "ann") as ann, client(server, "ben") as ben:
        sent = ann.send("one")
        assert isinstance(sent, Sent)
        assert ann.edit(sent.seq, "two").seq == sent.seq + 1
        assert [message.text for message in ben.history(1)] == ["two"]
        assert {"ann", "ben"} <= {user.name for user in ben.users()}
        assert (ben.user, ben.registered, isinstance(ben.state, Online)) == ("ben", False, True)
        assert ben.rename("bert").new == ben.user == "bert"
        assert ben.ping() > 0
        ann.send("three")
        pages = ben.pages(ReadHistory(after=0, count=1, room="lobby"))
        assert [page.messages[0].text for page in pages] == ["two", "three"]
        ann.send("waves", username="bert", action=True)
        unread = [(message.text, message.action) for message in ben.unread_messages(username="ann")]
        assert unread == [("waves", True)]
        assert list(ben.unread_messages(username="ann")) != []
        ben.mark_read(username="ann")
        assert list(ben.unread_messages(username="ann")) == []


def test_events_come_in_order_until_the_block_ends(server: ServerProcess) -> None:
    with client(server, "cat") as cat:
        for text in ("a", "b", "c"):
            cat.send(text)
        with client(server, replay=Replay(last=3)) as reader:
            texts = []
            for event in reader.events():
                if isinstance(event, Message):
                    texts.append(event.text)
                if isinstance(event, CaughtUp):
                    break
            assert texts == ["a", "b", "c"]
    with pytest.raises(DisconnectedError, match="the client was left"):
        next(reader.events())
    assert isinstance(reader.state, Closed)


def test_an_event_that_comes_too_late_is_the_next_one(server: ServerProcess) -> None:
    with client(server) as reader, client(server, "dan") as dan:
        while not isinstance(reader.next_event(), CaughtUp):
            pass
        list(takewhile(bool, polled(reader)))
        sent = dan.send("late")
        assert isinstance(sent, Sent)
        assert dan.history(1)[0].seq == sent.seq
        message = next(event for event in reader.events() if isinstance(event, Message))
        assert message.text == "late"


def polled(reader: Client) -> Iterator[bool]:
    """Yield for each look whether there was an event."""
    while True:
        try:
            yield reader.next_event(timeout=0) is not None
        except TimeoutError:
            yield False


def test_an_event_that_is_there_is_given_without_a_wait(server: ServerProcess) -> None:
    with client(server, replay=Replay(last=1)) as reader:
        reader.send("mine")
        reader.history()  # what was sent before has come with the reply, or before it
        assert any(polled(reader))


def test_errors_are_those_of_the_client(server: ServerProcess) -> None:
    with pytest.raises(ConnectError), Client(f"127.0.0.1:{free_port()}", credentials=NOBODY):
        pass
    with client(server) as one, pytest.raises(RefusedError) as refused:
        one.send("hi", username="nobody-of-this-name")
    assert refused.value.code == "no-such-user"
    with pytest.raises(DisconnectedError, match="the client was left"):
        one.send("hi")
    with pytest.raises(ValueError, match="the name belongs into the credentials"):
        Client(name="a", credentials=NOBODY)
    with pytest.raises(RuntimeError, match="not entered"):
        client(server).ping()


def test_an_error_in_the_block_is_raised_and_ends_the_client(server: ServerProcess) -> None:
    with pytest.raises(ZeroDivisionError), client(server) as one:
        raise ZeroDivisionError
    assert isinstance(one.state, Closed)


def test_a_lost_connection_may_be_tried_again_at_once() -> None:
    port = free_port()
    with ServerProcess("--ephemeral", port=port) as server:
        never = Reconnect(first=3600, most=3600, jitter=0)
        one = client(server, "eve", reconnect=never)
        one.__enter__()
        try:
            server.process.kill()
            server.process.wait()
            while not isinstance(one.state, Offline):
                one.next_event()
            with ServerProcess("--ephemeral", port=port):
                one.retry_now()
                assert isinstance(one.send("again"), Sent)
        finally:
            one.__exit__(None, None, None)


SCRIPT = """
from tcpchat.blocking import Client
with Client({address!r}, name="fay") as client:
    print("here", flush=True)
    for event in client.events():
        pass
"""


def test_ctrl_c_ends_a_script_that_waits_for_events(server: ServerProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT.format(address=address(server))]
    environ = environment(homes(tmp_path))
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "here\n"
        script.send_signal(signal.SIGINT)
        _, err = script.communicate(timeout=PATIENCE)
    assert script.returncode == -signal.SIGINT
    assert re.findall(r"^\w+(?:Error|Interrupt)\b", err, re.MULTILINE) == ["KeyboardInterrupt"]
