"""The client in a real terminal: what a person types, and what the screen shows."""

from __future__ import annotations

import re
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest

from tcpchat.protocol import BY_NAME
from tests.process import Client, ServerProcess, free_port
from tests.terminal import BRACKETED_PASTE, Terminal, set_editor

OPTIONS = (
    "--messages-per-second",
    "0",
    "--reports-to-mute",
    "1",
    "--mute-seconds",
    "90",
    "--log-level",
    "error",
)
PROMPT = "alice → lobby ▸ "


def say(client: Client, text: str, username: str | None = None) -> None:
    """Say something; return when it is on its way."""
    to = {} if username is None else {"username": username}
    client.send(orjson.dumps({"type": "send", "text": text} | to).decode())
    client.next("sent")


def say_many(client: Client, text: str, count: int) -> None:
    for number in range(count):
        say(client, f"{text}, {number}")


def named(server: ServerProcess, name: str) -> Client:
    client = server.connect()
    client.send(f"rename {name}")
    client.next("renamed")
    return client


def heard(client: Client, sender: str = "alice") -> str:
    """Return the next text of this sender, with whom it is to if it is private."""
    while (message := client.next("message"))["from"] != sender:
        pass
    return f"to {message['to']}: {message['text']}" if "to" in message else str(message["text"])


def marks(first: str, last: str) -> re.Pattern[str]:
    """Find two texts in this order, wherever on the screen."""
    return re.compile(f"{re.escape(first)}.*{re.escape(last)}", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess("--data", str(tmp_path_factory.mktemp("data")), *OPTIONS) as server:
        yield server


@pytest.fixture(scope="module")
def window(server: ServerProcess, folder: Path) -> Iterator[Terminal]:
    editor = set_editor(folder, 'printf " and the rest" >> "$1"')
    with Terminal(
        "connect", f"127.0.0.1:{server.port}", "--name", "alice", folder=folder, environ=editor
    ) as one:
        one.wait_for(PROMPT, "1 here")
        yield one


@pytest.fixture
def alice(window: Terminal) -> Terminal:
    """Alice at an empty screen with nothing typed."""
    window.type("x")  # Ctrl-C drops a line, and leaves if there is none
    window.key("c-c enter")
    window.wait_gone("▸ x")
    window.wait_gone("[y")
    window.type("x")
    window.key("c-c")

    def cleared() -> bool:
        if window.before_cursor == PROMPT and window.screen.cursor.y == 0:
            return True
        window.key("c-l")  # again, since what was shown just before may be written after the first
        window.read_for(0.1)
        return False

    window.wait_until(cleared)
    return window


@pytest.fixture
def bob(server: ServerProcess, alice: Terminal) -> Iterator[Client]:
    """Bob, whom alice has seen come, and whose screen is empty again."""
    with named(server, "bob") as client:
        alice.wait_for("bob", "2 here")
        alice.wait_until(lambda: "2 here" in alice.lines[alice.screen.cursor.y + 1])
        yield client
        client.send("exit")
        client.next("bye")
    alice.wait_for("1 here")


@pytest.fixture
def own_server() -> Iterator[ServerProcess]:
    """A server where nobody else talks, whose lines would push those of a test off the screen."""
    with ServerProcess("--ephemeral") as server:
        yield server


# A session from its first moment.


def test_the_prompt_shows_your_name_and_the_place(tmp_path: Path) -> None:
    with (
        ServerProcess("--ephemeral") as server,
        Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path) as person,
    ):
        person.wait_for("guest-1 → lobby ▸", f"on 127.0.0.1:{server.port}; you are guest-1", "1 here")
        assert person.before_cursor == "guest-1 → lobby ▸ "
        person.key("c-d")
        assert person.exit_code() == 0
        assert person.stty() == person.stty_before


