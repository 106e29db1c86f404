"""The colours: every one can be read, and names differ."""

from __future__ import annotations

import pytest
from prompt_toolkit.styles import Style

from tcpchat.repl.view.theme import NAME_COLOURS, STYLES
from tests.repl.view.rendering import luminance


@pytest.mark.parametrize(
    ("theme", "ground"),
    [("dark", "#1e1e1e"), ("dark", "#000000"), ("light", "#ffffff"), ("light", "#fdf6e3")],
)
def test_every_colour_can_be_read(theme: str, ground: str) -> None:
    for role, style in STYLES[theme].items():
        for colour in (word for word in style.split() if word.startswith("#")):
            grounds = [word[3:] for word in style.split() if word.startswith("bg:")] or [ground]
            dim, bright = sorted([luminance(colour), luminance(grounds[0])])
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, role


def test_the_default_theme_can_be_read_on_white_too() -> None:
    for role, style in STYLES["dark"].items():
        if "bg:" not in style and role != "toolbar.limit":  # which stands on the toolbar's own background
            for colour in (word for word in style.split() if word.startswith("#")):
                assert 1.05 / (luminance(colour) + 0.05) >= 2.8, role


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_own_name_and_the_prompt_have_the_colour_of_the_terminal(theme: str) -> None:
    for role in ("me", "prompt", "target", "question", "title"):
        assert "#" not in STYLES[theme][role], role


def test_the_themes_have_the_same_classes_and_names_differ() -> None:
    assert STYLES["dark"].keys() == STYLES["light"].keys() == STYLES["mono"].keys()
    for theme in ("dark", "light"):
        assert len({STYLES[theme][f"name.{i}"] for i in range(NAME_COLOURS)}) == NAME_COLOURS
    allowed = {"noreverse", "bold", "reverse", "underline"}
    assert {word for style in STYLES["mono"].values() for word in style.split()} <= allowed
    for styles in STYLES.values():
        Style.from_dict(styles)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_ticks_can_be_read_on_the_toolbar_and_differ(theme: str) -> None:
    ground = next(word[3:] for word in STYLES[theme]["toolbar"].split() if word.startswith("bg:"))
    for role in ("receipt", "receipt.seen", "own"):
        dim, bright = sorted([luminance(STYLES[theme][role]), luminance(ground)])
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, role
    assert STYLES[theme]["receipt"] != STYLES[theme]["receipt.seen"]
