"""The options of the server's settings, made of the settings' own fields: one option for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from tcpchat.settings import CENTURY, About, Settings, about

Validator: TypeAlias = Callable[[Any, Any], Any]
"""Raises ValueError, whose text the parser shows with the name of the option."""


def _validator(setting: About, hint: Any) -> Validator | None:
    if setting.check is not None:
        check = setting.check
        return lambda _, value: None if value is None else check(value)
    if hint is int:
        return Number(gte=setting.least, lte=setting.most)
    return Number(gte=setting.least, lte=setting.most or CENTURY) if hint is float else None


def _option(field: attrs.Attribute[Any], hint: Any) -> Any:
    setting = about(field)
    shown: Any = " ".join if isinstance(field.default, tuple) else None
    parameter = Parameter(
        help=setting.help, validator=_validator(setting, hint), negative="", show_default=shown
    )
    option: Any = Annotated[hint, parameter]
    return attrs.field(default=field.default, type=option)


def _options_of_group(number: int, group: attrs.Attribute[Any]) -> Any:
    kind: Any = type(group.default.factory())  # type: ignore[union-attr]  # each group has a factory
    hints = get_type_hints(kind)
    fields = {field.name: _option(field, hints[field.name]) for field in attrs.fields(kind)}
    options = attrs.make_class(kind.__name__, fields, frozen=True, kw_only=True)
    parameter = Parameter(name="*", group=Group(group.metadata["title"], sort_key=number))
    option: Any = Annotated[options, parameter]
    return attrs.field(factory=options, type=option)


_fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(Settings)
_groups = {field.name: _options_of_group(number, field) for number, field in enumerate(_fields, 1)}
_options: Any = attrs.make_class("SettingOptions", _groups, frozen=True, kw_only=True)

DEFAULT_OPTIONS: Any = _options()
if TYPE_CHECKING:
    SettingOptions = Any
else:
    SettingOptions = Annotated[_options, Parameter(name="*")]
"""The type of a command's argument that takes all settings as options."""


def as_settings(options: Any) -> Settings:
    """Return the settings that were given as options."""
    groups = get_type_hints(Settings)
    return Settings(
        **{
            name: groups[name](**attrs.asdict(group, recurse=False))
            for name, group in attrs.asdict(options, recurse=False).items()
        }
    )