def test_lines_typed_before_the_connection_are_not_lost(tmp_path: Path) -> None:
    with ServerProcess("--ephemeral") as server:
        server.signal(signal.SIGSTOP)
        with Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path) as person:
            person.wait_for(f"connecting to 127.0.0.1:{server.port}")
            person.enter("an early bird")
            person.wait_for("… an early bird")
            person.type("half a")
            person.wait_for("▸ half a")
            server.signal(signal.SIGCONT)
            person.wait_for("guest-1 ✓ an early bird", "guest-1 → lobby ▸ half a")


@pytest.mark.parametrize("leave", ["c-d", "/exit"])
def test_leaving_before_the_connection_shows_unsent_lines(tmp_path: Path, leave: str) -> None:
    with ServerProcess("--ephemeral") as server:
        server.signal(signal.SIGSTOP)
        with Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path) as person:
            person.wait_for(f"connecting to 127.0.0.1:{server.port}")
            person.enter("an early bird")
            person.wait_for("… an early bird")
            if leave == "c-d":
                person.key("c-d")
            else:
                person.enter(leave)
            person.exit_code()
            person.wait_for("not sent: an early bird")
        server.signal(signal.SIGCONT)


def test_without_a_server_the_terminal_exits_with_code_3(tmp_path: Path) -> None:
    with Terminal("connect", f"127.0.0.1:{free_port()}", folder=tmp_path) as person:
        assert person.exit_code() == 3
        person.wait_for("nothing listens there; is the server")
        assert person.stty() == person.stty_before


# Completion.


def summary(command: str) -> str:
    """Return so much of the summary of a command as the menu certainly shows."""
    return BY_NAME[command].summary[:40]


def test_the_menu_shows_commands_with_their_summaries(alice: Terminal) -> None:
    alice.type("/s")
    alice.wait_for(*(summary(command) for command in ("send", "scheduled", "status")))
    assert [re.findall(r"\w+", line)[0] for line in alice.lines[1:6]] == [
        "send",
        "scheduled",
        "sessions",
        "status",
        "schema",
    ]
    alice.type("ta")
    alice.wait_gone(summary("send"))
    alice.wait_for(summary("status"))


def test_the_menu_shows_options_with_their_help(alice: Terminal) -> None:
    alice.type("/send -")
    alice.wait_for(
        "-u/--username NAME  send a private message to this user", "-t/--time DURATION  send it later"
    )
    alice.type("t ")
    alice.wait_for("10 minutes")


def test_the_menu_shows_connected_users(alice: Terminal, bob: Client) -> None:
    alice.type("/send -u ")
    alice.wait_for(re.compile(r"^ bob$", re.MULTILINE))
    assert "alice" not in alice.lines[alice.screen.cursor.y + 1]
    alice.key("c-u")
    alice.type("hi @ob")
    alice.wait_for("@bob")
    alice.key("tab")
    alice.wait_until(lambda: alice.before_cursor == f"{PROMPT}hi @bob")


def test_the_menu_finds_letters_in_between_and_tab_takes_it(alice: Terminal) -> None:
    alice.type("/hsty")
    alice.wait_for(summary("history"))
    alice.key("tab")
    alice.wait_until(lambda: alice.before_cursor == f"{PROMPT}/history")


def test_tab_makes_a_name_of_a_word_and_nothing_of_others(alice: Terminal, bob: Client) -> None:
    alice.wait_for("bob joined")
    alice.type("bo")
    alice.key("tab")
    alice.wait_until(lambda: alice.before_cursor == f"{PROMPT}bob: ")
    alice.type("ask b")
    alice.key("tab")
    alice.wait_until(lambda: alice.before_cursor == f"{PROMPT}bob: ask bob ")
    alice.type("or xyz")
    alice.key("tab")
    alice.key("enter")
    alice.wait_for("alice ✓ bob: ask bob or xyz")
    assert heard(bob) == "bob: ask bob or xyz"


def test_enter_sends_the_line_as_typed_although_the_menu_is_open(alice: Terminal, bob: Client) -> None:
    alice.type("morning @bo")
    alice.wait_for("@bob")
    alice.key("enter")
    alice.wait_for("alice ✓ morning @bo\n")
    assert heard(bob) == "morning @bo"


