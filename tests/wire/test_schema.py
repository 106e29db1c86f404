from __future__ import annotations

from typing import Any

import attrs
import orjson
from jsonschema import Draft202012Validator

from tcpchat.protocol import (
    COMMANDS,
    EVENTS,
    LOBBY,
    MAX_EXACT,
    MAX_ID,
    PROTOCOL_VERSION,
    REPLIES,
    Absent,
    Away,
    Back,
    Bye,
    Cancelled,
    CommandInfo,
    ConversationInfo,
    Conversations,
    Edited,
    Error,
    Event,
    FieldInfo,
    Help,
    History,
    Ignoring,
    InvitationInfo,
    Invitations,
    Invited,
    Joined,
    Left,
    Log,
    LoggedIn,
    LoggedOut,
    MemberChanged,
    MemberInfo,
    Members,
    Membership,
    Message,
    Muted,
    PasswordChanged,
    PendingMessage,
    Pong,
    Prompt,
    Read,
    Receipt,
    Receipts,
    Registered,
    Renamed,
    Reply,
    Reported,
    Request,
    Resumed,
    Revoked,
    RoomClosed,
    RoomDetails,
    RoomInfo,
    Rooms,
    Schedule,
    Scheduled,
    Schema,
    Sent,
    SessionInfo,
    Sessions,
    Status,
    TopicChanged,
    Unmuted,
    Unread,
    UnreadInfo,
    Unsent,
    UserInfo,
    Users,
    Welcome,
    Whois,
    encode,
    schema,
)
from tests.rows import rows

