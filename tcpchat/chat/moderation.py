"""Reports and mutes. They belong to a user, and stay with the name when a guest is gone.

A guest has nothing but a name to be known by after a restart. So a name brings along what was reported of
its last holder, and who reported under a name cannot report again under it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.entry import Delivery, Entry, keep
from tcpchat.chat.hub import Hub
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Muted, Renamed, Reported, encode
from tcpchat.store import Change, MoveConduct, NewReport, SetMute, SetName, Snapshot
from tcpchat.times import MILLISECONDS, timestamp


@attrs.define(eq=False)
class Conduct:
    """What is held against one user: who reported (id → name key), and until when muted (ms)."""

    reporters: dict[str, str] = attrs.field(factory=dict)
    muted_until: int = 0
    reason: str | None = None

    def take_over(self, other: Conduct) -> None:
        """Add what is held against another."""
        self.reporters = other.reporters | self.reporters
        if other.muted_until > self.muted_until:
            self.muted_until, self.reason = other.muted_until, other.reason


class Moderation:
    """Who was reported by whom, and who may not send.

    The `reports`-th distinct reporter (0: none) mutes for `seconds`, and so does each one after that.
    """

    def __init__(self, *, reports: int, seconds: float) -> None:
        self._reports = reports
        self._mute = int(seconds * MILLISECONDS)
        self._conduct: dict[str, Conduct] = {}
        self._names: dict[str, str] = {}

    def fill(self, snapshot: Snapshot) -> None:
        """Take what is on disk, when the server starts."""
        for report in snapshot.reports:
            self._of(report.target).reporters[report.reporter] = report.reporter_key
        for mute in snapshot.mutes:
            conduct = self._of(mute.user)
            conduct.muted_until, conduct.reason = mute.until, mute.reason
        self._names.update(snapshot.names)

    def _of(self, user: str) -> Conduct:
        return self._conduct.setdefault(user, Conduct())

    def muted_until(self, user: str, now: int) -> int | None:
        """Return until when the user of this id is muted, in ms since 1970, or None."""
        conduct = self._conduct.get(user)
        return conduct.muted_until if conduct is not None and conduct.muted_until > now else None

    def check(self, user: str, now: int) -> None:
        """Raise ChatError `muted` if the user of this id may not send."""
        conduct = self._conduct.get(user)
        if conduct is None or conduct.muted_until <= now:
            return
        until = conduct.muted_until
        message = f"{_reported_by(conduct)}: you may read but not send until {timestamp(until)}"
        wait = (until - now) / MILLISECONDS
        raise ChatError(
            "muted",
            message,
            retry_after=wait,
            until=timestamp(until),
            limit=self._reports,
            reason=conduct.reason,
        )

    def report(self, reporter: User, target: User, reason: str | None, now: int) -> Report:
        """Count a report. Raises ChatError `report-self` or `already-reported`."""
        if reporter is target:
            raise ChatError("report-self", "you cannot report yourself", name=target.name)
        known = self._conduct.get(target.id)
        if known and (reporter.id in known.reporters or reporter.key in known.reporters.values()):
            raise ChatError("already-reported", f"you have reported {target.name} before", name=target.name)
        conduct = self._of(target.id)
        before = (conduct.muted_until, conduct.reason)
        conduct.reporters[reporter.id] = reporter.key
        mutes = bool(self._reports and self._mute) and len(conduct.reporters) >= self._reports
        if mutes:
            conduct.muted_until, conduct.reason = now + self._mute, reason
        self._names[target.key] = target.id
        return Report(conduct, reporter, target, reason, mutes, before)

    def inherited(self, user: User, key: str) -> str | None:
        """Return the id of the user before, if what is held against it comes along with this name."""
        last = self._names.get(key)
        return last if last is not None and last != user.id else None

    def move(self, user: User, key: str, last: str | None) -> None:
        """Make what is held against the user, and against the name's last holder, go with the name."""
        if last is not None:
            self._of(user.id).take_over(self._conduct.pop(last))
        if user.id in self._conduct:
            self._names.pop(user.key, None)
            self._names[key] = user.id


def _reported_by(conduct: Conduct) -> str:
    reason = f" (the last one wrote: {conduct.reason})" if conduct.reason else ""
    users = "1 user" if len(conduct.reporters) == 1 else f"{len(conduct.reporters)} users"
    return f"{users} reported you{reason}"


@attrs.define(eq=False)
class Report(Entry):
    """A report that already counts in memory, so that two at the same time count as two."""

    conduct: Conduct
    reporter: User
    target: User
    reason: str | None
    mutes: bool
    before: tuple[int, str | None]

    def prepare(self, at: int) -> Sequence[Change]:
        target, reporter = self.target, self.reporter
        # The target's name is what finds this after a restart, so it must be the one of now.
        changes = keep(target, at)
        if not reporter.kept:
            changes += keep(reporter, at)
        changes.append(NewReport(target.id, reporter.id, reporter.key, self.reason, at))
        if self.mutes:
            changes.append(SetMute(target.id, self.conduct.muted_until, self.reason))
        return changes

    def settle(self, delivery: Delivery) -> None:
        self.reporter.kept = self.target.kept = True
        count = len(self.conduct.reporters)
        until = timestamp(self.conduct.muted_until) if self.mutes else None
        if until is not None:
            message = f"{_reported_by(self.conduct)}: you may read but not send until {until}"
            muted = Muted(until=until, reports=count, reason=self.reason, message=message)
            delivery.to(self.target, encode(muted))
        self.reply = Reported(username=self.target.name, reports=count, muted_until=until)

    def undo(self) -> None:
        del self.conduct.reporters[self.reporter.id]
        if self.mutes:
            self.conduct.muted_until, self.conduct.reason = self.before


@attrs.define(eq=False)
class Rename(Entry):
    """A rename that something on disk must follow; the claimed name is held until it is there."""

    hub: Hub
    moderation: Moderation
    user: User
    name: str
    key: str
    last: str | None
    """Of whom the name brings the conduct along."""

    def prepare(self, at: int) -> Sequence[Change]:
        changes: list[Change] = [] if self.user.kept else keep(self.user, at)
        changes.append(SetName(self.user.id, self.key, self.name))
        if self.last is not None:
            changes.append(MoveConduct(self.last, self.user.id))
        return changes

    def settle(self, delivery: Delivery) -> None:
        self.user.kept = True
        self.moderation.move(self.user, self.key, self.last)
        old = self.user.name
        self.hub.rename(self.user, self.name, self.key)
        self.reply = Renamed(old=old, new=self.name)

    def undo(self) -> None:
        self.hub.release(self.user, self.key)
