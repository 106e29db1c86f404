"""The terminals: how each is started and what says its version, with Debian's names and packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Final

import attrs


@attrs.frozen
class Emulator:
    """A terminal; `command` comes before the program that runs in it."""

    name: str
    package: str
    command: tuple[str, ...]
    paste: str = "shift+Insert"
    """The key that pastes."""

    @property
    def installed(self) -> bool:
        """Whether it can be run here."""
        return all(shutil.which(program) for program in (self.command[0], self._program))

    @property
    def _program(self) -> str:
        return {"tmux": "tmux", "screen": "screen", "mosh": "mosh-server"}.get(self.name, self.command[0])

    @property
    def version(self) -> str:
        """The version of the package, without Debian's revision."""
        query = ["dpkg-query", "-W", "-f", "${Version}", self.package]
        found = subprocess.run(query, capture_output=True, text=True, check=False).stdout
        return re.sub(r"^\d+:|[-+].*$", "", found) or "?"


MUX: Final = "tcpchat-probe"  # the name of the multiplexer that is ours
IN_XTERM: Final = ("xterm", "-e")
EMULATORS: Final = (
    Emulator("xterm", "xterm", IN_XTERM),
    Emulator("urxvt", "rxvt-unicode", ("urxvt", "-e")),
    Emulator("st", "stterm", ("stterm", "-e")),
    Emulator("mlterm", "mlterm", ("mlterm", "-e")),
    Emulator("kitty", "kitty", ("kitty", "--config", "NONE")),
    Emulator("alacritty", "alacritty", ("alacritty", "-e")),
    Emulator("VTE", "libvte-2.91-0", ("sakura", "-e")),
    Emulator("Konsole", "konsole", ("konsole", "-e")),
    Emulator("tmux", "tmux", (*IN_XTERM, "tmux", "-L", MUX, "-f", "/dev/null", "new-session")),
    Emulator("screen", "screen", (*IN_XTERM, "screen", "-S", MUX, "-c", "/dev/null", "-U")),
    Emulator("mosh", "mosh", (*IN_XTERM, "env")),
)
