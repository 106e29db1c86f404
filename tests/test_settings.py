"""Settings as values: differences, and which of them a reload applies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from tcpchat.settings import Limits, Listening, Rules, Settings, compare, is_live, with_changes
from tests.running import Peer, RunningServer

Story = Callable[[RunningServer, Peer], Awaitable[None]]

GROUPS = {group.name: attrs.fields(type(getattr(Settings(), group.name))) for group in attrs.fields(Settings)}
LIVE = {field.name: group for group, fields in GROUPS.items() for field in fields if is_live(field)}


def test_differences_are_live_or_need_a_restart() -> None:
    before = Settings()
    after = Settings(
        listening=Listening(port=9), limits=Limits(connections=7), rules=Rules(require_login=True)
    )
    live, fixed = compare(before, after)
    assert list(map(str, live)) == ["connections: 10000 -> 7", "require_login: false -> true"]
    assert list(map(str, fixed)) == ["port: 8000 -> 9"]
    assert with_changes(before, live) == attrs.evolve(after, listening=Listening())


def test_listeners_storage_and_formats_cannot_change_live() -> None:
    fixed = {field.name for fields in GROUPS.values() for field in fields} - LIVE.keys()
    assert fixed >= {"host", "port", "data", "ephemeral", "synchronous", "log_format"}
    assert not fixed & {field.name for kind in (Limits, Rules) for field in attrs.fields(kind)}
