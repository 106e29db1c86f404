"""The users who are here, as far as this client knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tcpchat.protocol import Users


class Roster:
    """Names of the users who are here, in the order in which they were last active."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # the least recently active first
        self._recent: list[str] | None = None
        self._pages: dict[str, None] = {}  # names of the pages of the list so far

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def add_page(self, page: Users) -> None:
        """Take a page of the server's list, which holds once the last page is there."""
        self._pages.update(dict.fromkeys(user.name for user in page.users))
        if not page.more:
            self.fill(self._pages)
            self._pages = {}

    def fill(self, names: Iterable[str]) -> None:
        """Take the whole list. Users who were active before stay ahead of those who were not."""
        now = dict.fromkeys(names)
        active = [name for name in self._names if name in now]
        self._names = dict.fromkeys(name for name in now if name not in self._names)
        self._names |= dict.fromkeys(active)
        self._recent = None

    def join(self, names: Iterable[str]) -> None:
        """Add users, who count as active."""
        for name in names:
            self._names.pop(name, None)
            self._names[name] = None
        self._recent = None

    def leave(self, names: Iterable[str]) -> None:
        """Remove users."""
        for name in names:
            self._names.pop(name, None)
        self._recent = None

    def rename(self, old: str, new: str) -> None:
        """Take the new name of a user, who counts as active."""
        self.leave([old])
        self.join([new])

    def touch(self, name: str) -> None:
        """Take it that a user was active just now, if still here."""
        if name in self._names:
            self.join([name])

    def recent(self) -> list[str]:
        """Return the names, the most recently active first."""
        if self._recent is None:
            self._recent = list(reversed(self._names))
        return self._recent
