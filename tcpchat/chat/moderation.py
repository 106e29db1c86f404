"""Reports and mutes. They belong to a user, and stay with the name when a guest is gone.

A guest has nothing but a name to be known by after a restart. So a name brings along what was reported of
its last holder, and who reported under a name cannot report again under it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Muted, Reported, encode
from tcpchat.store import Change, NewReport, SetMute, Snapshot
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
        self._asked: set[tuple[str, str]] = set()  # reports on their way to disk, by whom of whom

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

    def report(self, reporter: User, target: User, reason: str | None) -> ReportEntry:
        """Make a report. Raises ChatError `report-self` or `already-reported`."""
        if reporter is target:
            raise ChatError("report-self", "you cannot report yourself", name=target.name)
        known = self._conduct.get(target.id)
        asked = (reporter.id, target.id) in self._asked
        if asked or (known and (reporter.id in known.reporters or reporter.key in known.reporters.values())):
            raise ChatError("already-reported", f"you have reported {target.name} before", name=target.name)
        self._asked.add((reporter.id, target.id))
        return ReportEntry(self, reporter, target, reason)

    def count(self, report: ReportEntry, now: int) -> bool:
        """Count a report that is about to be kept; return whether it mutes."""
        conduct = self._of(report.target.id)
        report.before = (conduct.muted_until, conduct.reason)
        conduct.reporters[report.reporter.id] = report.reporter.key
        mutes = bool(self._reports and self._mute) and len(conduct.reporters) >= self._reports
        if mutes:
            conduct.muted_until, conduct.reason = now + self._mute, report.reason
        return mutes

    def discount(self, report: ReportEntry) -> None:
        """Take back what `count` did."""
        conduct = self._conduct[report.target.id]
        del conduct.reporters[report.reporter.id]
        conduct.muted_until, conduct.reason = report.before
        if not (conduct.reporters or conduct.muted_until):
            del self._conduct[report.target.id]

    def finish(self, report: ReportEntry, *, kept: bool) -> Conduct:
        """Let the same report be asked for again; if it was kept it goes with the target's name."""
        self._asked.discard((report.reporter.id, report.target.id))
        if kept:
            self._names[report.target.key] = report.target.id
        return self._conduct.get(report.target.id) or Conduct()

    def inherited(self, user: User, key: str) -> str | None:
        """Return the id of the user before, if what is held against it comes along with this name."""
        last = self._names.get(key)
        return last if last is not None and last != user.id else None

    def move(self, user: User, key: str, last: str | None) -> None:
        """Make what is held against the user, and against the name's last holder, go with the name."""
        if last is not None:
            conduct = self._of(user.id)
            conduct.take_over(self._conduct[last])
            self._conduct[last] = conduct  # messages of the holder before may still come due
        if user.id in self._conduct:
            self._names.pop(user.key, None)
            self._names[key] = user.id


def _reported_by(conduct: Conduct) -> str:
    reason = f" (the last one wrote: {conduct.reason})" if conduct.reason else ""
    users = "1 user" if len(conduct.reporters) == 1 else f"{len(conduct.reporters)} users"
    return f"{users} reported you{reason}"


@attrs.define(eq=False)
class ReportEntry(Entry):
    """A report, and the mute that it may bring."""

    moderation: Moderation
    reporter: User
    target: User
    reason: str | None
    before: tuple[int, str | None] = (0, None)
    """Until when and why the target was muted before."""
    _muted_until: int | None = None

    def prepare(self, at: int) -> Sequence[Change]:
        target, reporter = self.target, self.reporter
        changes = [*self.keep(target, at), *self.keep(reporter, at)]
        changes.append(NewReport(target.id, reporter.id, reporter.key, self.reason, at))
        if self.moderation.count(self, at):
            self._muted_until = self.moderation.muted_until(target.id, at)
            assert self._muted_until is not None
            changes.append(SetMute(target.id, self._muted_until, self.reason))
        return changes

    def settle(self, delivery: Delivery) -> None:
        conduct = self.moderation.finish(self, kept=True)
        count = len(conduct.reporters)
        until = None if self._muted_until is None else timestamp(self._muted_until)
        if until is not None:
            message = f"{_reported_by(conduct)}: you may read but not send until {until}"
            muted = Muted(until=until, reports=count, reason=self.reason, message=message)
            delivery.surely_to(self.target, encode(muted))
        self.reply = Reported(username=self.target.name, reports=count, muted_until=until)

    def undo(self) -> None:
        super().undo()
        self.moderation.discount(self)
        self._muted_until = None

    def drop(self) -> None:
        self.moderation.finish(self, kept=False)
