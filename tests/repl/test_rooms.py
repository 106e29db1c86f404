"""Named rooms in the client: entering one, where text goes, what happens there, and being removed."""

from __future__ import annotations

from tests.repl.person import ServedPerson, at_server
from tests.running import Peer, RunningServer
from tests.sessions import PASSWORD, SessionPeer, user


async def owner(running: RunningServer, *rooms: str) -> SessionPeer:
    """Return carol, who is registered and has created these rooms."""
    carol = await user(running, "carol")
    for room in rooms:
        assert (await carol.do("create", name=room))["type"] == "room"
    await carol.heard()
    return carol


async def test_text_goes_to_the_room_that_one_entered(running: RunningServer, alice: ServedPerson) -> None:
    carol = await owner(running, "ops")
    await alice.do("/join #ops")
    await alice.screen.line("#ops (you are a member)")
    assert alice.prompt == "alice → ops ▸ "
    await alice.do("hello there")
    await alice.screen.line("#ops alice ✓ hello there")
    assert [(line["room"], line["text"]) for line in await carol.heard("message")] == [("ops", "hello there")]
    await carol.do("send", room="ops", text="welcome")
    await alice.screen.line("#ops carol")
    await alice.do("/history")
    assert alice.screen.lines[-1].endswith("welcome")
    await alice.do("/to")
    assert alice.prompt == "alice → lobby ▸ "
    await alice.do("/to ops")
    assert alice.prompt == "alice → ops ▸ "


async def test_after_a_refused_join_no_text_goes_elsewhere_unasked(
    running: RunningServer, alice: ServedPerson, bob: Peer
) -> None:
    alice.enter("/join board", "only for the board")
    await alice.settle()
    await alice.screen.line("there is no room 'board'")
    assert alice.screen.count("/join board was refused before it")
    assert [line["text"] for line in await bob.quiet() if line["type"] == "message"] == []
    await alice.do("")
    await alice.do("/to")
    await alice.do("for all")
    assert (await bob.next("message"))["text"] == "for all"


async def test_text_after_join_waits_for_the_room(
    running: RunningServer, alice: ServedPerson, bob: Peer
) -> None:
    carol = await owner(running, "ops")
    alice.enter("/join ops", "in the room", "/to", "in the lobby")
    await alice.settle()
    assert await carol.texts() == ["in the room", "in the lobby"]
    assert [line["text"] for line in await bob.quiet() if line["type"] == "message"] == ["in the lobby"]


async def test_after_a_removal_nothing_goes_elsewhere(running: RunningServer, alice: ServedPerson) -> None:
    carol = await owner(running, "ops")
    await alice.do("/join ops")
    await alice.screen.line("#ops (you are a member)")
    await carol.do("remove", room="ops", username="alice", reason="too loud")
    await alice.screen.line("carol removed alice: too loud")
    assert alice.prompt == "alice → ops ▸ "
    await alice.do("a secret of this room")
    await alice.screen.line("you are not in ops")
    assert await carol.texts() == []
    await alice.do("/to #ops")
    assert alice.screen.complaints[-1].startswith("✗ you are not in #ops; /join ops enters it")


async def test_who_leaves_is_in_the_lobby_again(running: RunningServer, alice: ServedPerson) -> None:
    await owner(running, "ops", "dev")
    for line in ("/join ops", "/join dev", "/leave ops"):
        await alice.do(line)
    await alice.screen.line("you are not in #ops any more")
    assert alice.prompt == "alice → dev ▸ "
    await alice.do("/leave dev")
    await alice.screen.line("you are not in #dev any more")
    assert alice.prompt == "alice → lobby ▸ "


async def test_commands_of_rooms_mean_the_room_of_the_prompt(
    running: RunningServer, alice: ServedPerson, bob: Peer
) -> None:
    await alice.do("/register")
    for _ in range(2):
        await alice.do(PASSWORD)
    await alice.screen.line("registered")
    await alice.do("/create ops what is up")
    await alice.screen.line("#ops (you are an owner): what is up")
    await alice.do("/topic all is well")
    await alice.screen.line("#ops alice changed the topic: all is well")
    await alice.do("/invite bob")
    assert (await bob.next("invited"))["topic"] == "all is well"
    await bob.ask({"type": "join", "name": "ops"})
    await alice.screen.line("#ops bob joined")
    await alice.do("/role bob moderator")
    await alice.screen.line("#ops alice made bob a moderator")
    await alice.do("/members")
    await alice.screen.line("moderator since")
    await alice.do("/remove bob")
    await alice.screen.line("#ops alice removed bob")
    await alice.do("/close")
    await alice.screen.line("#ops alice closed the room")
    await alice.do("is it?")
    await alice.screen.line("ops is closed")


async def test_rooms_from_before_are_known_at_the_start(running: RunningServer) -> None:
    carol = await owner(running, "ops")
    async with at_server(running, "dora") as dora:
        await dora.do("/join ops")
        await dora.screen.line("#ops (you are a member)")
        await dora.do("/to")
        await dora.door.cable.cut()
        await dora.screen.line("back as dora")
        await dora.do("/to ops")
        assert dora.prompt == "dora → ops ▸ "
        await carol.do("send", room="ops", text="still here?")
        await dora.screen.line("still here?")
