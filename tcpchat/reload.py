"""SIGHUP: settings are read again, and those that can change live count from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import attrs
import trio

from tcpchat.errors import StartError
from tcpchat.log import Log
from tcpchat.notify import Notifier
from tcpchat.settings import Difference, Settings, compare, with_changes

Read = Callable[[], Settings]
"""Reads the settings as at the start. Raises StartError."""
Step = Callable[[Settings], None]
"""Lets settings count from now on. Raises StartError, and then the others are done all the same."""


@attrs.define
class Reloader:
    """One for a server. `settings` are those that count, as they were read."""

    settings: Settings
    read: Read
    steps: Sequence[Step]
    """What is done with new settings, in this order; also when none of them has changed."""
    _log: Log
    notifier: Notifier
    status: str
    """What the service manager shows of a server that serves."""

    async def reload(self) -> None:
        """Read the settings, and let those count that can. If they are wrong everything stays as it was."""
        self.notifier.reloading()
        try:
            await self._reload()
        except StartError as error:
            self._log.error("not reloaded, so the settings stay as they were", error=str(error))
        except Exception:  # whatever is wrong with it, people go on talking
            self._log.exception("bug", at="reload")
        finally:
            self.notifier.ready(self.status)

    async def _reload(self) -> None:
        # In a thread, since files may be on a disk that is slow to answer.
        wanted = await trio.to_thread.run_sync(partial(self.read))
        live, fixed = compare(self.settings, wanted)
        self.settings = with_changes(self.settings, live)
        # As a warning, so that a level which leaves out what is usual does not leave out this.
        self._log.warning("reloaded", changed=_listed(live), needs_restart=_listed(fixed))
        for step in self.steps:
            try:
                step(self.settings)
            except StartError as error:
                self._log.error("not reloaded", error=str(error))
            except Exception:
                self._log.exception("bug", at="reload")


def _listed(differences: Sequence[Difference]) -> str:
    return ", ".join(map(str, differences)) or "nothing"