REQUESTS: list[type[Request]] = [command.request for command in COMMANDS]
SCHEMA = schema(REQUESTS, REPLIES, EVENTS)
AT = "2026-11-21T09:00:00.123Z"
MESSAGE = Message(room=LOBBY, seq=1, at=AT, sender="alice", text="hi")
EDITED = Edited(room="@c0ffee", to="bob", seq=2, at=AT, sender="alice", target=1, text="hi!", ignored=True)
MEMBER = MemberChanged(
    room="ops", seq=1, at=AT, sender="alice", username="bob", change="role", role="owner", reason="it"
)
TOPIC = TopicChanged(room="ops", seq=2, at=AT, sender="alice", text="it")
CLOSED = RoomClosed(room="ops", seq=3, at=AT, sender="alice")
# One of each, every field filled.
LINES: list[Reply | Event] = [
    Welcome(
        protocol=PROTOCOL_VERSION, server="tcpchat 1", user="guest-1", room=LOBBY, seq=812, journal="c0ffee",
        token="secret", hint="type help",
    ),
    MESSAGE,
    attrs.evolve(MESSAGE, room="@c0ffee", to="bob"),
    attrs.evolve(MESSAGE, text="", ignored=True),
    Joined(room=LOBBY, users=["alice", "bob"]),
    Left(room=LOBBY, users=[]),
    Muted(until=AT, reports=4, reason="spam", message="you may read"),
    Unmuted(message="you may send"),
    Unsent(number=1, text="tea!", code="muted", message="you are muted"),
    Resumed(re=1, user="alice", registered=True, session=1, seq=812),
    Sent(re=1, room=LOBBY, username="bob", seq=1, at=AT),
    Scheduled(re="a1", number=1, room=LOBBY, username="bob", at=AT),
    Schedule(
        re=1, messages=[PendingMessage(number=1, at=AT, room=LOBBY, username="bob", text="tea!")], more=False
    ),
    Cancelled(re=1, number=1, text="tea!"),
    Renamed(re=1, old="alice", new="al"),
    Users(
        re=1, users=[UserInfo(name="alice", since=AT, registered=True, away="tea", muted_until=AT)], more=True
    ),
    History(
        re=1, room="@c0ffee", username="bob", messages=[orjson.loads(encode(MESSAGE))],
        more=True, cursor=7,
    ),
    Log(
        re=1, room=LOBBY, first=1, more=False,
        events=[orjson.loads(encode(event)) for event in (MESSAGE, EDITED, MEMBER, TOPIC, CLOSED)],
    ),
    EDITED,
    MEMBER,
    TOPIC,
    CLOSED,
    Invited(room="ops", at=AT, sender="alice", topic="it"),
    RoomDetails(re=1, room="ops", topic="it", private=True, closed=AT, role="owner", seq=3),
    Rooms(re=1, rooms=[
        RoomInfo(
            room="ops", topic="it", private=True, closed=AT, members=2, role="owner", seq=3, read=1, unread=2
        )
    ], more=False),
    Membership(re=1, room="ops", username="bob", standing="invited"),
    Members(re=1, room="ops", members=[
        MemberInfo(name="bob", role="member", since=AT, here=True, away="tea")
    ], more=False),
    Invitations(re=1, invites=[InvitationInfo(room="ops", sender="alice", at=AT, topic="it")]),
    Reported(re=1, username="bob", reports=1, muted_until=AT),
    Status(
        re=1, server="tcpchat 1", uptime=1.5, users=1, connections=1, messages=1, messages_per_minute=1,
        scheduled=0, limits={"text_characters": 4000, "messages_per_second": 0.5},
    ),
    Help(re=1, commands=[CommandInfo(
        name="ping", usage="ping", summary="a sign of life", examples=["ping"],
        fields=[FieldInfo(name="id", required=False, plain="ID", help="comes back")],
    )]),
    Schema(re=1, schema=SCHEMA),
    Pong(re=1, at=AT),
    Bye(re=1, code="exit", message="bye"),
    LoggedIn(re=1, user="alice", session=2, token="secret", seq=812),
    LoggedOut(re=1, user="guest-2", token="secret"),
    Registered(re=1, user="alice"),
    PasswordChanged(re=1, revoked=2),
    Prompt(field="password", message="the next line is it"),
    Sessions(re=1, sessions=[
        SessionInfo(number=1, device="phone", address="::1", since=AT, used=AT, here=True, current=False)
    ]),
    Revoked(re=1, number=2),
    Read(re=1, username="bob", room="@c0ffee", seq=3),
    Unread(re=1, rooms=[
        UnreadInfo(room=LOBBY, count=2, mentioned=True, read=1, seq=3),
        UnreadInfo(username="bob", room="@c0ffee", count=2, mentioned=False, read=1, seq=3),
    ]),
    Conversations(re=1, conversations=[
        ConversationInfo(username="bob", room="@c0ffee", seq=3, read=1, delivered=2, seen=1)
    ], more=False),
    Receipt(username="bob", room="@c0ffee", delivered=2, seen=1),
    Receipts(re=1, on=False),
    Away(re=1, text="tea", since=AT),
    Back(re=1),
    Absent(username="bob", here=True, text="tea", since=AT),
    Whois(
        re=1, name="bob", registered=True, here=False, since=AT, seen=AT, away="tea", away_since=AT,
        muted_until=AT,
    ),
    Ignoring(re=1, users=["bob"]),
    Error(
        re=1, code="muted", message="why", retry_after=0.5, limit=4, field="text", name="bob", until=AT,
        reason="spam", usage="ping", suggestion="send", text="hi", reference="c0ffee",
    ),
]  # fmt: skip
# What asks for it and what answers it have one name, and may have the same fields.
AMBIGUOUS = {"back", "read", "receipts"}
EXAMPLES = [example for command in COMMANDS for example in command.examples if example.startswith("{")]


def entries(part: str) -> dict[str, Any]:
    """Return a validator for each type of line, in place of one that tries all types of line with each."""
    names = [entry["$ref"].removeprefix("#/$defs/") for entry in SCHEMA["$defs"][part]["oneOf"]]
    kinds = [SCHEMA["$defs"][name] for name in names]
    return {kind["properties"]["type"]["const"]: Draft202012Validator(kind) for kind in kinds}


REQUEST_OF, LINE_OF = entries("request"), entries("line")
WHOLE = Draft202012Validator(SCHEMA)


def fits(of_type: dict[str, Any], line: dict[str, Any]) -> bool:
    return line.get("type") in of_type and bool(of_type[line["type"]].is_valid(line))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]


def test_every_class_has_one_entry() -> None:
    kinds = {*REQUESTS, *REPLIES, *EVENTS}
    assert len(SCHEMA["$defs"]) == len({"request", "line"}) + len(kinds)
    assert len(SCHEMA["$defs"]["request"]["oneOf"]) == len(REQUESTS)


def test_the_lines_of_this_test_are_of_every_class() -> None:
    assert {type(line) for line in LINES} == {*REPLIES, *EVENTS}


