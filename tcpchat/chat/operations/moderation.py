"""Operations of moderation: reports by users, and what the operator decides."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.moderation import NOT_MUTED, Conduct, Mute, Reporter, muted, unmuted
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.errors import ChatError
from tcpchat.protocol import Reported, encode
from tcpchat.store.changes import DropBan, DropMute, NewReport, SetBan, SetMute
from tcpchat.times import timestamp


@attrs.define(eq=False, kw_only=True)
class ReportUser(Operation):
    """A report, and the mute that it may bring."""

    reporter: str
    target: str
    bucket: str
    """See `report_bucket`."""
    reason: str | None
    _name: str = attrs.field(default="", init=False)
    _muted_until: int | None = attrs.field(default=None, init=False)

    @property
    def about(self) -> tuple[str, ...]:
        return (self.target,)

    def decide(self, draft: Draft) -> None:
        target, reporter = draft.user(self.target), draft.user(self.reporter)
        if target is None or reporter is None:
            raise ChatError("no-such-user", "this user is not here any more")
        self._name, _ = draft.name(target)
        draft.ensure_row(target)
        draft.ensure_row(reporter)
        before = draft.conduct(target.id)
        conduct = before.with_report(reporter.id, Reporter(reporter.key, self.bucket))
        draft.add(NewReport(target.id, reporter.id, reporter.key, self.reason, draft.at, self.bucket or None))
        self._muted_until = self._mutes_until(draft, before, conduct)
        if self._muted_until is not None:
            mute = Mute(self._muted_until, self.reason, by_operator=False)
            conduct = attrs.evolve(conduct, mute=mute)
            draft.add(SetMute(target.id, mute.until, mute.reason))
        draft.set_conduct(target.id, conduct)

    @staticmethod
    def _mutes_until(draft: Draft, before: Conduct, after: Conduct) -> int | None:
        """Return until when the report mutes; None if it does not."""
        moderation = draft.state.moderation
        needed, milliseconds = moderation.reports_to_mute, moderation.mute_milliseconds
        if not (needed and milliseconds and before.reports < after.reports >= needed):
            return None
        until = draft.at + milliseconds
        # What the operator decided is not shortened.
        return None if before.mute.by_operator and until < before.mute.until else until

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        conduct, target = state.moderation.of(self.target), state.users.get(self.target)
        until = None if self._muted_until is None else timestamp(self._muted_until)
        if until is not None and target is not None:
            fanout.deliver_or_queue(target, encode(muted(conduct)))
        self.reply = Reported(username=self._name, reports=conduct.reports, muted_until=until)

    def release(self, state: ServerState) -> None:
        state.moderation.end_report(self.reporter, self.target)


@attrs.define(eq=False, kw_only=True)
class MuteUser(Operation):
    """Mute a user, or let the user send again, whatever others reported."""

    user: str
    mute: Mute

    def decide(self, draft: Draft) -> None:
        user, mute = draft.user(self.user), self.mute
        draft.set_conduct(self.user, attrs.evolve(draft.conduct(self.user), mute=mute))
        if mute == NOT_MUTED:
            draft.add(DropMute(self.user))
            return
        if user is not None:
            draft.ensure_row(user)
        draft.add(SetMute(self.user, mute.until, mute.reason, int(mute.by_operator)))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        user = state.users.get(self.user)
        if user is not None:
            lifted = self.mute == NOT_MUTED
            fanout.deliver_or_queue(
                user, encode(unmuted() if lifted else muted(state.moderation.of(self.user)))
            )


@attrs.define(eq=False, kw_only=True)
class Ban(Operation):
    """Ban a user or a network; of a user the name is stored, under which the ban is listed."""

    ban: SetBan
    user: str | None = None

    def decide(self, draft: Draft) -> None:
        user = None if self.user is None else draft.user(self.user)
        if user is not None:
            draft.ensure_row(user)
        draft.add(self.ban)


@attrs.define(eq=False, kw_only=True)
class LiftBans(Operation):
    """Let banned users or networks in again."""

    bans: Sequence[SetBan]

    def decide(self, draft: Draft) -> None:
        draft.add(*(DropBan(ban.kind, ban.target) for ban in self.bans))