# What comes in while you type.


def test_messages_come_above_the_input_and_leave_it_alone(alice: Terminal, bob: Client) -> None:
    alice.type("half a sentence")
    alice.key("left left")
    alice.wait_until(lambda: alice.before_cursor.endswith("half a senten"))
    for number in range(5):
        say(bob, f"number {number}")
    alice.wait_for(marks("number 4", f"{PROMPT}half a sentence"))
    assert [line[6:] for line in alice.lines if "number" in line] == [f"bob  number {n}" for n in range(5)]
    assert alice.before_cursor == f"{PROMPT}half a senten"
    alice.type("-")
    alice.key("enter")
    assert heard(bob) == "half a senten-ce"


def test_keys_are_keys_while_messages_come(alice: Terminal, bob: Client) -> None:
    """A terminal in cooked mode, be it for a moment, echoes keys and makes a signal of Ctrl-C."""
    del alice.raw[:]
    for number in range(300):
        say(bob, f"busy, {number}")
        alice.type("xy")
        alice.key("c-c")
        alice.read_for(0.002)
    alice.wait_for("busy, 299")
    alice.wait_until(lambda: alice.before_cursor == PROMPT)
    assert b"^C" not in alice.raw
    alice.type("fine")
    alice.wait_for(f"{PROMPT}fine")


def test_long_text_is_wrapped_with_a_hanging_indent(alice: Terminal, bob: Client) -> None:
    words = " ".join(f"word{number}" for number in range(30))
    say(bob, words)
    alice.wait_for("word29")
    row = alice.row("word0")
    said = alice.lines[row : alice.row("word29") + 1]
    assert re.match(r"\d\d:\d\d bob  word0 ", said[0])
    assert all(line.startswith(" " * 11 + "word") for line in said[1:])
    assert len(said) == 3
    assert " ".join(line[11:] for line in said) == words


def test_wide_characters_and_emoji_keep_the_layout(alice: Terminal, bob: Client) -> None:
    alice.type("日本語 🎉 x")
    alice.wait_until(lambda: alice.screen.cursor.x == len(PROMPT) + 11)
    say(bob, "語" * 40)
    alice.wait_for(marks("語語", "🎉 x"))
    row = alice.row("bob  語")
    assert alice.lines[row : row + 2] == [f"{alice.lines[row][:5]} bob  " + "語" * 34, " " * 11 + "語" * 6]
    assert alice.screen.cursor.x == len(PROMPT) + 11
    alice.key("enter")
    assert heard(bob) == "日本語 🎉 x"


def test_a_name_has_its_colour_each_time(alice: Terminal, bob: Client) -> None:
    say(bob, "first")
    alice.wait_for("bob  first")
    colour = alice.cell("bob  first").fg
    say(bob, "second")
    alice.wait_for("bob  second")
    assert alice.cell("bob  second").fg == colour != "default"


def test_private_messages_show_both_names(alice: Terminal, bob: Client) -> None:
    say(bob, "psst", username="alice")
    alice.wait_for("bob → alice  psst", "1 unread private")
    alice.enter("/send -u bob what is it?")
    alice.wait_for("alice → bob ✓ what is it?")
    alice.wait_gone("unread")
    assert heard(bob) == "to bob: what is it?"


def test_to_sends_lines_to_one_user(alice: Terminal, bob: Client) -> None:
    alice.enter("/to bob")
    alice.wait_for("alice → bob ▸ ")
    alice.enter("only you")
    alice.wait_for("alice → bob ✓ only you")
    assert heard(bob) == "to bob: only you"
    alice.enter("/to")
    alice.wait_for(PROMPT)
    alice.enter("/to nobody")
    alice.wait_for("there is no user 'nobody' here")
    alice.enter("/to")
    alice.wait_for(re.compile("no user 'nobody'.*goes to lobby", re.DOTALL))
    alice.enter("hello all")
    assert heard(bob) == "hello all", "the lobby was chosen again, so nothing is asked"


# The bell, and what must not ring.


