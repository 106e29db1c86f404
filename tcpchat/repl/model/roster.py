"""Who is here, as far as this client heard. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class Roster:
    """Names of the users who are here, in the order in which they were last active."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # the least recently active first
        self._recent: list[str] | None = None

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def fill(self, names: Iterable[str]) -> None:
        """Take the whole list. Who was active before stays ahead of those who were not."""
        now = dict.fromkeys(names)
        active = [name for name in self._names if name in now]
        self._names = dict.fromkeys(name for name in now if name not in self._names)
        self._names |= dict.fromkeys(active)
        self._recent = None

    def joined(self, names: Iterable[str]) -> None:
        for name in names:
            self._names.pop(name, None)
            self._names[name] = None
        self._recent = None

    def left(self, names: Iterable[str]) -> None:
        for name in names:
            self._names.pop(name, None)
        self._recent = None

    def renamed(self, old: str, new: str) -> None:
        """Note a new name; it counts as a sign of activity."""
        self.left([old])
        self.joined([new])

    def spoke(self, name: str) -> None:
        """Note that somebody was active just now, if still here."""
        if name in self._names:
            self.joined([name])

    def recent(self) -> list[str]:
        """Return the names, most recently active first."""
        if self._recent is None:
            self._recent = list(reversed(self._names))
        return self._recent
