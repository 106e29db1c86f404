"""How users stand to each other: who is away, who hears nothing of whom, what is known of somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Away, Back, Ignoring, Whois
from tcpchat.store.changes import DropIgnored, SetAway, SetIgnored
from tcpchat.store.queries.users import names_of
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.chat.context import Context
    from tcpchat.chat.entry import Entry

AWAY_CHARACTERS = 200  # others read it in one line
MOST_IGNORED = 1000  # so that nobody makes the server keep endless lists


@attrs.frozen
class Relations:
    """Does it for one connection."""

    context: Context

    def away(self, text: str) -> Entry:
        """Let others see that the user is away. Raises ChatError `text-too-long`."""
        if len(text) > AWAY_CHARACTERS:
            message = f"the text has {len(text)} characters; at most {AWAY_CHARACTERS} are kept"
            raise ChatError("text-too-long", message, limit=AWAY_CHARACTERS, field="text")
        now = self.context.now()

        def apply(user: User) -> Away:
            user.away = text, now
            user.tell_again()
            user.changed()
            return Away(text=text, since=timestamp(now))

        return self.context.setting(lambda user: [SetAway(user.id, text, now)], apply)

    def back(self) -> Back | Entry:
        """Let others see that the user is there."""
        if self.context.user.away is None:
            return Back()

        def apply(user: User) -> Back:
            user.away = None
            user.tell_again()
            user.changed()
            return Back()

        return self.context.setting(lambda user: [SetAway(user.id, None, None)], apply)

    async def whois(self, name: str) -> Whois:
        """Return what is known of a user. Raises ChatError `no-such-user`."""
        user = await self.context.awakening.named(name)
        here = bool(user.connections)
        text, since = user.away or (None, None)
        muted = self.context.chat.moderation.muted_until(user.id, self.context.now())
        return Whois(
            name=user.name,
            registered=user.registered is not None,
            here=here,
            since=timestamp(user.since if user.registered is None else user.registered),
            seen=None if here or user.left is None else timestamp(user.left),
            away=text,
            away_since=None if since is None else timestamp(since),
            muted_until=None if muted is None else timestamp(muted),
        )

    async def ignore(self, name: str | None) -> Ignoring | Entry:
        """Hear nothing of a user any more, or list those. Raises ChatError `ignore-self`, `no-such-user`."""
        names = await self._names()
        if name is None:
            return Ignoring(users=sorted(names.values()))
        user, other = self.context.user, await self.context.awakening.named(name)
        if other is user:
            raise ChatError("ignore-self", "you cannot ignore yourself", name=user.name)
        if len(user.ignored) >= MOST_IGNORED and other.id not in user.ignored:
            message = f"you ignore {MOST_IGNORED} users; unignore one first"
            raise ChatError("too-many-ignored", message, limit=MOST_IGNORED)
        users = sorted({*names.values(), other.name})

        def apply(user: User) -> Ignoring:
            self.context.chat.hub.ignore(user, user.ignored | {other.id})
            return Ignoring(users=users)

        return self.context.setting(lambda user: [SetIgnored(user.id, other.id)], apply, other)

    async def unignore(self, name: str) -> Ignoring | Entry:
        """Hear a user again. Raises ChatError `no-such-user`."""
        names = await self._names()
        found = [id for id, ignored in names.items() if ignored == name.lower()]
        if not found:
            raise ChatError("no-such-user", f"you do not ignore {name[:64]!r}", name=name[:64])
        gone = frozenset(found)

        def apply(user: User) -> Ignoring:
            self.context.chat.hub.ignore(user, user.ignored - gone)
            return Ignoring(users=sorted(names[id] for id in names.keys() - gone))

        return self.context.setting(lambda user: [DropIgnored(user.id, id) for id in found], apply)

    async def _names(self) -> dict[str, str]:
        """Return the names of those whom the user ignores, by id; of who is gone the last one."""
        chat, names = self.context.chat, {}
        for id in self.context.user.ignored:
            known = chat.hub.find_known(id) or chat.people.directory.find(id)
            if known is not None:
                names[id] = known.name
        unknown = sorted(self.context.user.ignored - names.keys())
        if unknown:
            names |= await self.context.reader.ask(names_of, unknown)
        return names
