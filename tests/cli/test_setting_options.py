"""Options made of the settings: one for each, with its default, bounds and help."""

from __future__ import annotations

import attrs
import pytest
from cyclopts import App, CycloptsError

from tcpchat.cli.setting_options import DEFAULT_OPTIONS, SettingOptions, as_settings
from tcpchat.settings import CENTURY, Settings, about

app = App(version="0")


@app.default
def settings(*, options: SettingOptions = DEFAULT_OPTIONS) -> Settings:
    return as_settings(options)


def parse(*arguments: str) -> Settings:
    found: Settings = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    return found


def test_without_options_the_defaults_hold() -> None:
    assert parse() == Settings()


NUMBERS = [
    (group.name, field.name)
    for group in attrs.fields(Settings)
    for field in attrs.fields(type(getattr(Settings(), group.name)))
    if isinstance(field.default, int | float) and not isinstance(field.default, bool)
]


@pytest.mark.parametrize(("group", "name"), NUMBERS)
def test_a_number_is_accepted_within_its_bounds(group: str, name: str) -> None:
    field = getattr(attrs.fields(type(getattr(Settings(), group))), name)
    known, option = about(field), f"--{name.replace('_', '-')}"
    most = known.most or (CENTURY if isinstance(field.default, float) else 2**40)
    step = 1 if isinstance(field.default, int) else 0.5
    for bound in (known.least, most):
        kind = type(field.default)
        assert getattr(getattr(parse(f"{option}={kind(bound)}"), group), name) == kind(bound)
    with pytest.raises(CycloptsError, match=f"{option}. Must be >= {known.least}"):
        parse(f"{option}={known.least - step}")
    if known.most or isinstance(field.default, float):
        with pytest.raises(CycloptsError, match=f"{option}. Must be <= "):
            parse(f"{option}={most + step}")


def test_a_text_is_checked_as_its_setting_says() -> None:
    assert parse("--metrics", "127.0.0.1:9464").running.metrics == "127.0.0.1:9464"
    with pytest.raises(CycloptsError, match="HOST:PORT"):
        parse("--metrics", "a:b:c")


def test_every_setting_has_its_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    app(["--help"], exit_on_error=False, result_action="return_value")
    out = capsys.readouterr().out
    for group in attrs.fields(Settings):
        assert group.metadata["title"] in out
        for field in attrs.fields(type(getattr(Settings(), group.name))):
            assert f"--{field.name.replace('_', '-')} " in out
            assert about(field).help in out
