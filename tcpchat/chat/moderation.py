"""Reports and mutes. They belong to a user, and stay with the name when a guest is gone.

A guest has nothing but a name to be known by after a restart. Therefore a name brings along what was reported
of its last holder, and a user who reported under a name cannot report again under it.

One person can be many guests. Therefore reports from one address count once, unless it is this machine's own,
which does not tell people apart, or the reporter has been registered for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import attrs

from tcpchat.address import is_attributable, owner_network
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Muted, Unmuted
from tcpchat.store.changes import NewReport, SetMute
from tcpchat.times import FOREVER, MILLISECONDS, timestamp

ESTABLISHED = (
    24 * 60 * 60 * MILLISECONDS
)  # ms since a user registered, after which reports count on their own


class Reporter(NamedTuple):
    """Under which name key a user reported, and the bucket in which one report counts ("": alone)."""

    key: str
    bucket: str


class Mute(NamedTuple):
    """Until when a user may not send (ms since 1970), why, and whether the operator decided so."""

    until: int
    reason: str | None
    by_operator: bool


NOT_MUTED = Mute(0, None, by_operator=False)


@attrs.frozen
class Conduct:
    """What is held against one user: the reporters, by id, and the mute."""

    reporters: Mapping[str, Reporter] = attrs.field(factory=dict)
    mute: Mute = NOT_MUTED

    @property
    def reports(self) -> int:
        """Return how many reports count."""
        return len({reporter.bucket or id for id, reporter in self.reporters.items()})

    def with_report(self, by: str, reporter: Reporter) -> Conduct:
        """Return it with one more report, by the user of this id."""
        return attrs.evolve(self, reporters={**self.reporters, by: reporter})

    def merge(self, other: Conduct) -> Conduct:
        """Return it with what is held against another."""
        mute = other.mute if other.mute.until > self.mute.until else self.mute
        return Conduct({**other.reporters, **self.reporters}, mute)

    def was_reported_by(self, reporter: User) -> bool:
        """Return whether the user, or another of the same name, reported before."""
        keys = (known.key for known in self.reporters.values())
        return reporter.id in self.reporters or reporter.key in keys


_BLAMELESS = Conduct()


class Moderation:
    """Who was reported by whom, and who may not send.

    The `reports`-th distinct reporter (0: none) mutes for `seconds`, and so does each one after that.
    """

    def __init__(self, *, reports: int, seconds: float, names: Mapping[str, str] | None = None) -> None:
        self.configure(reports, seconds)
        self._conduct: dict[str, Conduct] = {}
        self._names = dict(names or {})  # name key → user, of whom something is on disk
        self._reporting: set[tuple[str, str]] = set()  # reports on their way to disk: reporter, target

    def configure(self, reports: int, seconds: float) -> None:
        """Let so many reports mute for so long from now on; mutes that hold end as announced."""
        self.reports_to_mute = reports
        self.mute_milliseconds = int(seconds * MILLISECONDS)

    def __iter__(self) -> Iterator[tuple[str, Conduct]]:
        return iter(self._conduct.items())

    def of(self, user: str) -> Conduct:
        """Return what is held against the user of this id."""
        return self._conduct.get(user, _BLAMELESS)

    def muted_until(self, user: str, now: int) -> int | None:
        """Return until when the user of this id is muted, in ms since 1970, or None."""
        mute = self.of(user).mute
        return mute.until if mute.until > now else None

    def check(self, user: str, now: int) -> None:
        """Raise ChatError `muted` if the user of this id may not send."""
        conduct = self._conduct.get(user)
        if conduct is None or conduct.mute.until <= now:
            return
        until = conduct.mute.until
        forever = until == FOREVER
        raise ChatError(
            "muted",
            mute_message(conduct),
            retry_after=None if forever else (until - now) / MILLISECONDS,
            until=None if forever else timestamp(until),
            limit=None if conduct.mute.by_operator else self.reports_to_mute,
            reason=conduct.mute.reason,
        )

    def begin_report(self, reporter: User, target: User) -> None:
        """Reserve a report until `end_report`. Raises ChatError `report-self` or `already-reported`."""
        if reporter is target:
            raise ChatError("report-self", "you cannot report yourself", name=target.name)
        if (reporter.id, target.id) in self._reporting or self.of(target.id).was_reported_by(reporter):
            message = f"you have already reported {target.name}"
            raise ChatError("already-reported", message, name=target.name)
        self._reporting.add((reporter.id, target.id))

    def end_report(self, reporter: str, target: str) -> None:
        """Note that a report is on disk, or was rejected."""
        self._reporting.discard((reporter, target))

    def add_report(self, report: NewReport) -> None:
        """Hold a report against its target."""
        reporter = Reporter(report.reporter_key, report.source or "")
        self._put(report.target, self.of(report.target).with_report(report.reporter, reporter))

    def set_mute(self, mute: SetMute) -> None:
        """Mute a user."""
        until = Mute(mute.until, mute.reason, bool(mute.operator))
        self._put(mute.user, attrs.evolve(self.of(mute.user), mute=until))

    def drop_mute(self, user: str) -> None:
        """Let the user of this id send again."""
        self._put(user, attrs.evolve(self.of(user), mute=NOT_MUTED))

    def _put(self, user: str, conduct: Conduct) -> None:
        if conduct.reporters or conduct.mute.until:
            self._conduct[user] = conduct
        else:
            self._conduct.pop(user, None)

    def bind_to_name(self, user: str, key: str) -> None:
        """Let what is held against the user of this id go with the name of this key."""
        if user in self._conduct:
            self._names[key] = user

    def rename(self, user: str, old: str, new: str) -> None:
        """Let what is held against the user of this id go with the name of another key."""
        if user in self._conduct:
            if self._names.get(old) == user:
                del self._names[old]
            self._names[new] = user

    def inherited(self, user: str, key: str) -> str | None:
        """Return the id of the name's last holder, if what is held against it comes along with the name."""
        last = self._names.get(key)
        return last if last is not None and last != user and last in self._conduct else None

    def transfer(self, old: str, new: str) -> None:
        """Hold against one user what is held against another, whose mute stays."""
        self._put(new, self.of(new).merge(self.of(old)))
        self._put(old, Conduct(mute=self.of(old).mute))

    def delete(self, user: str) -> None:
        """Forget the user of this id; what the user reported still counts, under no name."""
        self._conduct.pop(user, None)
        self._names = {key: id for key, id in self._names.items() if id != user}
        for target, conduct in list(self._conduct.items()):
            if user in conduct.reporters:
                self._conduct[target] = conduct.with_report(user, Reporter("", ""))


def report_bucket(user: User, address: str, now: int) -> str:
    """Return the bucket in which reports from this address count once; `""` if each counts on its own."""
    established = user.registered is not None and user.registered + ESTABLISHED <= now
    return "" if established or not is_attributable(address) else owner_network(address)


def mute_message(conduct: Conduct) -> str:
    """Return the sentence that explains a mute to the user."""
    mute, reporters = conduct.mute, conduct.reports
    if mute.by_operator:
        why = "the operator muted you" + (f" ({mute.reason})" if mute.reason else "")
    else:
        reason = f" (the last one wrote: {mute.reason})" if mute.reason else ""
        why = f"{reporters} user{'' if reporters == 1 else 's'} reported you{reason}"
    until = "" if mute.until == FOREVER else f" until {timestamp(mute.until)}"
    return f"{why}: you may read but not send{until}"


def muted(conduct: Conduct) -> Muted:
    """Return the event that notifies a muted user."""
    mute, message = conduct.mute, mute_message(conduct)
    return Muted(until=timestamp(mute.until), reports=conduct.reports, reason=mute.reason, message=message)


def unmuted() -> Unmuted:
    """Return the event that notifies a user whom the operator lets send again."""
    return Unmuted(message="the operator lets you send again")
