"""docs/client.md: its program with a real server, and the options and methods that it lists."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tcpchat import (
    CaughtUp,
    Credentials,
    Disconnected,
    FlowControl,
    Reconnect,
    Reconnected,
    Replay,
    Skipped,
    Tls,
)
from tcpchat import Client as LibraryClient
from tcpchat.protocol import EVENTS
from tests.homes import homes
from tests.process import PATIENCE, Client, ServerProcess, environment

DOCS = (Path(__file__).parent.parent / "docs/client.md").read_text()
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", DOCS, flags=re.MULTILINE | re.DOTALL))
VALUES = {kind.__name__: kind for kind in (Credentials, FlowControl, Reconnect, Replay, Tls)}
BOT, SCRIPT = re.findall(r"^```python\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)


@contextmanager
def bot(server: ServerProcess, folder: Path) -> Iterator[None]:
    """Run the bot of the text."""
    script = BOT.replace("8000", str(server.port))
    environ = environment(homes(folder))
    with subprocess.Popen([sys.executable, "-c", script], env=environ) as process:
        try:
            yield
        finally:
            process.kill()


def test_the_echo_bot_is_short_and_answers_also_after_the_server_was_away(tmp_path: Path) -> None:
    assert len(BOT.splitlines()) < 20
    data = ("--data", str(tmp_path / "data"))
    with ServerProcess(*data) as server, bot(server, tmp_path):
        with server.connect() as person:
            wait_for_bot(person)
            ask(person, "hello there")
        server.process.kill()
        server.process.wait()
        with ServerProcess(*data, port=server.port) as second, second.connect() as person:
            wait_for_bot(person)
            ask(person, "are you back?")


def test_the_echo_bot_is_the_same_after_it_was_away_and_answers_each_message_once(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with ServerProcess("--data", data) as server, server.connect() as person:
        with bot(server, tmp_path):
            wait_for_bot(person)
            ask(person, "hello there")
            while person.next("receipt").get("seen") != 1:
                pass
        person.send("send -u echo are you away?")
        assert person.next("message")["from"].startswith("guest-")
        with bot(server, tmp_path):
            answer = person.next("message")
            assert (answer["from"], answer["text"]) == ("echo", "are you away?")


def wait_for_bot(person: Client) -> None:
    here: set[str] = set()
    while "echo" not in here:
        person.send("users")
        here = {user["name"] for user in person.next("users")["users"]}


def ask(person: Client, text: str) -> None:
    """Say something to the bot and read it again."""
    person.send(f"send -u echo {text}")
    assert person.next("message")["from"].startswith("guest-")
    answer = person.next("message")
    assert (answer["from"], answer["text"]) == ("echo", text)


@pytest.mark.parametrize("span", [span for span in SPANS if span.endswith(")") and "…" not in span])
def test_a_value_in_the_text_can_be_made(span: str) -> None:
    names = {"Client": LibraryClient, "Path": Path, "SEQ": 812, "function": lambda: None} | VALUES
    if span.partition("(")[0] in names:
        eval(span, names)  # it is ours


def documented_calls() -> list[tuple[str, str]]:
    """Return the calls of methods in the text: each method with its parameters."""
    calls = re.findall(r"(?:client\.|^)(\w+)\(([^()…]*)\)", "\n".join(SPANS), re.MULTILINE)
    return sorted({(name, parameters) for name, parameters in calls if hasattr(LibraryClient, name)})


@pytest.mark.parametrize(("name", "parameters"), documented_calls())
def test_a_method_in_the_text_has_its_parameters_and_their_defaults(name: str, parameters: str) -> None:
    known = inspect.signature(getattr(LibraryClient, name)).parameters
    for parameter in filter(None, parameters.split(", ")):
        word, _, default = parameter.partition("=")
        if word.isidentifier():
            assert word in known, parameter
            assert not default or repr(known[word].default) == default.replace('"', "'"), parameter


def test_all_methods_and_options_are_in_the_text() -> None:
    methods = {name for name, _ in inspect.getmembers(LibraryClient) if not name.startswith("_")}
    fields = {field.name for kind in VALUES.values() for field in attrs.fields(kind)}
    assert [name for name in sorted(methods | fields) if not re.search(rf"\b{name}\b", DOCS)] == []


def test_the_script_without_trio_does_what_is_said(tmp_path: Path) -> None:
    with ServerProcess("--ephemeral") as server, server.connect() as person:
        script = [sys.executable, "-c", SCRIPT.replace("8000", str(server.port))]
        environ = environment(homes(tmp_path))
        with subprocess.Popen(script, env=environ, stdout=subprocess.PIPE, text=True) as process:
            while (event := person.next("message"))["from"] != "report":
                pass
            assert "who has read it?" in event["text"]
            person.send("send I have")
            assert process.stdout is not None
            assert re.fullmatch(r"guest-\d+: I have\n", process.stdout.read())
            assert process.wait(PATIENCE) == 0


OWN = (Disconnected, Reconnected, CaughtUp, Skipped)
INSIDE = {"Welcome", "Prompt"}
"""Events that the client keeps to itself."""


def table_of_fields() -> str:
    """Return the table of all events with their fields, as it must stand in the text."""
    kinds = [kind for kind in (*EVENTS, *OWN) if kind.__name__ not in INSIDE]
    rows = [f"| `{kind.__name__}` | {summary(kind)} | {fields_of(kind)} |" for kind in kinds]
    return "\n".join(["| Event | When | Fields |", "|---|---|---|", *rows])


def summary(kind: type) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0]


def fields_of(kind: type[attrs.AttrsInstance]) -> str:
    hints = typing.get_type_hints(kind)
    shown = []
    for field in attrs.fields(kind):
        if field.name == "re":  # of a reply
            continue
        hint = str(getattr(hints[field.name], "__name__", hints[field.name]))
        if typing.get_args(hints[field.name]):
            hint = re.sub(r"[\w.]+\.(?=\w)", "", str(hints[field.name]))
        optional = hint.endswith(" | None")
        shown.append(f"`{field.name}{'?' if optional else ''}` {hint.removesuffix(' | None')}")
    return ", ".join(shown) or "none"


def test_the_fields_of_every_event_are_in_the_text() -> None:
    assert table_of_fields() in DOCS
