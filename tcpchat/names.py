"""What a name may be, and when two names are too alike to be in one chat. Pure.

The rules are RFC 8265 (PRECIS), profile UsernameCaseMapped, and from Unicode Technical Standard 39 one
script per name and the comparison of *skeletons*, in which look-alike characters are the same.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from tcpchat.errors import ChatError

LONGEST_NAME = 128  # characters; the most that the setting allows, so that names fit into their lines
_FIRST_ALSO = "_"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
_NO_SCRIPT = frozenset({"COMMON", "INHERITED"})
_SCRIPTS_USED_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)


def enforce(name: str, longest: int) -> str:
    """Return the form of `name` that is kept and shown: lower case, one width, composed.

    `longest` is in characters; 0 is `LONGEST_NAME`. Raises ChatError `bad-name` with the rule that it breaks.
    """
    from precis_i18n import get_profile  # costs a moment to load, and a client never needs it

    longest = longest or LONGEST_NAME
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
    """Check the rules of ours, which hold for the name as given and for the form that is kept."""
    if not form:
        raise _bad(name, "a name needs at least one character")
    if len(form) > longest:
        raise _bad(name, f"a name has at most {longest} characters", limit=longest)
    if any(unicodedata.category(char) in _INVISIBLE for char in form):
        raise _bad(name, "a name has no control or invisible characters")
    if any(char.isspace() for char in form):
        raise _bad(name, "a name has no spaces")
    if not (form[0].isalnum() or form[0] in _FIRST_ALSO):
        raise _bad(name, "a name begins with a letter, a digit or _")


def _bad(name: str, rule: str, **details: Any) -> ChatError:
    return ChatError("bad-name", f"{name[:64]!r} cannot be a name: {rule}", name=name[:64], **details)


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
