"""The client's own commands: `/to`, `/set`, `/clear`, `/help`."""

from __future__ import annotations

import pytest

from tcpchat.repl.input.vocabulary import CLIENT_COMMANDS
from tests.repl.person import (
    ServedPerson,
)
from tests.running import Peer, RunningServer


async def test_to_changes_the_place_of_the_prompt(
    running: RunningServer, alice: ServedPerson, bob: Peer
) -> None:
    await alice.do("/to nobody")
    assert alice.prompt == "alice → lobby ▸ "
    assert alice.screen.complaints[-1].startswith("✗ there is no user 'nobody' here")
    await alice.do("/to bob")
    assert alice.prompt == "alice → bob ▸ "
    await bob.ask({"type": "rename", "name": "robert"})
    await alice.screen.line("bob is now robert")
    assert alice.prompt == "alice → robert ▸ "
    await alice.do("still you")
    assert (await bob.next("message"))["to"] == "robert"
    await alice.do("/to")
    assert alice.prompt == "alice → lobby ▸ "


async def test_help_lists_the_commands_of_the_client_too(alice: ServedPerson) -> None:
    await alice.do("help")
    for usage in [*(command.usage for command in CLIENT_COMMANDS), "/send [-u/--username NAME]", "//users"]:
        assert alice.screen.count(usage), usage
    await alice.do("/help /set")
    assert alice.screen.shown[-1].startswith("· /set [NAME [VALUE]]: show or change")
    await alice.do("/help send")
    assert alice.screen.count("examples")


async def test_help_shows_other_names_beside_the_command_that_they_mean(alice: ServedPerson) -> None:
    await alice.do("help")
    assert alice.screen.count("/nick") == 1
    assert alice.screen.count("(also /query, /part)") == 1
    await alice.do("/help nick")
    assert alice.screen.count("/nick NAME: the same as /rename")
    assert alice.screen.count("/rename alice")
    await alice.do("/help /query")
    assert alice.screen.count("/query [NAME]: the same as /to")


async def test_a_place_that_no_prompt_shows_is_told(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/part")
    assert alice.screen.complaints[-1] == "· what you type goes to lobby"
    await alice.do("/query bob")
    assert alice.screen.complaints[-1] == "· what you type goes to lobby"
    alice.screen.has_input = False
    await alice.do("/part")
    await alice.do("/to bob")
    assert alice.screen.complaints[-1] == "· what you type goes to bob"


async def test_the_schema_is_not_shown_but_where_to_read_it(alice: ServedPerson) -> None:
    shown = len(alice.screen.shown)
    await alice.do("/schema")
    assert len(alice.screen.shown) == shown
    assert (
        "to read it: echo schema | tcpchat connect --commands 127.0.0.1:8000 | less" in alice.screen.notices
    )


async def test_clear_clears(alice: ServedPerson) -> None:
    await alice.do("/clear")
    assert alice.screen.clears == 1


async def test_settings_are_shown_and_changed(alice: ServedPerson) -> None:
    await alice.do("/set")
    for name in ("bell on: ring", "theme dark: colours", "name (none): the name"):
        assert alice.screen.count(name) == 1, name
    await alice.do("/set theme")
    assert alice.screen.count("theme dark") == 2
    await alice.do("/set theme mono")
    assert alice.screen.themes == ["mono"]
    assert alice.screen.complaints[-1] == "· theme set to mono"
    await alice.do("/set name zoe")
    assert alice.screen.complaints[-1] == "· name set to zoe from the next start on; until then you are alice"
    await alice.do('/set name ""')
    assert "· name set to (none) from the next start on" in alice.screen.complaints[-1]
    assert alice.controller.failures == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/set nope", "there is no setting 'nope'"),
        ("/set nope on", "there is no setting 'nope'"),
        ("/set bell loud", "bell must be on or off"),
        ("/set send often", "send must be ask or command or text"),
        ("/set login text", "login must be ask or command"),
    ],
)
async def test_a_wrong_setting_is_told(alice: ServedPerson, line: str, told: str) -> None:
    await alice.do(line)
    assert told in alice.screen.notices
    assert alice.controller.failures == 1
    assert alice.screen.themes == []


async def test_help_keys_shows_the_keys_and_what_the_next_one_sends(alice: ServedPerson) -> None:
    await alice.do("/help keys")
    assert alice.screen.count("Esc, then Enter") == 1
    (tell,) = alice.screen.watching
    tell("that key sends LF")
    await alice.settle()
    assert alice.screen.complaints[-1] == "· that key sends LF"
