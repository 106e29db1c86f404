"""Reports and mutes. They belong to a user, and stay with the name when a guest is gone.

A guest has nothing but a name to be known by after a restart. So a name brings along what was reported of
its last holder, and who reported under a name cannot report again under it.

One person can be many guests. So reports from one address count once, unless it is this machine's own, which
does not tell people apart, or the reporter has been registered for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import attrs

from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.origin import network, tells
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Muted, Reported, encode
from tcpchat.store.changes import Change, NewReport, SetMute
from tcpchat.store.rows import Snapshot
from tcpchat.times import FOREVER, MILLISECONDS, timestamp

KNOWN = 24 * 60 * 60 * MILLISECONDS  # ms since somebody registered, after which reports count on their own


class Reporter(NamedTuple):
    """Under which name key somebody reported, and the source of which one report counts; "": its own."""

    key: str
    source: str


class Mute(NamedTuple):
    """Until when somebody may not send (ms since 1970), why, and whether the operator decided so."""

    until: int
    reason: str | None
    by_operator: bool


NOT_MUTED = Mute(0, None, by_operator=False)


@attrs.define(eq=False)
class Conduct:
    """What is held against one user: who reported, by id, and the mute."""

    reporters: dict[str, Reporter] = attrs.field(factory=dict)
    mute: Mute = NOT_MUTED

    @property
    def reports(self) -> int:
        """Return how many reports count."""
        return len({reporter.source or id for id, reporter in self.reporters.items()})

    def take_over(self, other: Conduct) -> None:
        """Add what is held against another."""
        self.reporters = other.reporters | self.reporters
        if other.mute.until > self.mute.until:
            self.mute = other.mute


class Moderation:
    """Who was reported by whom, and who may not send.

    The `reports`-th distinct reporter (0: none) mutes for `seconds`, and so does each one after that.
    """

    def __init__(self, *, reports: int, seconds: float) -> None:
        self.mute_after(reports, seconds)
        self._conduct: dict[str, Conduct] = {}
        self._names: dict[str, str] = {}
        self._asked: set[tuple[str, str]] = set()  # reports on their way to disk, by whom of whom

    def mute_after(self, reports: int, seconds: float) -> None:
        """Let so many reports mute for so long from now on; mutes that there are end as was said."""
        self._reports = reports
        self._mute = int(seconds * MILLISECONDS)

    def fill(self, snapshot: Snapshot) -> None:
        """Take what is on disk, when the server starts."""
        for report in snapshot.reports:
            reporter = Reporter(report.reporter_key, report.source or "")
            self._of(report.target).reporters[report.reporter] = reporter
        for mute in snapshot.mutes:
            self._of(mute.user).mute = Mute(mute.until, mute.reason, bool(mute.operator))
        self._names.update(snapshot.names)

    def _of(self, user: str) -> Conduct:
        return self._conduct.setdefault(user, Conduct())

    def muted_until(self, user: str, now: int) -> int | None:
        """Return until when the user of this id is muted, in ms since 1970, or None."""
        conduct = self._conduct.get(user)
        return conduct.mute.until if conduct is not None and conduct.mute.until > now else None

    def check(self, user: str, now: int) -> None:
        """Raise ChatError `muted` if the user of this id may not send."""
        conduct = self._conduct.get(user)
        if conduct is None or conduct.mute.until <= now:
            return
        until = conduct.mute.until
        for_good = until == FOREVER
        raise ChatError(
            "muted",
            told(conduct),
            retry_after=None if for_good else (until - now) / MILLISECONDS,
            until=None if for_good else timestamp(until),
            limit=None if conduct.mute.by_operator else self._reports,
            reason=conduct.mute.reason,
        )

    def report(self, reporter: User, source: str, target: User, reason: str | None) -> ReportEntry:
        """Make a report; of one `source` (see `source`) one counts.

        Raises ChatError `report-self` or `already-reported`.
        """
        if reporter is target:
            raise ChatError("report-self", "you cannot report yourself", name=target.name)
        known = self._conduct.get(target.id)
        asked = (reporter.id, target.id) in self._asked
        if asked or (known and _has_reported(reporter, known)):
            raise ChatError("already-reported", f"you have reported {target.name} before", name=target.name)
        self._asked.add((reporter.id, target.id))
        return ReportEntry(self, reporter, source, target, reason)

    def count(self, report: ReportEntry, now: int) -> bool:
        """Count a report that is about to be kept; return whether it mutes."""
        conduct = self._of(report.target.id)
        report.before, reports = conduct.mute, conduct.reports
        conduct.reporters[report.reporter.id] = Reporter(report.reporter.key, report.source)
        mutes = bool(self._reports and self._mute) and reports < conduct.reports >= self._reports
        if mutes and now + self._mute < conduct.mute.until and conduct.mute.by_operator:
            return False  # which would end sooner than what the operator decided
        if mutes:
            conduct.mute = Mute(now + self._mute, report.reason, by_operator=False)
        return mutes

    def discount(self, report: ReportEntry) -> None:
        """Take back what `count` did."""
        conduct = self._conduct[report.target.id]
        del conduct.reporters[report.reporter.id]
        self.set_mute(report.target.id, report.before)

    def finish(self, report: ReportEntry, *, kept: bool) -> Conduct:
        """Let the same report be asked for again; if it was kept it goes with the target's name."""
        self._asked.discard((report.reporter.id, report.target.id))
        if kept:
            self.goes_with_name(report.target)
        return self.of(report.target.id)

    def of(self, user: str) -> Conduct:
        """Return what is held against the user of this id."""
        return self._conduct.get(user) or Conduct()

    def set_mute(self, user: str, mute: Mute) -> Mute:
        """Let this be the mute of the user of this id; return the one before."""
        conduct = self._of(user)
        before, conduct.mute = conduct.mute, mute
        if not (conduct.reporters or mute.until):
            del self._conduct[user]
        return before

    def goes_with_name(self, user: User) -> None:
        """Note that what is held against the user is on disk, and goes with the name."""
        self._names[user.key] = user.id

    def forget(self, user: User) -> None:
        """Know nothing of the user any more; what the user reported still counts, under no name."""
        self._conduct.pop(user.id, None)
        if self._names.get(user.key) == user.id:
            del self._names[user.key]
        for conduct in self._conduct.values():
            if user.id in conduct.reporters:
                conduct.reporters[user.id] = Reporter("", "")

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


