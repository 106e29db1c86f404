"""The operator's commands are documented, and users cannot run them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from tcpchat.admin import BY_NAME, COMMANDS, data, moderation, read_request, users
from tcpchat.admin.command import AdminCommand
from tcpchat.protocol import BY_NAME as OF_THE_CHAT
from tests.admin.conftest import PASSWORD, Place

THEMES = (users, moderation, data)
ROOT = Path(__file__).parents[2]


def named(command: AdminCommand[Any, Any]) -> str:
    return command.name


def test_every_record_of_a_theme_is_in_the_registry() -> None:
    records = [one for theme in THEMES for one in vars(theme).values() if isinstance(one, AdminCommand)]
    assert len(records) == len(BY_NAME)
    assert set(records) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_command_is_whole_in_its_theme_and_explains_itself(command: AdminCommand[Any, Any]) -> None:
    parts: tuple[Any, ...] = (command.request, command.reply, command.run)
    assert len({part.__module__ for part in parts}) == 1
    assert command.summary
    assert not command.summary.endswith(".")
    for field in attrs.fields(command.request):
        assert field.metadata["help"], field.name


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_command_is_in_the_operators_manual_with_its_examples(command: AdminCommand[Any, Any]) -> None:
    manual = (ROOT / "docs/admin.md").read_text()
    (section,) = re.findall(rf"^### {command.name}\n((?:(?!^##).*\n)*)", manual, re.MULTILINE)
    for example in command.examples:
        assert f"$ {example}\n" in section


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_the_fields_of_replies_are_explained(command: AdminCommand[Any, Any]) -> None:
    assert all(field.metadata["help"] for field in attrs.fields(command.reply))


def fields_of(command: AdminCommand[Any, Any]) -> dict[str, object]:
    values = {"name": "bob", "password": PASSWORD, "target": "bob"}
    known = {field.name for field in attrs.fields(command.request)}
    return {key: value for key, value in values.items() if key in known}


async def test_a_connection_can_run_none_of_them(place: Place) -> None:
    """Not even by a command that the chat has under the same name."""
    await place.operator.done("create", name="bob", password=PASSWORD)
    eve = await place.peer("eve")
    for command in COMMANDS:
        reply = await eve.ask({"type": command.name, **fields_of(command)})
        if command.name not in OF_THE_CHAT:
            assert reply["code"] == "unknown-type", reply
        elif reply["type"] == "error":
            assert reply["code"] in {"unknown-field", "missing-field"}
        plain = [reply for reply in await _said(eve, f"{command.name} bob") if reply["type"] != "users"]
        refusals = {"unknown-command", "bad-usage", "not-registered"}  # eve, who may not create a room
        assert all(reply["code"] in refusals for reply in plain), plain
    assert [user["name"] for user in (await place.operator("users"))["users"]] == ["bob"]
    assert (await place.operator("bans"))["bans"] == []
    await place.logged_in("bob")


async def _said(peer: Any, line: str) -> list[dict[str, Any]]:
    await peer.send(line)
    lines: list[dict[str, Any]] = await peer.quiet()
    return lines


def test_a_request_is_json_only() -> None:
    line = orjson.dumps({"type": "ban", "target": "bob", "seconds": 5})
    assert read_request(line) == BY_NAME["ban"].request(target="bob", seconds=5)