def test_a_mention_rings_once_if_the_bell_is_on(alice: Terminal, bob: Client) -> None:
    del alice.raw[:]
    say(bob, "hey @alice look")
    alice.wait_for("hey @alice look")
    say(bob, "malice is no mention")
    alice.wait_for("malice")
    assert alice.raw.count(b"\a") == 1
    assert alice.cell("hey @alice").fg != alice.cell("malice").fg
    alice.enter("/set bell off")
    alice.wait_for("bell set to off")
    say(bob, "@alice again")
    say(bob, "and in private", username="alice")
    alice.wait_for("@alice again", "and in private")
    assert alice.raw.count(b"\a") == 1
    alice.enter("/set bell on")
    alice.wait_for("bell set to on")


HOSTILE = {
    "escape": "\x1b[2J\x1b[Hgone",
    "title": "\x1b]0;pwned\x07",
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "bell": "\x07\x07",
    "bidi": "\u202edrowssap\u2066",
    "return": "was\roverwritten",
    "c1": "\x9b2J\x9d0;pwned\x9c",
    "backspace": "no\x08\x08yes",
    "alternate": "\x1b[?1049h\x1bc",
}


def test_nothing_that_others_send_does_anything_to_the_terminal(alice: Terminal, bob: Client) -> None:
    alice.type("typed")
    alice.wait_for(f"{PROMPT}typed")
    del alice.raw[:]
    title, mode = alice.screen.title, set(alice.screen.mode)
    for name, text in HOSTILE.items():
        say(bob, f"{name}<{text}>{name}")
    alice.wait_for(marks("alternate", f"{PROMPT}typed"))
    raw = alice.raw.decode()
    for bad in (
        "\a",
        "\x1b]",
        "\x1b[2J",
        "\x1b[H",
        "\x1bc",
        "\u202e",
        "\u2066",
        "\x9b",
        "\x9d",
        "\x1b[?1049",
    ):
        assert bad not in raw, bad
    assert (alice.screen.title, set(alice.screen.mode)) == (title, mode)
    assert alice.before_cursor == f"{PROMPT}typed"
    alice.wait_for("escape<␛[2J␛[Hgone>escape", "bell<␇␇>bell", "bidi<<U+202E>drowssap<U+2066>>bidi")
    alice.wait_for("was", "overwritten>return", "no␈␈yes")


def test_a_hostile_line_that_is_asked_about_is_harmless_too(alice: Terminal) -> None:
    del alice.raw[:]
    alice.paste("send -u bob \x1b]0;pwned\x07")
    alice.wait_for("send")
    alice.key("enter")
    alice.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸")
    assert b"\x1b]0" not in alice.raw
    assert b"\a" not in alice.raw
    alice.key("escape")
    alice.wait_for(f"{PROMPT}send")


# Editing.


def test_a_paste_of_several_lines_is_one_message(alice: Terminal, bob: Client) -> None:
    alice.paste("def f():\n    return 1\nusers")
    alice.wait_for("  users")
    alice.key("enter")
    assert heard(bob) == "def f():\n    return 1\nusers"
    alice.wait_for(re.compile(r"alice ✓ def f\(\):\n {14,}    return 1\n {14,}users\n"))


def test_alt_enter_begins_a_new_line(alice: Terminal, bob: Client) -> None:
    alice.type("one")
    alice.key("escape enter")
    alice.type("two")
    alice.wait_until(lambda: alice.before_cursor == "  two")
    alice.key("enter")
    assert heard(bob) == "one\ntwo"


def test_ctrl_c_drops_the_line(alice: Terminal, bob: Client) -> None:
    alice.type("never mind")
    alice.wait_for("never mind")
    alice.key("c-c")
    alice.wait_until(lambda: alice.before_cursor == PROMPT)
    alice.enter("this one")
    assert heard(bob) == "this one"


def test_ctrl_l_leaves_only_the_input(alice: Terminal, bob: Client) -> None:
    say(bob, "old")
    alice.wait_for("old")
    alice.type("kept")
    alice.key("c-l")
    alice.wait_gone("old")
    alice.wait_until(lambda: alice.lines[0] == f"{PROMPT}kept")


