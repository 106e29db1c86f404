"""The line with which a connection is closed, for each reason."""

from __future__ import annotations

import orjson
import pytest

from tcpchat.chat.operations.sessions import ENDED, REVOKED
from tcpchat.serving.close_reasons import BANNED, STOPPING, close_line
from tcpchat.store.changes import SetBan
from tests.running import RunningServer

FAR = 2**52


@pytest.mark.parametrize(
    ("reason", "code"),
    [(STOPPING, "server-stopping"), ("replaced", "replaced"), (REVOKED, "revoked"), (ENDED, "revoked")],
)
async def test_a_reason_without_details_has_its_line(running: RunningServer, reason: str, code: str) -> None:
    line = orjson.loads(close_line(reason, running.state, running.state.users.anonymous(), "192.0.2.1"))
    assert (line["type"], line["code"]) == ("bye", code)
    assert line["message"]


@pytest.mark.parametrize("reason", ["closed", "broken", "exit", "http"])
async def test_a_peer_that_closed_or_caused_the_end_gets_no_line(running: RunningServer, reason: str) -> None:
    assert close_line(reason, running.state, running.state.users.anonymous(), "192.0.2.1") == b""


async def test_a_ban_says_why_and_until_when(running: RunningServer) -> None:
    user = running.state.users.anonymous()
    running.state.bans.put(SetBan("address", "192.0.2.0/24", FAR, "spam"))
    line = orjson.loads(close_line(BANNED, running.state, user, "192.0.2.1"))
    assert line["code"] == "banned"
    assert "(spam) until " in line["message"]


async def test_a_ban_that_was_lifted_meanwhile_still_has_a_line(running: RunningServer) -> None:
    line = orjson.loads(close_line(BANNED, running.state, running.state.users.anonymous(), "192.0.2.1"))
    assert line["message"] == "the operator banned you"