def source(user: User, address: str, now: int) -> str:
    """Return as what reports of a user from that address count, all as one; "": each on its own."""
    known = user.registered is not None and user.registered + KNOWN <= now
    return "" if known or not tells(address) else network(address)


def _has_reported(reporter: User, conduct: Conduct) -> bool:
    keys = (known.key for known in conduct.reporters.values())
    return reporter.id in conduct.reporters or reporter.key in keys


def told(conduct: Conduct) -> str:
    """Return the sentence that tells a muted user of it."""
    mute, reporters = conduct.mute, conduct.reports
    if mute.by_operator:
        why = "the operator muted you" + (f" ({mute.reason})" if mute.reason else "")
    else:
        reason = f" (the last one wrote: {mute.reason})" if mute.reason else ""
        why = f"{reporters} user{'' if reporters == 1 else 's'} reported you{reason}"
    until = "" if mute.until == FOREVER else f" until {timestamp(mute.until)}"
    return f"{why}: you may read but not send{until}"


def muted(conduct: Conduct) -> Muted:
    """Return the event that tells a muted user of it."""
    mute, message = conduct.mute, told(conduct)
    return Muted(until=timestamp(mute.until), reports=conduct.reports, reason=mute.reason, message=message)


@attrs.define(eq=False)
class ReportEntry(Entry):
    """A report, and the mute that it may bring."""

    moderation: Moderation
    reporter: User
    source: str
    target: User
    reason: str | None
    before: Mute = NOT_MUTED
    """The target's mute before."""
    _muted_until: int | None = None

    def prepare(self, at: int) -> Sequence[Change]:
        target, reporter = self.target, self.reporter
        changes = [*self.keep(target, at), *self.keep(reporter, at)]
        changes.append(NewReport(target.id, reporter.id, reporter.key, self.reason, at, self.source or None))
        if self.moderation.count(self, at):
            self._muted_until = self.moderation.muted_until(target.id, at)
            assert self._muted_until is not None
            changes.append(SetMute(target.id, self._muted_until, self.reason))
        return changes

    def settle(self, delivery: Delivery) -> None:
        conduct = self.moderation.finish(self, kept=True)
        count = conduct.reports
        until = None if self._muted_until is None else timestamp(self._muted_until)
        if until is not None:
            delivery.surely_to(self.target, encode(muted(conduct)))
        self.reply = Reported(username=self.target.name, reports=count, muted_until=until)

    def undo(self) -> None:
        super().undo()
        self.moderation.discount(self)
        self._muted_until = None

    def drop(self) -> None:
        self.moderation.finish(self, kept=False)
