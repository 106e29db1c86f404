"""Typed lines: sent, run, or asked about; and leaving."""

from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from tcpchat.protocol import BY_NAME
from tcpchat.repl.model.preferences import Preferences
from tests.repl.fake_server import AT, FakeServer
from tests.repl.person import (
    FakedPerson,
    Person,
    ServedPerson,
    at_fake_server,
    at_server,
    texts,
)
from tests.running import Peer, RunningServer

SECRET = "correct horse"


LOGGED_IN = {"user": "alice", "session": 2, "token": "t-secret", "seq": 0}


async def ended(person: Person) -> bool:
    await wait_all_tasks_blocked()
    return person.controller.lines.left.is_set()


@pytest.mark.parametrize(
    ("line", "said"), [("//users", ["/users"]), (" users", ["users"]), ("  ", []), ("", [])]
)
async def test_text_that_looks_like_something_else(
    alice: ServedPerson, bob: Peer, line: str, said: list[str]
) -> None:
    await alice.do(line)
    assert await texts(bob) == said


async def test_breaks_at_the_end_of_a_paste_are_left_out(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("one\n  two\n\n")
    await alice.do("/send -u bob three\n")
    assert await texts(bob) == ["one\n  two", "three"]


async def test_several_lines_are_one_message(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("one\ntwo\nusers")
    assert await texts(bob) == ["one\ntwo\nusers"]


async def test_a_message_to_the_id_of_a_direct_room_is_private(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/send -u bob one")
    room = (await bob.next("message"))["room"]
    await alice.do(f"/send -r {room} two")
    assert await alice.screen.line("two") == "alice → bob ✓ two"
    assert (await bob.next("message"))["to"] == "bob"


@pytest.mark.parametrize(
    ("answer", "private", "said"),
    [
        ("c", True, "secret"),
        ("C ", True, "secret"),
        ("command", True, "secret"),
        ("t", False, "send -u bob secret"),
        ("T", False, "send -u bob secret"),
        ("", None, None),
        ("n", None, None),
        ("no", None, None),
        ("q", None, None),
    ],
)
async def test_a_line_that_begins_with_a_command_is_asked_about(
    alice: ServedPerson, bob: Peer, answer: str, private: bool | None, said: str | None
) -> None:
    await alice.do("send -u bob secret")
    assert alice.prompt == "[c: command, t: text, Esc: edit; C or T: always] ▸ "
    assert alice.screen.complaints[-1] == "· “send -u bob secret”: command or text?"
    assert await texts(bob) == []
    await alice.do(answer)
    assert alice.prompt == "alice → lobby ▸ "
    assert alice.screen.edited == ([] if said else ["send -u bob secret"])
    messages = [line for line in await bob.quiet() if line["type"] == "message"]
    assert [("to" in message, message["text"]) for message in messages] == ([(private, said)] if said else [])


async def test_nothing_is_said_while_a_question_is_open(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("read the docs")
    await alice.do("what now?")
    assert alice.prompt == "[c: command, t: text, Esc: edit; C or T: always] ▸ "
    assert alice.screen.complaints[-2:] == [
        "· “what now?” is no answer, and was not sent",
        "· “read the docs”: command or text?",
    ]
    await alice.do("/users")
    assert alice.prompt == "alice → lobby ▸ "
    assert alice.screen.edited == ["/users", "what now?", "read the docs"]
    assert await texts(bob) == []


async def test_text_goes_to_the_place_of_the_prompt(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/to bob")
    await alice.do("send me the keys")
    await alice.do("t")
    message = await bob.next("message")
    assert (message["to"], message["text"]) == ("bob", "send me the keys")


async def test_an_action_is_sent_and_shown_as_one(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/me waves")
    assert (await bob.next("message"))["action"] is True
    assert await alice.screen.line("waves") == "✓ * alice waves"
    await alice.do("/send -t 10m --action leaves")
    (pending,) = alice.controller.model.scheduled.pending().values()
    assert pending.action is True


@pytest.mark.parametrize("line", ["/send hi", "hi", "/send -t 1 hi"])
async def test_a_message_goes_to_the_place_of_the_prompt(faked: FakedPerson, line: str) -> None:
    await faked.do("/to bob")
    await faked.do(line)
    (sent,) = faked.server.of("send")
    assert (sent["text"], sent["username"], sent.get("room")) == ("hi", "bob", None)


@pytest.mark.parametrize(
    ("line", "type", "place"),
    [
        ("/send -u carol hi", "send", {"username": "carol"}),
        ("/send -r lobby hi", "send", {"room": "lobby"}),
        ("/history -n 5", "history", {"username": "bob"}),
        ("/history -r lobby", "history", {"room": "lobby"}),
        ("/history --unread", "history", {}),
        ("/read", "read", {"username": "bob"}),
        ("/read 3", "read", {"username": "bob"}),
        ("/read -u carol", "read", {"username": "carol"}),
    ],
)
async def test_a_command_is_for_the_place_of_the_prompt_unless_it_names_one(
    faked: FakedPerson, line: str, type: str, place: dict[str, str]
) -> None:
    await faked.do("/to bob")
    faked.server.answers["read"] = lambda _: {"type": "read", "room": "@b", "username": "bob", "seq": 3}
    await faked.do(line)
    request = faked.server.of(type)[-1]
    assert {name: request[name] for name in ("room", "username") if name in request} == place


@pytest.mark.parametrize(
    ("answer", "message"),
    [("o", ("bob", "my pin is 1234")), ("t", (None, "my pin is 1234 -u bob")), ("", None)],
)
async def test_an_option_after_the_text_is_asked_about(
    alice: ServedPerson, bob: Peer, answer: str, message: tuple[str | None, str] | None
) -> None:
    await alice.do("send my pin is 1234 -u bob")
    await alice.do("c")
    assert alice.prompt == "[o: option, t: text, Esc: edit] ▸ "
    assert await texts(bob) == []
    await alice.do(answer)
    messages = [line for line in await bob.quiet() if line["type"] == "message"]
    assert [(line.get("to"), line["text"]) for line in messages] == ([message] if message else [])
    assert alice.screen.edited == ([] if message else ["/send my pin is 1234 -u bob"])


async def test_without_a_person_an_option_after_the_text_is_refused(running: RunningServer) -> None:
    async with at_server(running, asks=False) as alice:
        await alice.do("/send my pin is 1234 -u bob")
        assert alice.controller.failures == 1
        assert "options come before the text: send -u bob my pin is 1234" in alice.screen.notices


async def test_text_after_a_refused_place_is_asked_about(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("/to nobody")
    await alice.do("for your eyes only")
    assert alice.prompt == "[t: send as text to lobby, n or Esc: edit] ▸ "
    assert await texts(bob) == []
    await alice.do("n")
    assert alice.screen.edited == ["for your eyes only"]
    await alice.do("for all")
    assert await texts(bob) == ["for all"]


@pytest.mark.parametrize("line", ["my pin is 1234", "/send my pin is 1234", "/send -t 0 my pin is 1234"])
async def test_without_a_person_text_waits_for_a_place_that_exists(
    running: RunningServer, bob: Peer, line: str
) -> None:
    async with at_server(running, name="carol", asks=False) as carol:
        await carol.do("/to nobody")
        await carol.do(line)
        await carol.do(line)
        assert carol.controller.failures == 3
        assert "not sent: “" in carol.screen.notices
        await carol.do("/send -u bob named")
        await carol.do("/to bob")
        await carol.do("placed")
        messages = [line for line in await bob.quiet() if line["type"] == "message"]
        assert [(message["to"], message["text"]) for message in messages] == [
            ("bob", "named"),
            ("bob", "placed"),
        ]


@pytest.mark.parametrize("line", ["/to lobby", "/to #lobby", "/to LOBBY", "/to"])
async def test_to_the_lobby_goes_to_the_room(alice: ServedPerson, bob: Peer, line: str) -> None:
    await alice.do("/to @bob")
    assert alice.prompt == "alice → bob ▸ "
    await alice.do(line)
    assert alice.prompt == "alice → lobby ▸ "
    await alice.do("here again")
    assert await texts(bob) == ["here again"]


async def test_without_an_input_line_the_question_lists_its_answers(alice: ServedPerson) -> None:
    alice.screen.has_input = False
    await alice.do("send hi")
    assert alice.screen.notices.endswith(
        "“send hi”: command or text? [c: command, t: text, empty line: neither; C or T: always]"
    )
    await alice.do("")
    assert alice.screen.edited == ["send hi"]


async def test_a_question_is_taken_back_by_a_key(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("read the docs")
    assert alice.controller.lines.question is not None
    assert alice.controller.lines.question.keys == "ctCT"
    assert alice.controller.complete("/") == []
    alice.controller.lines.take_back()
    assert alice.screen.edited == ["read the docs"]
    assert alice.prompt == "alice → lobby ▸ "
    assert await texts(bob) == []


async def test_a_kept_answer_counts_until_it_is_reset(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("read the docs")
    await alice.do("T")
    assert "lines that begin with “read” are text now; /set read ask undoes it" in alice.screen.notices
    await alice.do("Read it")
    await alice.do("send ho")
    await alice.do("C")
    await alice.do("send hi")
    assert await texts(bob) == ["read the docs", "Read it", "ho", "hi"]
    assert alice.controller.complete("send -u b")
    del alice.screen.complaints[:]
    await alice.do("/set")
    assert "read text: lines that begin with “read” and no / (ask or command or text)" in " ".join(
        alice.screen.notices.split()
    )
    await alice.do("/set read ask")
    await alice.do("read on")
    assert alice.controller.lines.question is not None
    assert await texts(bob) == []


async def test_a_mistyped_private_message_is_asked_about(alice: ServedPerson, bob: Peer) -> None:
    await alice.do("sned -u bob secret")
    assert "“sned -u bob secret”: the command /send -u bob secret, or text?" in alice.screen.notices
    assert alice.prompt == "[c: command, t: text, Esc: edit] ▸ "
    assert await texts(bob) == []
    await alice.do("C")
    assert "“C” is no answer" in alice.screen.notices, "nothing can be kept for what is no word"
    assert await texts(bob) == []
    await alice.do("c")
    assert (await bob.next("message"))["to"] == "bob"


async def test_without_a_person_ambiguous_lines_are_refused(running: RunningServer) -> None:
    bob = await running.peer("bob")
    preferences = Preferences(None)
    preferences.keep("send", "text")
    async with at_server(running, asks=False, preferences=preferences) as alice:
        await alice.do("send hello")
        assert "not sent: “send hello” may be a command (write /send hello) or text" in alice.screen.notices
        await alice.do("sned -u bob secret")
        assert "(write /send -u bob secret) or text (start it with a space)" in alice.screen.notices
        assert alice.controller.failures == 2
        assert alice.prompt == "alice → lobby ▸ "
        assert await texts(bob) == []
        await alice.do(" send hello")
        await alice.do("/send ho")
        assert await texts(bob) == ["send hello", "ho"]


@pytest.mark.parametrize(
    ("line", "told", "usage"),
    [
        (
            "/users all of them",
            "users does not take 'all'; to send it as text, start the line with a space",
            "users",
        ),
        ("/nope", "there is no command /nope", None),
        ("/send -u nobody hi", "nobody", None),
        ("/rename a b", "rename", "rename"),
    ],
)
async def test_wrong_lines_are_refused_and_counted(
    alice: ServedPerson, bob: Peer, line: str, told: str, usage: str | None
) -> None:
    await alice.do(line)
    assert told in alice.screen.notices
    if usage:
        assert alice.screen.complaints[-1] == f"  /{BY_NAME[usage].usage}"
    assert alice.controller.failures == 1
    assert await texts(bob) == []


@pytest.mark.parametrize("line", ["exit", "/exit", "EXIT"])
async def test_exit_leaves(alice: ServedPerson, line: str) -> None:
    alice.enter(line)
    assert await ended(alice)


async def test_a_guest_leaves_without_a_question(alice: ServedPerson, bob: Peer) -> None:
    alice.controller.lines.leave()
    assert await ended(alice)


async def test_a_host_is_asked_while_others_are_here(running: RunningServer) -> None:
    async with at_server(running, hosting=True) as alice:
        await running.peers("bob", "carol")
        await alice.until("3 here")
        alice.controller.lines.leave()
        assert alice.prompt == "[y or n] ▸ "
        assert alice.screen.complaints[-1] == (
            "· 2 other people are connected, and the chat stops when you leave. Leave anyway?"
        )
        alice.enter("n")
        assert not await ended(alice)
        assert alice.prompt == "alice → lobby ▸ "
        alice.controller.lines.leave()
        alice.enter("y")
        assert await ended(alice)


async def test_leaving_twice_asks_once(running: RunningServer) -> None:
    async with at_server(running, hosting=True) as alice:
        await running.peers("bob")
        await alice.until("2 here")
        alice.controller.lines.leave()
        assert not await ended(alice)
        alice.controller.lines.leave()
        assert await ended(alice)


async def test_a_host_alone_leaves_without_a_question(running: RunningServer) -> None:
    async with at_server(running, hosting=True) as alice:
        alice.controller.lines.leave()
        assert await ended(alice)


async def test_unsent_messages_are_a_reason_to_ask(alice: ServedPerson) -> None:
    await alice.go_offline()
    alice.enter("one", "two")
    alice.controller.lines.leave()
    assert alice.screen.complaints[-1].startswith("· 2 messages have not been sent yet.")
    assert not await ended(alice)
    alice.controller.leave_now()
    assert await ended(alice)
    assert [line.strip() for line in alice.screen.complaints[-2:]] == [
        "✗ not sent: 'one': you left",
        "✗ not sent: 'two': you left",
    ]


@pytest.mark.parametrize("answer", ["n", "", "no", "q", "users", "never mind"])
async def test_who_does_not_say_yes_stays_and_says_nothing(running: RunningServer, answer: str) -> None:
    async with at_server(running, hosting=True) as alice:
        await running.peers("bob")
        await alice.until("2 here")
        alice.controller.lines.leave()
        await alice.do(answer)
        if answer in {"users", "never mind"}:
            await alice.do(answer)
        assert not await ended(alice)
        assert "you stay" in alice.screen.notices
        assert running.state.rooms.lobby.seq == 0
        assert alice.screen.count("2 users") == 0


async def test_lines_that_are_entered_at_once_are_done_in_their_order(running: RunningServer) -> None:
    async with at_server(running) as alice:
        alice.controller.enter("/rename zoe")
        alice.controller.enter("I am zoe now")
        alice.controller.enter("/rename alice")
        assert (await alice.screen.line("I am zoe now")).startswith("zoe")
        await alice.controller.wait_settled()
        kinds = [line["type"] for line in alice.door.cable.sent if line["type"] in {"rename", "send"}]
    assert kinds[-3:] == ["rename", "send", "rename"]


async def test_register_asks_for_a_new_password_twice_and_shows_it_nowhere(faked: FakedPerson) -> None:
    faked.server.reply("register", "registered", user="alice")
    await faked.do("/register")
    assert faked.controller.lines.asks_password
    assert faked.prompt == "[the password that you choose] ▸ "
    assert not faked.controller.lines.may_keep("anything")
    await faked.do(SECRET)
    assert faked.prompt == "[repeat the password] ▸ "
    assert faked.server.of("register") == []
    await faked.do(SECRET)
    (request,) = faked.server.of("register")
    assert request["password"] == SECRET
    assert not faked.controller.lines.asks_password
    assert faked.controller.lines.may_keep("anything")
    assert "alice is now registered to you" in " ".join(faked.screen.shown)
    assert faked.controller.failures == 0
    assert faked.shows_nowhere(SECRET)


async def test_different_passwords_are_asked_for_again(faked: FakedPerson) -> None:
    faked.server.reply("register", "registered", user="alice")
    for line in ("/register", SECRET, "correct house"):
        await faked.do(line)
    assert "do not match" in faked.screen.notices
    assert faked.prompt == "[the password that you choose] ▸ "
    assert faked.server.of("register") == []
    for line in (SECRET, SECRET):
        await faked.do(line)
    assert [request["password"] for request in faked.server.of("register")] == [SECRET]
    assert faked.shows_nowhere(SECRET)


async def test_the_password_changes_with_the_old_one_once_and_the_new_one_twice(faked: FakedPerson) -> None:
    faked.server.reply("password", "password-changed", revoked=1)
    await faked.do("/password")
    prompts = []
    for line in ("old one", SECRET, SECRET):
        prompts.append(faked.prompt)
        await faked.do(line)
    assert prompts == ["[your current password] ▸ ", "[the new password] ▸ ", "[repeat the password] ▸ "]
    assert faked.server.of("password") == [{"password": "old one", "new": SECRET}]
    assert faked.shows_nowhere(SECRET)
    assert faked.shows_nowhere("old one")


async def test_login_asks_once_and_makes_you_another(faked: FakedPerson) -> None:
    faked.server.reply("login", "logged-in", **LOGGED_IN | {"user": "robert"})
    await faked.do("/to bob")
    asked = len(faked.server.of("users"))
    await faked.do("/login robert")
    await faked.do(SECRET)
    (request,) = faked.server.of("login")
    assert (request["name"], request["password"]) == ("robert", SECRET)
    assert faked.prompt == "robert → lobby ▸ "
    assert "you are robert (registered)" in " ".join(faked.screen.shown)
    assert len(faked.server.of("users")) > asked
    assert faked.shows_nowhere(SECRET)


async def test_a_wrong_password_is_refused(faked: FakedPerson) -> None:
    faked.server.refuse("login", "wrong-login")
    await faked.do("/login robert")
    await faked.do(SECRET)
    assert "because wrong-login" in faked.screen.notices
    assert faked.controller.failures == 1
    assert faked.prompt == "[the password] ▸ "
    await faked.do("")
    assert faked.prompt == "alice → lobby ▸ "
    assert faked.shows_nowhere(SECRET)


@pytest.mark.parametrize("line", ["/login robert", "/login robert --password wrong"])
async def test_a_wrong_password_is_asked_for_again_three_times(faked: FakedPerson, line: str) -> None:
    faked.server.refuse("login", "wrong-login")
    await faked.do(line)
    while faked.controller.lines.asks_password:
        assert faked.prompt == "[the password] ▸ "
        await faked.do(SECRET)
    assert len(faked.server.of("login")) == 1 + 3
    assert {request["name"] for request in faked.server.of("login")} == {"robert"}
    assert not faked.controller.lines.may_keep(SECRET)
    await faked.do(SECRET)
    assert faked.server.of("send") == []
    assert faked.prompt == "[t: send as text to lobby, n or Esc: edit] ▸ "
    await faked.do("n")
    assert faked.screen.edited == [SECRET]
    del faked.screen.edited[:]  # which only the person sees, who typed it
    assert faked.shows_nowhere(SECRET)
    await faked.do("hello")
    assert [request["text"] for request in faked.server.of("send")] == ["hello"]


async def test_a_password_that_breaks_a_rule_is_chosen_again(faked: FakedPerson) -> None:
    faked.server.refuse("register", "bad-password")
    for line in ("/register", "short", "short"):
        await faked.do(line)
    assert faked.prompt == "[the password that you choose] ▸ "
    faked.server.reply("register", "registered", user="alice")
    for line in (SECRET, SECRET):
        await faked.do(line)
    assert not faked.controller.lines.asks_password
    await faked.do("hello")
    assert [request["text"] for request in faked.server.of("send")] == ["hello"]


@pytest.mark.parametrize(
    ("type", "line"),
    [("login", "/login robert --password hunter2"), ("register", "/register --password hunter2")],
)
@pytest.mark.parametrize("code", ["rate-limited", "storage-failed"])
async def test_the_line_after_another_refusal_is_held(
    faked: FakedPerson, type: str, line: str, code: str
) -> None:
    faked.server.refuse(type, code, retry_after=4.0)
    await faked.do(line)
    assert not faked.controller.lines.asks_password
    await faked.do("hunter2")
    assert faked.server.of("send") == []
    assert "may be a password" in faked.screen.notices
    await faked.do("t")
    assert [request["text"] for request in faked.server.of("send")] == ["hunter2"]


@pytest.mark.parametrize("line", ["/login robert hunter2", "/login", "/lgoin robert hunter2"])
async def test_the_line_after_a_wrong_use_of_a_password_is_held(faked: FakedPerson, line: str) -> None:
    await faked.do(line)
    await faked.do("hunter2")
    assert faked.server.of("send") == []


async def test_without_a_person_the_line_after_a_wrong_password_is_not_sent() -> None:
    server = FakeServer()
    server.refuse("login", "wrong-login")
    async with at_fake_server(server, asks=False) as alice:
        for line in ("/login robert", SECRET, SECRET, "hello"):
            await alice.do(line)
        assert alice.controller.failures == 2
        assert [request["text"] for request in server.of("send")] == ["hello"]
        assert alice.shows_nowhere(SECRET)


@pytest.mark.parametrize("right", [True, False])
async def test_lines_wait_until_a_password_is_checked(faked: FakedPerson, right: bool) -> None:
    if right:
        faked.server.reply("login", "logged-in", **LOGGED_IN)
    else:
        faked.server.refuse("login", "wrong-login")
    faked.controller.enter("/login alice --password hunter2")
    faked.controller.enter("one")
    faked.controller.enter("two")
    assert faked.waiting == ["… 2 lines wait until the server has checked the password"]
    await faked.settle()
    assert faked.waiting == []
    assert [request["text"] for request in faked.server.of("send")] == (["one", "two"] if right else [])
    assert faked.screen.edited == ([] if right else ["two", "one"])


async def test_lines_for_another_place_come_back_after_a_login(faked: FakedPerson) -> None:
    faked.server.reply("login", "logged-in", **LOGGED_IN)
    await faked.do("/to bob")
    faked.controller.enter("/login alice --password hunter2")
    faked.controller.enter("for bob only")
    await faked.settle()
    assert (faked.prompt, faked.server.of("send")) == ("alice → lobby ▸ ", [])
    assert faked.screen.edited == ["for bob only"]


@pytest.mark.parametrize("again", [False, True])
async def test_an_empty_line_gives_up(faked: FakedPerson, again: bool) -> None:
    await faked.do("/register")
    if again:
        await faked.do(SECRET)
    await faked.do("")
    assert faked.screen.complaints[-1] == "· register was cancelled"
    assert not faked.controller.lines.asks_password
    assert (faked.server.of("register"), faked.controller.failures) == ([], 0)
    await faked.do("/ping")
    assert faked.server.of("ping")


async def test_ctrl_c_gives_up(faked: FakedPerson) -> None:
    await faked.do("/register")
    faked.controller.lines.take_back()
    assert faked.prompt == "alice → lobby ▸ "
    assert not faked.controller.lines.asks_password
    await faked.do("/ping")
    assert faked.server.of("register") == []


async def test_without_a_person_the_next_line_is_the_password() -> None:
    server = FakeServer()
    server.reply("register", "registered", user="alice")
    async with at_fake_server(server, asks=False) as alice:
        await alice.do("/register")
        await alice.do(SECRET)
        assert [request["password"] for request in server.of("register")] == [SECRET]
        assert alice.screen.complaints == []
        await alice.do("/login bob")
        alice.controller.lines.end()
        assert alice.screen.notices == "✗ login was cancelled, since its password is not on the next line"
        assert alice.controller.failures == 1
        assert alice.shows_nowhere(SECRET)


async def test_a_line_with_a_password_works_and_is_not_in_the_history(faked: FakedPerson) -> None:
    faked.server.reply("login", "logged-in", **LOGGED_IN)
    line = f"/login alice --password {SECRET.split(maxsplit=1)[0]}"
    assert not faked.controller.lines.may_keep(line)
    assert faked.controller.lines.may_keep("login alice")
    await faked.do(line)
    assert [request["password"] for request in faked.server.of("login")] == ["correct"]
    assert faked.shows_nowhere("correct")


@pytest.mark.parametrize(
    ("answer", "said"), [("", []), ("what?", []), ("t", [f"login alice {SECRET}"]), ("T", [])]
)
async def test_a_question_does_not_repeat_a_possible_password(
    faked: FakedPerson, answer: str, said: list[str]
) -> None:
    faked.server.reply("send", "sent", room="lobby", seq=1, at=AT)
    await faked.do(f"login alice {SECRET}")
    assert faked.prompt == "[c: command, t: text, Esc: edit; C: always] ▸ "
    assert "“login …”: command or text?" in faked.screen.notices
    assert faked.server.of("send") == []
    await faked.do(answer)
    assert faked.screen.edited == ([f"login alice {SECRET}"] if not answer else [])
    del faked.screen.edited[:]  # which only the person sees, who typed it
    assert faked.shows_nowhere(SECRET)
    assert [request["text"] for request in faked.server.of("send")] == said


async def test_a_line_after_an_open_login_question_is_not_sent(
    faked: FakedPerson,
) -> None:
    await faked.do("login alice")
    assert not faked.controller.lines.may_keep(SECRET)
    await faked.do(SECRET)
    assert "that is no answer, and was not sent" in faked.screen.notices
    await faked.do(SECRET)
    assert faked.screen.edited == ["login alice"]
    assert (faked.server.of("send"), faked.server.of("login")) == ([], [])
    assert faked.controller.lines.may_keep("hello")
    assert faked.shows_nowhere(SECRET)


async def test_without_a_person_the_line_after_a_refused_login_is_not_sent() -> None:
    async with at_fake_server(FakeServer(), asks=False) as alice:
        await alice.do("login alice")
        await alice.do(SECRET)
        assert alice.controller.failures == 2
        assert alice.server.of("send") == []
        assert alice.shows_nowhere(SECRET)
        alice.server.reply("send", "sent", room="lobby", seq=1, at=AT)
        await alice.do("hello")
        assert [request["text"] for request in alice.server.of("send")] == ["hello"]


async def test_a_typo_before_a_password_is_corrected_without_repeating_it(faked: FakedPerson) -> None:
    faked.server.reply("login", "logged-in", **LOGGED_IN)
    await faked.do("lgoin --password hunter2 alice")
    assert "“lgoin …”: command or text?" in faked.screen.notices
    await faked.do("c")
    assert [request["password"] for request in faked.server.of("login")] == ["hunter2"]
    assert faked.shows_nowhere("hunter2")