@rows("command", COMMANDS)
def test_every_command_has_an_example_in_json(command: Any) -> None:
    assert any(example.startswith("{") for example in command.examples)


def test_a_line_is_described_by_the_entry_of_its_type_and_no_other() -> None:
    for part, of_type in (("request", REQUEST_OF), ("line", LINE_OF)):
        assert len(of_type) == len(SCHEMA["$defs"][part]["oneOf"]), "the types differ"
        assert SCHEMA["$defs"][part].keys() == {"oneOf"}
        assert all("type" in entry.schema["required"] for entry in of_type.values())
        assert "$ref" not in repr([entry.schema for entry in of_type.values()])
    assert SCHEMA["anyOf"] == [{"$ref": "#/$defs/request"}, {"$ref": "#/$defs/line"}]


@rows("line", [{"type": "ping"}, {"type": "pong", "at": AT}, {"type": "fly"}, {"type": "ping", "at": AT}, {}])
def test_the_whole_schema_says_the_same_as_its_entries(line: dict[str, Any]) -> None:
    assert WHOLE.is_valid(line) == (fits(REQUEST_OF, line) or fits(LINE_OF, line))


@rows("example", EXAMPLES)
def test_every_example_is_a_request(example: str) -> None:
    line = orjson.loads(example)
    of_type = REQUEST_OF[line["type"]]
    of_type.validate(line)
    of_type.validate(line | {"id": "a1"})
    assert not fits(LINE_OF, line) or line["type"] in AMBIGUOUS


@rows("example", EXAMPLES)
def test_a_request_with_an_unknown_field_is_none(example: str) -> None:
    assert not fits(REQUEST_OF, orjson.loads(example) | {"colour": "red"})


@rows("line", LINES)
def test_every_line_of_the_server_is_described(line: Reply | Event) -> None:
    written = orjson.loads(encode(line))
    LINE_OF[line.type].validate(written)
    assert not fits(REQUEST_OF, written) or line.type in AMBIGUOUS


@rows("line", LINES)
def test_optional_fields_may_be_absent_and_all_others_may_not(line: Reply | Event) -> None:
    written = orjson.loads(encode(line))
    fields = {field.metadata.get("wire", field.name): field for field in attrs.fields(type(line))}
    needed = {name for name, field in fields.items() if field.default is attrs.NOTHING} | {"type"}
    own = LINE_OF[line.type]
    own.validate({name: value for name, value in written.items() if name in needed})
    for name in needed:
        assert not own.is_valid({other: value for other, value in written.items() if other != name})


@rows("line", LINES)
def test_a_server_may_say_more_to_a_newer_client(line: Reply | Event) -> None:
    LINE_OF[line.type].validate(orjson.loads(encode(line)) | {"colour": "red"})


@rows(
    "line",
    [
        {},
        {"type": "fly"},
        {"type": "send"},
        {"type": "send", "text": 5},
        {"type": "send", "text": "hi", "time": "10m"},
        {"type": "send", "text": "hi", "time": True},
        {"type": "cancel", "number": "1"},
        {"type": "cancel", "number": 1.5},
        {"type": "cancel", "number": MAX_EXACT + 1},
        {"type": "ping", "id": 1.5},
        {"type": "ping", "id": True},
        {"type": "ping", "id": "x" * (MAX_ID + 1)},
        {"type": "ping", "id": MAX_EXACT + 1},
    ],
)
def test_what_the_codec_refuses_is_no_request(line: dict[str, Any]) -> None:
    assert not fits(REQUEST_OF, line)


@rows("id", [0, -MAX_EXACT, MAX_EXACT, "", "x" * MAX_ID])
def test_an_id_is_a_whole_number_or_a_short_string(id: int | str) -> None:
    REQUEST_OF["ping"].validate({"type": "ping", "id": id})


@rows("name", [name for name in SCHEMA["$defs"] if name not in {"request", "line"}])
def test_every_entry_tells_what_it_is_for(name: str) -> None:
    assert SCHEMA["$defs"][name]["description"].endswith((".", ":"))


@rows("command", COMMANDS)
def test_every_field_of_a_request_tells_what_it_is_for(command: Any) -> None:
    properties = SCHEMA["$defs"][f"{command.name}-request"]["properties"]
    assert all(properties[name].get("description") for name in properties if name != "type")