def test_ctrl_x_ctrl_e_opens_the_editor(alice: Terminal, bob: Client) -> None:
    alice.type("the start")
    alice.key("c-x c-e")
    alice.wait_for("the start and the rest")
    alice.key("enter")
    assert heard(bob) == "the start and the rest"


# What a line means.


def test_a_line_that_begins_with_a_command_is_asked_about_in_one_key(alice: Terminal, bob: Client) -> None:
    line = "send -u bob secret"
    for key in ("escape", "c-c", "enter", "c-d"):
        alice.enter(line)
        alice.wait_for("command or text?", "[c: command, t: text, Esc: edit; C or T: always] ▸")
        alice.key(key)
        alice.wait_until(lambda: alice.before_cursor == PROMPT + line)
        alice.key("c-u")
    alice.enter(line)
    alice.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸")
    alice.type("c")
    alice.wait_for("alice → bob ✓ secret")
    assert heard(bob) == "to bob: secret"
    alice.enter("read the docs")
    alice.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸")
    alice.type("t")
    alice.wait_for("alice ✓ read the docs")
    assert heard(bob) == "read the docs"


def test_typing_on_answers_nothing(alice: Terminal, bob: Client) -> None:
    alice.enter("send -u bob secret")
    alice.wait_for("command or text?")
    alice.type("then something else")
    alice.wait_until(
        lambda: (
            alice.before_cursor == "[c: command, t: text, Esc: edit; C or T: always] ▸ then something else"
        )
    )
    alice.key("enter")
    alice.wait_for("“then something else” is no answer, and was not sent")
    alice.enter("no")
    alice.wait_until(lambda: alice.before_cursor == f"{PROMPT}send -u bob secret")
    assert "then something else" in alice.lines[alice.screen.cursor.y + 1]
    alice.key("c-c")
    alice.enter("hello")
    assert heard(bob) == "hello"


def test_a_kept_answer_lasts_over_sessions(own_server: ServerProcess, tmp_path: Path) -> None:
    connect = ("connect", f"127.0.0.1:{own_server.port}")
    with Terminal(*connect, folder=tmp_path) as person:
        person.wait_for("→ lobby ▸", " here")
        person.enter("read the docs")
        person.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸")
        person.type("T")
        person.wait_for("✓ read the docs", "/set read ask undoes it")
        person.key("c-d")
        assert person.exit_code() == 0
    with Terminal(*connect, folder=tmp_path) as person:
        person.wait_for("→ lobby ▸", " here")
        person.enter("read it again")
        person.wait_for("✓ read it again")
        person.enter("/set read ask")
        person.wait_for("are asked about again")
        person.enter("read on")
        person.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸")


def test_lines_of_before_the_connection_wait_for_the_answer(tmp_path: Path) -> None:
    with ServerProcess("--ephemeral") as server:
        server.signal(signal.SIGSTOP)
        with Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path) as person:
            person.wait_for(f"connecting to 127.0.0.1:{server.port}")
            for line in ("send one", "two", "three"):
                person.enter(line)
                person.wait_for(f"… {line}")
            server.signal(signal.SIGCONT)
            person.wait_for("[c: command, t: text, Esc: edit; C or T: always] ▸", "… two", "… three")
            person.type("c")
            person.wait_for(marks("✓ one", "✓ two"), "✓ three")


@pytest.mark.parametrize(
    ("line", "text"), [("//help me", "/help me"), (" users", "users"), ("{braces}", "{braces}")]
)
def test_text_that_looks_like_a_command_can_be_sent(
    alice: Terminal, bob: Client, line: str, text: str
) -> None:
    alice.enter(line)
    alice.wait_for(f"alice ✓ {text}")
    assert heard(bob) == text


