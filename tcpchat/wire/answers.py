"""Replies and events as a client reads them: of this version or a later one. Pure.

Strict about what it knows, patient about what it does not: version 1 may grow fields, events and codes.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from cattrs import BaseValidationError

from tcpchat.errors import ChatError
from tcpchat.wire.base import Event, Reply, Unknown
from tcpchat.wire.strict import OPEN, MismatchError, StructureHooks, strict_id

SHOWN = 80  # characters of a strange line that an error quotes


class AnswerReader:
    """Reads the lines of a server, given the classes that this version knows."""

    def __init__(self, kinds: Iterable[type[Reply | Event]]) -> None:
        self._kinds = {kind.type: kind for kind in kinds}
        self._structure = StructureHooks(OPEN, self._kinds)

    def read(self, line: bytes) -> Reply | Event:
        """Read one line that a server sent.

        A Renamed, Bye or Error with `re` is a reply, one without an event. Raises ChatError `bad-json` or
        `wrong-type` where it is no line of this protocol.
        """
        try:
            fields = orjson.loads(line)
            tag = fields.get("type")
            if type(tag) is str:
                kind = self._kinds.get(tag)
                if kind is not None:
                    answer: Reply | Event = self._structure[tag](fields, kind)
                    return answer
                re = strict_id(fields.pop("re", None), None)
                return Unknown(re=re, fields=fields)
        except (orjson.JSONDecodeError, AttributeError):
            pass
        except (BaseValidationError, KeyError, MismatchError):
            message = f"a {ascii(tag[:SHOWN])[1:-1]} that is not as it should be: {_shown(line)}"
            raise ChatError("wrong-type", message) from None
        raise ChatError("bad-json", f"this is no line of a tcpchat server: {_shown(line)}")


def _shown(line: bytes) -> str:
    return ascii(line[:SHOWN].decode(errors="replace"))
