"""Who you are and what you have read, as typed and as told, with a server that the test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chaos.clock import TrioClock
from tcpchat.client import DisconnectedError, Reconnect, RefusedError
from tcpchat.repl.controller import Controller
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.view.text import plain
from tests.repl.fake_server import AT, FakeServer, Memory, message
from tests.repl.person import Person, Screen

SECRET = "correct horse"
LOGGED_IN = {"user": "alice", "session": 2, "token": "t-secret", "seq": 0}


class Sitter(Person):
    """Somebody who talks to a fake."""

    def __init__(self, controller: Controller, screen: Screen, client: Any, memory: Memory) -> None:
        super().__init__(controller, screen, client)
        self.memory = memory
        self.fake = memory.fake

    async def hear(self, *lines: dict[str, Any]) -> None:
        """Let the server say something, and wait until it is heard."""
        await self.memory.say(*lines)
        await wait_all_tasks_blocked()

    async def press(self) -> None:
        """Press a key that does nothing."""
        self.controller.see()
        await wait_all_tasks_blocked()

    @property
    def receipt(self) -> list[tuple[str, str]]:
        """What the toolbar says of the last private message."""
        return [part for part in self.controller.toolbar() if "✓" in part[1]]


@asynccontextmanager
async def sitting(fake: FakeServer, *, asks: bool = True, **options: Any) -> AsyncIterator[Sitter]:
    """Let somebody controller to this fake until the block ends."""
    async with trio.open_nursery() as nursery:
        memory, screen = Memory(fake, nursery), Screen(asks=asks)
        async with memory.client(**options) as client:
            controller = Controller(client, screen, Preferences(None), TrioClock(), UTC)
            async with trio.open_nursery() as inner:
                await inner.start(controller.run)
                await wait_all_tasks_blocked()
                yield Sitter(controller, screen, client, memory)
                controller.leave_now()
        nursery.cancel_scope.cancel()


@pytest.fixture
async def alice() -> AsyncIterator[Sitter]:
    async with sitting(FakeServer()) as person:
        yield person


def nothing_tells(person: Sitter, secret: str = SECRET) -> bool:
    """Return whether a secret was shown nowhere."""
    shown = [*person.screen.lines, *person.screen.edited, person.prompt, person.toolbar, *person.waiting]
    return secret not in "\n".join(shown)


# Passwords.


async def test_register_asks_for_a_new_password_twice_and_shows_it_nowhere(alice: Sitter) -> None:
    alice.fake.reply("register", "registered", user="alice")
    await alice.do("/register")
    assert alice.controller.lines.asks_password
    assert alice.prompt == "[the password that you choose] ▸ "
    assert not alice.controller.lines.may_keep("anything")
    await alice.do(SECRET)
    assert alice.prompt == "[repeat the password] ▸ "
    assert alice.fake.of("register") == []
    await alice.do(SECRET)
    (request,) = alice.fake.of("register")
    assert request["password"] == SECRET
    assert not alice.controller.lines.asks_password
    assert alice.controller.lines.may_keep("anything")
    assert "alice is now registered to you" in " ".join(alice.screen.shown)
    assert alice.controller.failures == 0
    assert nothing_tells(alice)


async def test_two_different_ones_are_asked_for_anew(alice: Sitter) -> None:
    alice.fake.reply("register", "registered", user="alice")
    for line in ("/register", SECRET, "correct house"):
        await alice.do(line)
    assert "do not match" in alice.screen.told
    assert alice.prompt == "[the password that you choose] ▸ "
    assert alice.fake.of("register") == []
    for line in (SECRET, SECRET):
        await alice.do(line)
    assert [request["password"] for request in alice.fake.of("register")] == [SECRET]
    assert nothing_tells(alice)


async def test_the_password_changes_with_the_old_one_once_and_the_new_one_twice(alice: Sitter) -> None:
    alice.fake.reply("password", "password-changed", revoked=1)
    await alice.do("/password")
    prompts = []
    for line in ("old one", SECRET, SECRET):
        prompts.append(alice.prompt)
        await alice.do(line)
    assert prompts == ["[your password so far] ▸ ", "[the new password] ▸ ", "[repeat the password] ▸ "]
    assert alice.fake.of("password") == [{"password": "old one", "new": SECRET}]
    assert nothing_tells(alice)
    assert nothing_tells(alice, "old one")


async def test_login_asks_once_and_makes_you_another(alice: Sitter) -> None:
    alice.fake.reply("login", "logged-in", **LOGGED_IN | {"user": "robert"})
    await alice.do("/to bob")
    asked = len(alice.fake.of("users"))
    await alice.do("/login robert")
    await alice.do(SECRET)
    (request,) = alice.fake.of("login")
    assert (request["name"], request["password"]) == ("robert", SECRET)
    assert alice.prompt == "robert → lobby ▸ "
    assert "you are robert (registered)" in " ".join(alice.screen.shown)
    assert len(alice.fake.of("users")) > asked
    assert nothing_tells(alice)


async def test_what_is_asked_after_a_login_is_about_who_you_are_then(alice: Sitter) -> None:
    alice.fake.reply("login", "logged-in", **LOGGED_IN | {"user": "robert"})
    users = [{"name": "robert", "since": AT, "away": "lunch"}]
    alice.fake.reply("users", "users", users=users, more=False)
    alice.enter("/login robert", SECRET)
    await wait_all_tasks_blocked()
    assert "│ away: lunch" in alice.toolbar


async def test_a_wrong_password_is_told(alice: Sitter) -> None:
    alice.fake.refuse("login", "wrong-login")
    await alice.do("/login robert")
    await alice.do(SECRET)
    assert "because wrong-login" in alice.screen.told
    assert alice.controller.failures == 1
    assert alice.prompt == "alice → lobby ▸ "
    assert nothing_tells(alice)


@pytest.mark.parametrize("again", [False, True])
async def test_an_empty_line_gives_up(alice: Sitter, again: bool) -> None:
    await alice.do("/register")
    if again:
        await alice.do(SECRET)
    await alice.do("")
    assert alice.screen.complaints[-1] == "· register was cancelled"
    assert not alice.controller.lines.asks_password
    assert (alice.fake.of("register"), alice.controller.failures) == ([], 0)
    await alice.do("/ping")
    assert alice.fake.of("ping")


async def test_ctrl_c_gives_up(alice: Sitter) -> None:
    await alice.do("/register")
    alice.controller.lines.take_back()
    assert alice.prompt == "alice → lobby ▸ "
    assert not alice.controller.lines.asks_password
    await alice.do("/ping")
    assert alice.fake.of("register") == []


async def test_a_password_of_the_next_line_is_enough_where_nobody_is_asked() -> None:
    fake = FakeServer()
    fake.reply("register", "registered", user="alice")
    async with sitting(fake, asks=False) as alice:
        await alice.do("/register")
        await alice.do(SECRET)
        assert [request["password"] for request in fake.of("register")] == [SECRET]
        assert alice.screen.complaints == []
        await alice.do("/login bob")
        alice.controller.lines.end()
        assert alice.screen.told == "✗ login was cancelled, since its password is not on the next line"
        assert alice.controller.failures == 1
        assert nothing_tells(alice)


async def test_a_line_with_a_password_in_it_works_and_is_not_kept(alice: Sitter) -> None:
    alice.fake.reply("login", "logged-in", **LOGGED_IN)
    line = f"/login alice --password {SECRET.split(maxsplit=1)[0]}"
    assert not alice.controller.lines.may_keep(line)
    assert alice.controller.lines.may_keep("login alice")
    await alice.do(line)
    assert [request["password"] for request in alice.fake.of("login")] == ["correct"]
    assert nothing_tells(alice, "correct")


@pytest.mark.parametrize(
    ("answer", "said"), [("", []), ("what?", ["what?"]), ("t", [f"login alice {SECRET}"]), ("T", ["T"])]
)
async def test_a_question_does_not_repeat_what_may_be_a_password(
    alice: Sitter, answer: str, said: list[str]
) -> None:
    alice.fake.reply("send", "sent", room="lobby", seq=1, at=AT)
    await alice.do(f"login alice {SECRET}")
    assert alice.prompt == "[c, t or Esc] ▸ "
    assert "“login …”: command or text? c runs it, t sends it as text" in alice.screen.told
    assert "C also keeps the answer for “login”" in alice.screen.told
    assert alice.fake.of("send") == []
    await alice.do(answer)
    assert alice.screen.edited == ([f"login alice {SECRET}"] if not answer else [])
    del alice.screen.edited[:]  # which only the person sees, who typed it
    assert nothing_tells(alice)
    assert [request["text"] for request in alice.fake.of("send")] == said


async def test_what_follows_a_question_about_a_login_may_be_the_password_and_is_not_sent(
    alice: Sitter,
) -> None:
    await alice.do("login alice")
    assert not alice.controller.lines.may_keep(SECRET)
    await alice.do(SECRET)
    assert "not sent: login alice" in alice.screen.told
    assert "may be a password" in alice.screen.told
    assert (alice.fake.of("send"), alice.fake.of("login")) == ([], [])
    assert alice.controller.lines.may_keep("hello")
    assert nothing_tells(alice)


async def test_where_nobody_is_asked_the_line_after_a_refused_login_is_not_sent() -> None:
    async with sitting(FakeServer(), asks=False) as alice:
        await alice.do("login alice")
        await alice.do(SECRET)
        assert alice.controller.failures == 2
        assert alice.fake.of("send") == []
        assert nothing_tells(alice)
        alice.fake.reply("send", "sent", room="lobby", seq=1, at=AT)
        await alice.do("hello")
        assert [request["text"] for request in alice.fake.of("send")] == ["hello"]


async def test_a_typo_before_a_password_is_corrected_without_repeating_it(alice: Sitter) -> None:
    alice.fake.reply("login", "logged-in", **LOGGED_IN)
    await alice.do("lgoin --password hunter2 alice")
    assert "“lgoin …”: command or text? c runs it, t" in alice.screen.told
    await alice.do("c")
    assert [request["password"] for request in alice.fake.of("login")] == ["hunter2"]
    assert nothing_tells(alice, "hunter2")


async def test_after_logout_you_are_a_new_guest(alice: Sitter) -> None:
    alice.fake.reply("logout", "logged-out", user="guest-7", token="t-secret")
    await alice.hear(message(1, "psst", to="alice"))
    await alice.do("/logout")
    assert alice.prompt == "guest-7 → lobby ▸ "
    assert alice.controller.completion_context().absent == []


async def test_names_are_offered_of_who_is_ignored_and_of_who_has_written(alice: Sitter) -> None:
    alice.fake.reply("ignore", "ignoring", users=["bob"])
    await alice.hear(message(1, "psst", to="alice", sender="carol"))
    await alice.do("/ignore bob")
    assert [request["name"] for request in alice.fake.of("ignore")] == ["bob"]
    assert [one.text for one in alice.controller.complete("/unignore ")] == ["bob"]
    assert [one.text for one in alice.controller.complete("/whois c")] == ["carol"]


async def test_numbers_of_sessions_are_offered_once_they_were_shown(alice: Sitter) -> None:
    info = {
        "number": 3,
        "device": "phone",
        "address": "a",
        "since": AT,
        "used": AT,
        "here": True,
        "current": True,
    }
    alice.fake.reply("sessions", "sessions", sessions=[info])
    assert alice.controller.complete("/revoke ") == []
    await alice.do("/sessions")
    assert [(one.text, one.help) for one in alice.controller.complete("/revoke ")] == [("3", "phone")]


# Unread, and read.


UNREAD = {
    "type": "unread",
    "rooms": [
        {"room": "lobby", "count": 12, "mentioned": True, "read": 8, "seq": 20},
        {"username": "bob", "room": "@b", "count": 3, "mentioned": False, "read": 0, "seq": 3},
    ],
}


async def test_what_is_unread_is_told_and_what_comes_of_it_rings_no_more(alice: Sitter) -> None:
    await alice.hear(UNREAD, *(message(seq, f"psst {seq}", to="alice") for seq in (1, 2, 3)))
    assert alice.screen.complaints == ["· unread: lobby 12 (you are mentioned), bob 3"]
    assert alice.screen.bells == 0
    assert "3 unread private" in alice.toolbar
    await alice.hear(message(4, "psst 4", to="alice"))
    assert alice.screen.bells == 1
    await alice.hear({"type": "unread", "rooms": []})
    assert len(alice.screen.complaints) == 1


async def test_what_was_shown_is_read_once_a_key_is_pressed(alice: Sitter, mock_clock: MockClock) -> None:
    await alice.hear(message(1, "one"), message(1, "psst", to="alice"), message(2, "psst", to="alice"))
    mock_clock.jump(60)
    await wait_all_tasks_blocked()
    assert alice.fake.of("read") == []
    assert "2 unread private" in alice.toolbar
    drawn = alice.screen.refreshed
    await alice.press()
    assert alice.screen.refreshed > drawn
    assert "unread" not in alice.toolbar
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 1}, {"room": "@b", "seq": 2}]
    mock_clock.jump(60)
    await alice.press()
    assert len(alice.fake.of("read")) == 2


async def test_a_line_counts_as_being_there_too(alice: Sitter) -> None:
    await alice.hear(message(1, "one"))
    alice.enter("")
    await wait_all_tasks_blocked()
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 1}]


async def test_a_busy_lobby_is_marked_once_a_second(alice: Sitter, mock_clock: MockClock) -> None:
    for seq in range(1, 20):
        await alice.hear(message(seq, str(seq)))
        await alice.press()
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 1}]
    mock_clock.jump(1)
    await wait_all_tasks_blocked()
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 1}, {"room": "lobby", "seq": 19}]


async def test_nothing_is_marked_while_the_server_is_away_but_after_it() -> None:
    async with sitting(FakeServer()) as alice:
        await alice.hear(message(1, "psst", to="alice"))
        alice.memory.shut = True
        await alice.memory.cut()
        await alice.screen.line("Reconnecting")
        await alice.press()
        assert alice.fake.of("read") == []
        assert alice.toolbar.count("unread") == 0
        alice.memory.shut = False
        alice.client.retry_now()
        await alice.screen.line("back as alice")
        await wait_all_tasks_blocked()
        assert alice.fake.of("read") == [{"room": "@b", "seq": 1}]


async def test_what_another_device_reads_is_not_unread_here(alice: Sitter) -> None:
    await alice.hear(*(message(seq, "psst", to="alice") for seq in (1, 2, 3)))
    assert "3 unread private" in alice.toolbar
    drawn = alice.screen.refreshed
    await alice.hear({"type": "read", "username": "bob", "room": "@b", "seq": 2})
    assert alice.screen.refreshed > drawn
    assert "1 unread private" in alice.toolbar
    await alice.hear({"type": "read", "username": "bob", "room": "@b", "seq": 3})
    await alice.press()
    assert alice.fake.of("read") == []


async def test_in_a_pipe_nothing_is_read(mock_clock: MockClock) -> None:
    async with sitting(FakeServer(), asks=False) as alice:
        await alice.hear(UNREAD, message(1, "psst", to="alice"))
        await alice.do("/ping")
        mock_clock.jump(5)
        await wait_all_tasks_blocked()
        assert alice.fake.of("read") == []
        assert alice.screen.complaints == []


async def test_a_page_of_what_is_unread_lets_the_mark_move() -> None:
    async with sitting(FakeServer(seq=19)) as alice:
        await alice.hear(UNREAD, message(20, "the last one"))
        await alice.press()
        assert alice.fake.of("read") == []
        page = [message(seq, "older") for seq in range(9, 20)]
        alice.fake.reply("history", "history", messages=page, more=False)
        await alice.do("/history --unread")
        await alice.press()
        assert alice.fake.of("read") == [{"room": "lobby", "seq": 20}]


# Receipts.


async def test_the_toolbar_tells_how_far_the_last_private_message_got(alice: Sitter) -> None:
    await alice.hear(message(1, "psst", sender="alice", to="bob"))
    assert alice.receipt == [("class:own", "✓")]
    assert alice.toolbar.endswith("│ bob ✓")
    mark = {"type": "receipt", "username": "bob", "room": "@b"}
    drawn = alice.screen.refreshed
    await alice.hear(mark | {"delivered": 1})
    assert alice.screen.refreshed > drawn
    assert alice.receipt == [("class:receipt", "✓✓")]
    await alice.hear(mark | {"delivered": 1, "seen": 1})
    assert alice.receipt == [("class:receipt.seen", "✓✓")]
    await alice.hear(message(2, "psst again", sender="alice", to="bob"))
    assert alice.receipt == [("class:own", "✓")]
    await alice.do("/set theme mono")
    await alice.hear(mark | {"delivered": 2, "seen": 2})
    assert alice.toolbar.endswith("│ bob ✓✓ (read)")
    assert [line[6:] for line in alice.screen.shown if "psst" in line] == [
        "alice → bob ✓ psst", "alice → bob ✓ psst again"
    ]  # fmt: skip


async def test_marks_of_before_are_known_when_a_message_is_shown_again() -> None:
    fake = FakeServer()
    info = {"username": "bob", "room": "@b", "seq": 3, "read": 3, "delivered": 3, "seen": 2}
    fake.reply("conversations", "conversations", conversations=[info], more=False)
    page = [message(seq, f"psst {seq}", sender="alice", to="bob") for seq in (2, 3, 4)]
    fake.reply("history", "history", username="bob", messages=page, more=False)
    async with sitting(fake) as alice:
        await alice.do("/set theme mono")
        await alice.do("/history -u bob")
        assert [line[6:] for line in alice.screen.shown if "psst" in line] == [
            "alice → bob ✓✓ (read) psst 2", "alice → bob ✓✓ psst 3", "alice → bob ✓ psst 4"
        ]  # fmt: skip
        assert alice.controller.completion_context().absent == []
        await alice.hear({"type": "left", "room": "lobby", "users": ["bob"]})
        assert alice.controller.completion_context().absent == ["bob"]
        await alice.do("/to bob")
        assert alice.prompt == "alice → bob ▸ "


async def test_all_pages_of_conversations_are_asked_for() -> None:
    fake = FakeServer()

    def page(request: dict[str, Any]) -> dict[str, Any]:
        name = {None: "ann", "@ann": "ben"}.get(request.get("after"), "cleo")
        one = {"username": name, "room": f"@{name}", "seq": 0, "read": 0, "delivered": 0}
        return {"type": "conversations", "conversations": [one], "more": name != "cleo"}

    fake.answers["conversations"] = page
    async with sitting(fake) as alice:
        assert sorted(alice.controller.completion_context().absent) == ["ann", "ben", "cleo"]


# Others.


async def test_who_is_not_there_is_told(alice: Sitter) -> None:
    await alice.hear(
        {"type": "absent", "username": "bob", "here": True, "text": "lunch", "since": AT},
        {"type": "absent", "username": "zoe", "here": False},
    )
    assert alice.screen.complaints == [
        "· bob is away: lunch", "· zoe is offline; your message will be delivered when zoe is back"
    ]  # fmt: skip


async def test_that_you_are_away_stands_in_the_toolbar(alice: Sitter) -> None:
    alice.fake.reply("away", "away", text="lunch", since=AT)
    alice.fake.reply("back", "back")
    await alice.do("/away lunch")
    assert alice.fake.of("away") == [{"text": "lunch"}]
    assert "│ away: lunch" in alice.toolbar
    await alice.do("/back")
    assert "away" not in alice.toolbar


async def test_that_you_are_away_is_known_from_the_list_of_users() -> None:
    fake = FakeServer()
    users = [{"name": "alice", "since": AT, "away": ""}, {"name": "bob", "since": AT, "away": "x"}]
    fake.reply("users", "users", users=users, more=False)
    async with sitting(fake) as alice:
        assert alice.toolbar.endswith("│ away")


async def test_nothing_is_shown_of_whom_you_ignore(alice: Sitter) -> None:
    await alice.hear(message(1, "", ignored=True), message(2, "alice!", sender="eve"))
    assert [line[6:] for line in alice.screen.shown if "──" not in line] == ["eve  alice!"]
    assert alice.screen.bells == 1
    await alice.press()
    assert alice.fake.of("read") == [{"room": "lobby", "seq": 2}]


async def test_own_messages_of_another_device_do_not_count_as_sent_here(alice: Sitter) -> None:
    for seq in range(1, 4):
        await alice.hear(message(seq, "from my phone", sender="alice"))
    alice.fake.reply("send", "sent", room="lobby", seq=4, at=AT)
    alice.enter("from here")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(alice.controller.wait_settled)
        await wait_all_tasks_blocked()
        assert alice.controller._calls._not_shown == {("lobby", 4)}
        await alice.hear(message(4, "from here", sender="alice"))
    assert not alice.controller._calls._not_shown


# The end.


@pytest.mark.parametrize("code", ["revoked", "banned", "replaced"])
async def test_who_is_sent_away_knows_why(code: str) -> None:
    async with sitting(FakeServer()) as alice:
        await alice.hear({"type": "bye", "code": code, "message": "you are not wanted"})
        assert isinstance(alice.controller.gave_up, RefusedError)
        assert (alice.controller.gave_up.code, str(alice.controller.gave_up)) == (code, "you are not wanted")


async def test_a_server_that_stops_sends_nobody_away() -> None:
    async with sitting(FakeServer()) as alice:
        await alice.memory.say({"type": "bye", "code": "server-stopping", "message": "it stops"})
        await alice.screen.line("back as alice")
        assert alice.controller.gave_up is None


async def test_who_gives_up_on_a_server_that_stops_was_not_sent_away() -> None:
    async with sitting(FakeServer(), reconnect=Reconnect.never()) as alice:
        await alice.hear({"type": "bye", "code": "server-stopping", "message": "it stops"})
        assert isinstance(alice.controller.gave_up, DisconnectedError)


async def test_a_prompt_with_a_hostile_name_is_clean(alice: Sitter) -> None:
    await alice.hear(message(1, "x", sender="alice", to="b\x1b[2Job"))
    assert "\x1b" not in plain(alice.controller.toolbar())