def test_a_wrong_argument_gives_the_usage_and_how_to_say_it_as_text(alice: Terminal) -> None:
    alice.enter("/users all of them")
    alice.wait_for("✗ users does not take 'all'; to send it as text, start", f"/{BY_NAME['users'].usage}")
    alice.enter("/nope")
    alice.wait_for("there is no command /nope")


# The network.


def test_unacknowledged_messages_are_shown_as_waiting(
    server: ServerProcess, alice: Terminal, bob: Client
) -> None:
    server.signal(signal.SIGSTOP)
    try:
        alice.enter("slow")
        alice.wait_for(re.compile("^… slow$", re.MULTILINE))
        alice.type("meanwhile")
        alice.wait_for(f"{PROMPT}meanwhile")
    finally:
        server.signal(signal.SIGCONT)
    alice.wait_for("alice ✓ slow")
    alice.wait_gone("… slow")


def test_the_window_may_change_while_messages_come(alice: Terminal, bob: Client) -> None:
    alice.type("still here")
    for columns, rows in ((60, 20), (120, 40), (80, 24)):
        talking = threading.Thread(target=say_many, args=(bob, f"at {columns}", 30))
        talking.start()
        alice.resize(columns, rows)
        talking.join()
        alice.wait_for(marks(f"bob  at {columns}, 29", f"{PROMPT}still here"))
        alice.key("c-l")
        alice.wait_until(lambda: alice.lines[0] == f"{PROMPT}still here" and "here" in alice.lines[1])
        say(bob, "x" * (columns - 12))
        say(bob, "y" * (columns - 11))
        alice.wait_for("y" * (columns - 11))
        alice.wait_until(lambda: alice.lines[alice.screen.cursor.y].startswith(PROMPT))
        rows_with_text = [line[6:] for line in alice.lines if "bob  " in line]
        assert rows_with_text == [f"bob  {'x' * (columns - 12)}", f"bob  {'y' * (columns - 11)}"]


def test_back_on_the_same_data_after_a_kill(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with (
        ServerProcess("--data", data, *OPTIONS) as first,
        Terminal("connect", f"127.0.0.1:{first.port}", "--name", "alice", folder=tmp_path) as alice,
    ):
        alice.wait_for(PROMPT, "1 here")
        alice.enter("before")
        alice.wait_for("alice ✓ before")
        first.process.kill()
        alice.wait_for("Reconnecting …", re.compile(r"\[offline 0:0\d, (next try in \d+ s|trying)\]"))
        alice.wait_for(f"127.0.0.1:{first.port} unreachable")
        for number in range(1, 4):
            alice.enter(f"line {number}")
            alice.wait_for(f"… line {number}")
        alice.wait_for(re.compile(r"^… line 1\n… line 2\n… line 3\n\[offline", re.MULTILINE))
        alice.type("/he")
        alice.wait_for(summary("help"))
        alice.key("c-u")
        with ServerProcess("--data", data, *OPTIONS) as elsewhere, elsewhere.connect() as carol:
            say(carol, "while you were away")
        with ServerProcess("--data", data, *OPTIONS, port=first.port) as second, second.connect() as carol:
            alice.wait_for(re.compile(r"back as alice after 0:\d\d; 1 message was missed:"))
            alice.wait_for(marks("1 message was missed:", "while you were away"))
            alice.wait_for(marks("while you were away", "alice ✓ line 1"))
            alice.wait_for(PROMPT, "alice ✓ line 3")
            alice.wait_gone("… line")
            assert [line[6:] for line in alice.lines if "✓" in line] == [
                "alice ✓ before", *(f"alice ✓ line {number}" for number in range(1, 4))
            ]  # fmt: skip
            assert [heard(carol) for _ in range(3)] == ["line 1", "line 2", "line 3"]
            alice.key("c-d")
            assert alice.exit_code() == 0


# Leaving.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(server: ServerProcess, tmp_path: Path, number: int) -> None:
    with Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path) as person:
        person.wait_for("→ lobby ▸", " here")
        person.type("unfinished")
        person.wait_for("unfinished")
        assert person.stty() != person.stty_before
        assert BRACKETED_PASTE in person.screen.mode
        person.signal(number)
        assert person.exit_code() == 0
        assert person.stty() == person.stty_before
        assert not person.screen.cursor.hidden
        assert BRACKETED_PASTE not in person.screen.mode
        assert person.screen.cursor.x == 0
        assert "Traceback" not in person.text


