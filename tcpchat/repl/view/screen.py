"""Where a conversation is shown: what a terminal and a pipe have in common."""

from __future__ import annotations

from typing import Protocol

from tcpchat.repl.view.text import Fragments


class Screen(Protocol):
    """Nothing of it blocks."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask."""

    def show(self, fragments: Fragments) -> None:
        """Show what was said and what was asked for."""

    def complain(self, fragments: Fragments) -> None:
        """Show what went wrong, and what happens to the connection."""

    def refresh(self) -> None:
        """Draw anew what stands around the input."""

    def bell(self) -> None:
        """Ring."""

    def clear(self) -> None:
        """Begin with an empty screen."""

    def edit(self, line: str, shown: str) -> None:
        """Give a line back to be changed; where that cannot be, say so with what may be shown of it."""

    def use_theme(self, name: str) -> None:
        """Change the colours."""
