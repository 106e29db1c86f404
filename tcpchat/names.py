"""The rules for names, and the comparison that finds two names too alike for one chat. Pure.

A name follows RFC 8265 (PRECIS), profile UsernameCaseMapped. Unicode Technical Standard 39 adds one script
per name, and the comparison of *skeletons*, in which look-alike characters are equal. Characters that have a
meaning in commands, mentions, addresses, patterns and other protocols are reserved, as are the names in
`RESERVED_NAMES` and all that look like them: `enforce` refuses both in new names. Names that were taken
before these rules stay valid, and `canonical` finds them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from tcpchat.errors import ChatError

LONGEST_NAME = 128  # characters; the most that the setting allows, so that names fit into their lines
SHOWN = 64  # characters of a refused name that an error repeats
_PLACE = "stands for the room that everybody is in"
_ALL = "stands for everybody"
_SERVER = "stands for the server"
_OPERATOR = "stands for the operator"
_NOBODY = "stands for a user who is not there any more, or has no name"
_PROGRAM = "stands for a program"
_YOU = "stands for whoever reads it"

RESERVED_NAMES: Final[Mapping[str, str]] = {
    "lobby": _PLACE, "channel": _PLACE, "room": _PLACE, "here": _PLACE,
    "everyone": _ALL, "everybody": _ALL, "all": _ALL,
    "server": _SERVER, "system": _SERVER, "tcpchat": _SERVER,
    "operator": _OPERATOR, "admin": _OPERATOR, "administrator": _OPERATOR, "moderator": _OPERATOR,
    "root": _OPERATOR,
    "anonymous": _NOBODY, "deleted": _NOBODY, "nobody": _NOBODY,
    "robot": _PROGRAM,
    "me": _YOU, "you": _YOU,
}  # fmt: skip
"""The reserved names in lower case, and why each is. Names that look like one are reserved too."""
ORNAMENTS: Final = "._-"
"""Characters around a name that do not make it another one to the eye: `_admin_`, `server.`."""
RESERVED: Final[Mapping[str, str]] = {
    ",": "separates names in a list",
    "*": "matches any text in a pattern",
    "?": "matches any character in a pattern",
    "!": "separates a name from a host in other chat protocols",
    "@": "begins a mention",
    ":": "separates a host from a port in an address",
    "#": "begins the name of a room",
    "&": "separates parameters in a web address",
    "%": "begins an encoded character in a web address",
    "+": "means a space in a web address",
    "~": "means a home folder in a path",
    "/": "begins a command",
    "\\": "takes away the meaning of the next character",
}
"""The characters that no new name contains, and what each of them means elsewhere."""
_FIRST_ALSO = "_"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
_NO_SCRIPT = frozenset({"COMMON", "INHERITED"})
_SCRIPTS_USED_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)


def enforce(name: str, longest: int) -> str:
    """Return the canonical form of a name that somebody wants to take.

    `longest` is in characters; 0 means `LONGEST_NAME`. Raises ChatError `bad-name` with the broken rule.
    """
    longest = longest or LONGEST_NAME
    _check_length(name, name, longest)
    check_reserved(name)
    enforced = _canonical(name, longest)
    check_reserved(enforced)  # the profile turns wide characters into these
    return enforced


def canonical(name: str) -> str:
    """Return the form in which a name is stored and shown: lower case, one width, composed.

    For finding a name, which may contain reserved characters. What nobody can have is returned unchanged.
    """
    try:
        return _canonical(name, LONGEST_NAME)
    except ChatError:
        return name


def check_reserved(name: str) -> None:
    """Raise ChatError `bad-name` if the name is reserved, or looks so, or contains a reserved character.

    None begins with `-` either.
    """
    reserved = next((char for char in name if char in RESERVED), None)
    if reserved is not None:
        raise _bad(name, f"names do not contain '{reserved}', which {RESERVED[reserved]}; {_instead(name)}")
    if name.startswith("-"):
        raise _bad(name, f"names do not begin with '-', which begins an option; {_instead(name)}")
    if (imitated := imitates(name)) is not None:
        alike = "it" if name.strip(ORNAMENTS).lower() == imitated else f"it looks like {imitated}, which"
        raise _bad(name, f"{alike} {RESERVED_NAMES[imitated]}; choose another")


def imitates(name: str) -> str | None:
    """Return the reserved name that this is or looks like; None if there is none."""
    plain = unicodedata.normalize("NFKC", name[:LONGEST_NAME]).strip(ORNAMENTS)
    return _reserved_skeletons().get(skeleton(plain))


@lru_cache(maxsize=1)
def _reserved_skeletons() -> dict[str, str]:
    return {skeleton(reserved): reserved for reserved in RESERVED_NAMES}


def _instead(name: str) -> str:
    """Return what a name may contain instead, and where possible a good name that is close to this one."""
    joined = re.sub(r"-+", "-", "".join("-" if char in RESERVED else char for char in name)).strip("-")
    try:
        example = _canonical(joined, LONGEST_NAME)
    except ChatError:
        example = ""
    example = "" if not example or imitates(example) else f", for example {example}"
    return f"use letters, digits, '_', '-' and '.'{example}"


def _canonical(name: str, longest: int) -> str:
    from precis_i18n import get_profile  # costs a moment to load, and a client never needs it

    _check(name, name, longest)
    try:
        enforced: str = get_profile("UsernameCaseMapped").enforce(name)
    except UnicodeEncodeError as error:
        rule = error.reason.partition("/")[2] or error.reason
        raise _bad(name, f"a name has letters, digits and ASCII punctuation only ({rule})") from None
    _check(name, enforced, longest)
    if not _one_script(enforced):
        raise _bad(name, "a name is written in one script, for example not in Latin and Cyrillic")
    return enforced


def _check(name: str, form: str, longest: int) -> None:
    """Check our own rules, which hold for the name as given and for its canonical form."""
    _check_length(name, form, longest)
    if any(unicodedata.category(char) in _INVISIBLE for char in form):
        raise _bad(name, "a name has no control or invisible characters")
    if any(char.isspace() for char in form):
        raise _bad(name, "a name has no spaces")
    if not (form[0].isalnum() or form[0] in _FIRST_ALSO):
        raise _bad(name, "a name begins with a letter, a digit or _")


def _check_length(name: str, form: str, longest: int) -> None:
    if not form:
        raise _bad(name, "a name needs at least one character")
    if len(form) > longest:
        raise _bad(name, f"a name has at most {longest} characters", limit=longest)


def _bad(name: str, rule: str, **details: Any) -> ChatError:
    message = f"{name[:SHOWN]!r} cannot be a name: {rule}"
    return ChatError("bad-name", message, name=name[:SHOWN], **details)


def _one_script(name: str) -> bool:
    from confusable_homoglyphs.categories import unique_aliases

    scripts = frozenset(unique_aliases(name)) - _NO_SCRIPT
    return len(scripts) <= 1 or any(scripts <= together for together in _SCRIPTS_USED_TOGETHER)


def skeleton(name: str) -> str:
    """Return the form in which look-alike names are equal (UTS 39, section 4, and case folded).

    It is for comparing only, never shown: `paypa1` and `paypal` share one, `coco` in Latin and Cyrillic too.
    """
    prototypes = _prototypes()
    form, last = unicodedata.normalize("NFD", name.casefold()), ""
    while form != last:  # what a character is mapped to, folded again, may itself look like another
        last = form
        mapped = "".join(prototypes.get(char, char) for char in form)
        form = unicodedata.normalize("NFD", mapped.casefold())
    return form


@lru_cache(maxsize=1)
def _prototypes() -> dict[str, str]:
    """Map each confusable character to its prototype.

    The library's table lists each pair from both sides: a prototype leads to all that look like it, a
    look-alike to its prototype only. Where a pair stands alone the smaller one serves as prototype.
    """
    from confusable_homoglyphs.confusables import confusables_data

    left_to_right_mark = "\u200e"  # the table wraps right-to-left characters in it
    table = {
        char: [other["c"].strip(left_to_right_mark) for other in others]
        for char, others in confusables_data.items()
    }
    prototypes = {}
    for char, others in table.items():
        bare = char.strip(left_to_right_mark)
        if len(bare) != 1 or len(others) != 1:
            continue
        (other,) = others
        alone = len(table.get(other, ())) <= 1 and len(other) == 1
        prototypes[bare] = min(bare, other) if alone else other
    return prototypes