def test_history_and_settings_last_over_sessions(own_server: ServerProcess, tmp_path: Path) -> None:
    connect = ("connect", f"127.0.0.1:{own_server.port}")
    with Terminal(*connect, folder=tmp_path) as person:
        person.wait_for("→ lobby ▸", " here")
        default = person.cell("tcpchat 0").fg
        for line, shown in (
            ("/set theme light", "theme set to light"),
            ("/set timestamps off", "timestamps set to off"),
            ("/set name dora", "name set to dora"),
            ("the needle", "✓ the needle"),
            ("some hay", "✓ some hay"),
        ):
            person.enter(line)
            person.wait_for(shown)
        assert person.cell("✓ some").fg != default
        person.key("c-c")
        person.wait_for("Ctrl-C again leaves")
        person.key("c-c")
        assert person.exit_code() == 0
    (history,) = tmp_path.rglob("history")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    with Terminal(*connect, folder=tmp_path) as person:
        person.wait_for("dora → lobby ▸ ", " here")
        assert person.cell("tcpchat 0").fg == "005faf" != default
        assert not re.search(r"^\d\d:\d\d ", person.text, re.MULTILINE)
        person.key("c-r")
        person.type("needl")
        person.wait_for("the needle")
        person.key("enter")
        person.wait_until(
            lambda: person.lines[person.screen.cursor.y].startswith("dora → lobby ▸ the needle")
        )
        person.key("enter")
        person.wait_for(re.compile(r"^dora ✓ the needle$", re.MULTILINE))
        person.type("some")
        person.wait_for("▸ some hay")
        person.key("c-e")
        person.wait_until(lambda: person.before_cursor.endswith("some hay"))
        person.key("c-u")
        person.enter("/set theme mono")
        person.wait_for("theme set to mono")
        person.wait_until(lambda: person.cell("theme set to mono").fg == "default")
        person.wait_until(lambda: " here" in person.text and person.cell(" here").reverse)
        person.key("c-d")
        assert person.exit_code() == 0


COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:[349][0-8]|10[0-7])[;m]")


def test_no_color_in_the_environment_means_no_colours_until_a_theme_is_set(
    server: ServerProcess, tmp_path: Path
) -> None:
    with Terminal(
        "connect", f"127.0.0.1:{server.port}", folder=tmp_path, environ={"NO_COLOR": "1"}
    ) as person:
        person.wait_for("→ lobby ▸", " here")
        person.enter("hi")
        person.wait_for("✓ hi")
        person.type("/")
        person.wait_for("/rename")  # the menu
        assert not COLOUR.search(person.raw)
        person.key("c-u")
        person.enter("/set theme dark")
        person.wait_for("theme set to dark")
        assert COLOUR.search(person.raw)


def test_a_dumb_terminal_gets_lines_without_escapes(server: ServerProcess, tmp_path: Path) -> None:
    with Terminal("connect", f"127.0.0.1:{server.port}", folder=tmp_path, environ={"TERM": "dumb"}) as person:
        person.wait_for("Just type")
        person.enter("hi")
        person.wait_for("✓ hi")
        person.key("c-d")
        assert person.exit_code() == 0
        assert b"\x1b" not in person.raw


def test_the_toolbar_counts_down_while_you_are_muted(server: ServerProcess, tmp_path: Path) -> None:
    with Terminal("connect", f"127.0.0.1:{server.port}", "--name", "mallory", folder=tmp_path) as person:
        person.wait_for("mallory → lobby ▸ ", " here")
        with server.connect() as reporter:
            reporter.send("report mallory too loud")
            reporter.next("reported")
        person.wait_for(re.compile(r"│ muted 1:(30|2\d)"), "you may read but not send")
        shown: set[str] = set()  # of which there may be none while it is drawn anew

        def counts_down() -> bool:
            shown.update(re.findall(r"muted (\d:\d\d)", person.text))
            return len(shown) > 1

        person.wait_until(counts_down)
        person.enter("but I")
        person.wait_for("works again in 1m")
        person.wait_gone("… but I")


