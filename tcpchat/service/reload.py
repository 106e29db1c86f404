"""SIGHUP: settings are read again, and those that can change live count from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import trio

from tcpchat.errors import StartError
from tcpchat.log import Log
from tcpchat.service.systemd import Notifier
from tcpchat.settings import Difference, Settings, compare, with_changes

Read = Callable[[], Settings]
"""Reads the settings as at the start. Raises StartError."""
Apply = Callable[[], object]
"""Lets what was read count, at once and without fail."""
Step = Callable[[Settings], Apply]
"""Reads whatever else is needed for settings to count. Raises StartError, and then nothing counts."""


@attrs.define
class Reloader:
    """One for a server. `settings` are those that count, as they were read."""

    settings: Settings
    read: Read
    steps: Sequence[Step]
    """What is done with new settings, in this order; also when none of them has changed."""
    _log: Log
    _notifier: Notifier
    status: str
    """What the service manager shows of a server that serves."""
    _asked: trio.Event = attrs.field(factory=trio.Event, init=False)

    def ask(self) -> None:
        """Ask for a reload, soon; one is enough for all who asked before it began."""
        self._asked.set()

    async def run(self) -> None:
        """Reload when it is asked for, until it is cancelled."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            await self.reload()

    async def reload(self) -> None:
        """Read the settings, and let those count that can. If anything is wrong all stays as it was."""
        self._notifier.reloading()
        try:
            # In a thread, since files may be on a disk that is slow to answer; a stop does not wait for it.
            reloaded = await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        except StartError as error:
            self._log.error("not reloaded, so everything stays as it was", error=str(error))
        except Exception:  # whatever is wrong with it, people go on talking
            self._log.exception("bug", at="reload")
        else:
            self._apply(reloaded)
        finally:
            self._notifier.ready(self.status)

    def _read(self) -> _Reloaded:
        live, fixed = compare(self.settings, self.read())
        settings = with_changes(self.settings, live)
        return _Reloaded(settings, live, fixed, [step(settings) for step in self.steps])

    def _apply(self, reloaded: _Reloaded) -> None:
        self.settings = reloaded.settings
        # As a warning, so that a level which leaves out what is usual does not leave out this.
        changed, restart = _listed(reloaded.live), _listed(reloaded.fixed)
        self._log.warning("reloaded", changed=changed, needs_restart=restart)
        for apply in reloaded.apply:
            try:
                apply()
            except Exception:
                self._log.exception("bug", at="reload")


@attrs.frozen
class _Reloaded:
    """What was read, and how to let it count."""

    settings: Settings
    live: Sequence[Difference]
    fixed: Sequence[Difference]
    apply: Sequence[Apply]


def _listed(differences: Sequence[Difference]) -> str:
    return ", ".join(map(str, differences)) or "nothing"
