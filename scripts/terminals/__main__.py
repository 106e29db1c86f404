"""The command: `python -m scripts.terminals` measures what is installed, and writes docs/terminals.md anew.

Debian has all of it: xterm rxvt-unicode stterm mlterm kitty alacritty sakura konsole tmux screen mosh, and to
run them xvfb xdotool xclip.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.terminals import table
from scripts.terminals.driver import session, x_server
from scripts.terminals.emulators import EMULATORS
from scripts.terminals.measure import measure

DOC = Path(__file__).parents[2] / "docs" / "terminals.md"


def main() -> None:
    """Measure all terminals, one after the other, and put the tables into the page."""
    results, missing = [], []
    with x_server() as environ:
        for emulator in EMULATORS:
            if not emulator.installed:
                missing.append(emulator.name)
                continue
            print(emulator.name, file=sys.stderr)
            with session(emulator, environ) as opened:
                results.append(measure(opened))
    page = DOC.read_text()
    before, _, rest = page.partition(table.BEGIN)
    _, _, after = rest.partition(table.END)
    DOC.write_text(before + table.tables(results, missing) + after)


if __name__ == "__main__":
    main()
