"""The durable part of a state as plain values: what two nodes, or a server and its restart, agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tcpchat.chat.apply import apply
from tcpchat.chat.room import RECENT
from tcpchat.chat.sent_keys import KEYS_REMEMBERED
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.store import Store
from tcpchat.store.changes import Change
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import find_user
from tcpchat.store.rows import Snapshot

EVENTS = 400  # of the lobby; each state has at least as many in memory


def durable(state: ServerState, *, like: ServerState | None = None) -> dict[str, Any]:
    """Return what is on disk and in memory: rooms, users, what is scheduled and held against somebody.

    Of the users those who are in the memory of `like`, and of the keys of sends those that it did not leave
    to the disk. Numbers of scheduled messages that were rejected are not on disk, and left out.
    """
    like = like or state
    chosen = {user.id: state.users.get(user.id) for user in like.directory.users() if user.has_row}
    unloaded = {user.id for user in like.directory.users() if user.sent.on_disk}
    lobby = state.rooms.lobby
    return {
        "lobby": [lobby.find(seq) for seq in range(max(1, lobby.seq - EVENTS), lobby.seq + 1)],
        "rooms": {
            room.name: (room.seq, room.topic, room.private, room.closed, room.owners)
            for room in state.rooms.named
        },
        "users": {
            id: None if user is None else _user(user, state.keys_since(), sent=id not in unloaded)
            for id, user in chosen.items()
        },
        "registered": {id: name for id in chosen if (name := _registered_name(state, id))},
        "scheduled": {pending.id: pending for pending in state.schedule},
        "conduct": {id: (dict(one.reporters), one.mute) for id, one in state.moderation},
        "bans": sorted(state.bans.all(0)),
    }


def _user(user: User, keys_since: int, *, sent: bool) -> dict[str, Any]:
    return {
        "name": (user.name, user.key),
        "registered": user.registered,
        "left": user.left,
        "away": user.away and tuple(user.away),
        "receipts": user.receipts,
        "ignored": user.ignored,
        "sessions": sorted(
            (one.hash, one.number, one.name, one.address, one.since, one.used) for one in user.sessions
        ),
        "members": {
            room: (member.room.seq, member.read, member.delivered, member.role, member.since)
            for room, member in user.members.items()
        },
        "standings": dict(user.standings),
        "sent": sorted(key for key in user.sent if key.at >= keys_since) if sent else None,
    }


def _registered_name(state: ServerState, id: str) -> tuple[str, str] | None:
    row = state.directory.stored(id)
    return None if row is None or row.registered is None else (row.name, row.key)


def replay(state: ServerState, changes: Sequence[Change]) -> ServerState:
    """Return a fresh state that was given all changes that were ever written."""
    empty = Snapshot(
        journal=state.journal, lobby_seq=0, messages=0, recent=[], scheduled=[], reports=[], mutes=[],
        names={}, registered=[], absent=[], guests=0, scheduled_id=0,
    )  # fmt: skip
    follower = ServerState(state.settings, empty, state.clock, str, str)
    for change in changes:
        apply(follower, change)
    return follower


def restart(state: ServerState, store: Store) -> ServerState:
    """Return a state as a server has that starts from disk, with the same users in memory."""
    snapshot = store.ask(load_snapshot, RECENT, 0)
    restarted = ServerState(state.settings, snapshot, state.clock, str, str)
    for user in [user for user in state.directory.users() if user.has_row]:
        found = store.ask(find_user, user.id, KEYS_REMEMBERED)
        if found is not None:
            loaded = restarted.users.load(found)
            loaded.sent.load(found.keys)
            loaded.sent.on_disk = user.sent.on_disk
    return restarted


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return what differs, as text."""
    found = []
    for part, value in one.items():
        if isinstance(value, dict):
            for key in value.keys() | other[part].keys():
                pair = value.get(key), other[part].get(key)
                if pair[0] != pair[1]:
                    found.append(f"{part} {key}: {pair[0]} and {pair[1]}")
        elif value != other[part]:
            found.append(f"{part}: {value} and {other[part]}")
    return sorted(found)
