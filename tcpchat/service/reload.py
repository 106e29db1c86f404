"""Reload on SIGHUP: settings are read again, and those that can change are applied."""

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
"""Applies what was read, at once. Does not fail."""
Step = Callable[[Settings], Apply]
"""Reads what the settings refer to, such as files. Raises StartError, and then nothing is applied."""


@attrs.define
class Reloader:
    """The reloads of one server. `settings` are the current ones, as they were read."""

    settings: Settings
    read: Read
    steps: Sequence[Step]
    """Done in this order on each reload, even if no setting has changed."""
    _log: Log
    _notifier: Notifier
    status: str
    """The status that the service manager shows while the server serves."""
    _asked: trio.Event = attrs.field(factory=trio.Event, init=False)

    def ask(self) -> None:
        """Request a reload. One reload serves all requests that came before it began."""
        self._asked.set()

    async def run(self) -> None:
        """Reload on request, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            await self.reload()

    async def reload(self) -> None:
        """Read the settings and apply those that can change. If anything is wrong, nothing changes."""
        self._notifier.reloading()
        try:
            # In a thread, since files may be on a slow disk; a stop does not wait for it.
            reloaded = await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        except StartError as error:
            self._log.error("not reloaded; the current settings stay in effect", error=str(error))
        except Exception:  # a bug here must not end the chat
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
        # A warning, so that it is logged at every usual level.
        changed, restart = _listed(reloaded.live), _listed(reloaded.fixed)
        self._log.warning("reloaded", changed=changed, needs_restart=restart)
        for apply in reloaded.apply:
            try:
                apply()
            except Exception:
                self._log.exception("bug", at="reload")


@attrs.frozen
class _Reloaded:
    """What was read, and the functions that apply it."""

    settings: Settings
    live: Sequence[Difference]
    fixed: Sequence[Difference]
    apply: Sequence[Apply]


def _listed(differences: Sequence[Difference]) -> str:
    return ", ".join(map(str, differences)) or "nothing"