def test_the_first_terminal_hosts_and_the_second_joins(tmp_path: Path) -> None:
    chat = ("--port", str(free_port()), "--data", str(tmp_path / "data"), "--presence-seconds", "0")
    with Terminal(*chat, "--name", "anna", folder=tmp_path / "a", columns=120) as host:
        host.wait_for(
            f"nobody answered on 127.0.0.1:{chat[1]}, so this is the server now; messages are stored in"
        )
        host.wait_for("anna → lobby ▸ ", "1 here")
        with Terminal(*chat, "--name", "ben", folder=tmp_path / "b", columns=120) as guest:
            guest.wait_for("ben → lobby ▸ ", "2 here")
            assert "this is the server" not in guest.text
            host.wait_for("2 here")
            guest.enter("hello host")
            host.wait_for("ben  hello host")
            host.key("c-d")
            host.wait_for(
                "1 other person is connected, and the chat stops when you leave. Leave anyway?", "[y or n] ▸"
            )
            host.enter("n")
            host.wait_for("anna → lobby ▸ ")
            host.enter("I stay")
            guest.wait_for("anna  I stay")
            host.key("c-d")
            host.wait_for("[y or n] ▸")
            host.enter("y")
            assert host.exit_code() == 0
            assert host.stty() == host.stty_before
            guest.wait_for("the server is stopping", "Reconnecting …", "[offline")


def test_a_host_alone_just_leaves(tmp_path: Path) -> None:
    chat, metrics = ("--port", str(free_port()), "--data", str(tmp_path / "data")), free_port()
    with Terminal(*chat, "--metrics", str(metrics), folder=tmp_path) as host:
        host.wait_for("guest-1 → lobby ▸ ", "1 here")
        with urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=20) as told:
            assert b"tcpchat_connections 1.0" in told.read()
        host.enter("for the record")
        host.wait_for("✓ for the record")
        host.key("c-d")
        assert host.exit_code() == 0
    with ServerProcess("--data", str(tmp_path / "data")) as server, server.connect() as client:
        client.send("history")
        assert [message["text"] for message in client.next("history")["messages"]] == ["for the record"]


def test_a_reader_of_a_dumb_terminal_gets_linear_text(server: ServerProcess, tmp_path: Path) -> None:
    with Terminal(
        "connect", f"127.0.0.1:{server.port}", "--plain", "--name", "sue", folder=tmp_path
    ) as person:
        person.wait_for("you are sue")
        person.enter("send -u nobody secret")
        person.wait_for("command or text?")
        person.enter("c")
        person.wait_for("✗ ")
        person.enter("exit")
        assert person.exit_code() in {0, 1}
        assert b"\x1b" not in person.raw


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_is_typed_when_the_window_is_closed_is_there_at_the_next_start(
    server: ServerProcess, tmp_path: Path, number: int
) -> None:
    arguments = ("connect", f"127.0.0.1:{server.port}")
    with Terminal(*arguments, folder=tmp_path) as person:
        person.wait_for("lobby ▸")
        person.type("half a thought")
        person.wait_for("▸ half a thought")
        person.signal(number)
        person.exit_code()
    with Terminal(*arguments, folder=tmp_path) as person:
        person.wait_for("lobby ▸ half a thought", "typed and not sent")
        person.key("enter")
        person.wait_for("✓ half a thought")
    with Terminal(*arguments, "--no-remember", folder=tmp_path) as person:
        person.wait_for("lobby ▸")
        person.type("nothing to keep")
        person.wait_for("▸ nothing to keep")
        person.signal(number)
        person.exit_code()
    assert not list(tmp_path.rglob("drafts/*/*"))
