"""Strict conversion between JSON values and fields of a class: `"5"` is no number. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from tcpchat.wire.base import MAX_EXACT, MAX_ID, Id, Unknown


class MismatchError(TypeError):
    """A value of another JSON type than the field has."""


def _strict_str(value: object, _: type) -> str:
    if type(value) is not str:
        raise MismatchError("a string")
    return value


def _strict_int(value: object, _: type) -> int:
    if type(value) is not int or abs(value) > MAX_EXACT:
        raise MismatchError("a whole number of at most 2^53 - 1")
    return value


def _strict_float(value: object, _: type) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]  # is a number
        raise MismatchError("a number")
    return value  # type: ignore[return-value]  # an int stays one, as JSON does not tell them apart


def _strict_bool(value: object, _: type) -> bool:
    if type(value) is not bool:
        raise MismatchError("true or false")
    return value


def _lists(converter: Converter) -> Callable[[object, Any], list[Any]]:
    def structure(value: object, kind: Any) -> list[Any]:
        if type(value) is not list:
            raise MismatchError("a list")
        (item,) = get_args(kind)
        return [converter.structure(part, item) for part in value]

    return structure


def _dicts(converter: Converter) -> Callable[[object, Any], dict[str, Any]]:
    def structure(value: object, kind: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise MismatchError("an object")
        _, item = get_args(kind)
        return {key: converter.structure(part, item) for key, part in value.items()}

    return structure


def _tagged(converter: Converter) -> Callable[[object, Any], Any]:
    """Return what reads an object of one of several classes, told apart by `type`."""

    def structure(value: object, kind: Any) -> Any:
        if type(value) is not dict:
            raise MismatchError("an object")
        kinds = {option.type: option for option in get_args(kind) if option is not Unknown}
        tag = value.get("type")
        if type(tag) is str and tag in kinds:
            return converter.structure(value, kinds[tag])
        if type(tag) is not str or Unknown not in get_args(kind):
            raise MismatchError(f"an object of type {' or '.join(kinds)}")
        return Unknown(fields=value)

    return structure


def _is_tagged(kind: Any) -> bool:
    return get_origin(kind) in {Union, UnionType} and all(map(attrs.has, get_args(kind)))


def _is(container: type) -> Callable[[Any], bool]:
    return lambda kind: bool(get_origin(kind) == container)


def strict_id(value: object, _: object) -> Id | None:
    if value is None or (type(value) is int and abs(value) <= MAX_EXACT):
        return value
    if type(value) is str and len(value) <= MAX_ID:
        return value
    raise MismatchError(f"a whole number of at most 2^53 - 1 or a string of at most {MAX_ID} characters")


def _new_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _strict_str)
    converter.register_structure_hook(int, _strict_int)
    converter.register_structure_hook(float, _strict_float)
    converter.register_structure_hook(bool, _strict_bool)
    converter.register_structure_hook_func(lambda kind: kind == Id | None, strict_id)
    converter.register_structure_hook_func(_is(list), _lists(converter))
    converter.register_structure_hook_func(_is(dict), _dicts(converter))
    converter.register_structure_hook_func(_is_tagged, _tagged(converter))
    return converter


CLOSED = _new_converter()
OPEN = _new_converter()  # passes over unknown fields, since version 1 may grow; for clients


def wire_name(attribute: attrs.Attribute[Any]) -> str:
    """Return what the field is called on the wire: `from` cannot be an attribute in Python."""
    name: str = attribute.metadata.get("wire", attribute.name)
    return name


def _overrides(kind: type) -> Any:
    return {attribute.name: override(rename=wire_name(attribute)) for attribute in attrs.fields(kind)}


def _structure(kind: type) -> Callable[..., Any]:
    return make_dict_structure_fn(kind, CLOSED, _cattrs_forbid_extra_keys=True, **_overrides(kind))


def _open_structure(kind: type) -> Callable[..., Any]:
    """Make the reader of a class that may have new fields."""
    return make_dict_structure_fn(kind, OPEN, _cattrs_forbid_extra_keys=False, **_overrides(kind))


def _unstructure(kind: type) -> Callable[[Any], dict[str, Any]]:
    """Make the writer of a class: fields in the order of the class, names as on the wire, no nulls."""
    to_dict: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn(kind, CLOSED, **_overrides(kind))
    if isinstance(tag := getattr(kind, "type", None), str):  # a whole line inside of another
        return lambda value: (
            {"type": tag} | {key: field for key, field in to_dict(value).items() if field is not None}
        )
    if all(attribute.default is not None for attribute in attrs.fields(kind)):
        return to_dict
    return lambda value: {key: field for key, field in to_dict(value).items() if field is not None}


CLOSED.register_structure_hook_factory(attrs.has, _structure)
OPEN.register_structure_hook_factory(attrs.has, _open_structure)
CLOSED.register_unstructure_hook_factory(attrs.has, _unstructure)


class StructureHooks(dict[str, Callable[[dict[str, Any], type], Any]]):
    """What reads the fields of each class, by its `type`.

    Each is made when it is first needed: to make all takes longer than anything else in a short script.
    """

    def __init__(self, converter: Converter, kinds: Mapping[str, type]) -> None:
        super().__init__()
        self._converter = converter
        self._kinds = kinds

    def __missing__(self, tag: str) -> Callable[[dict[str, Any], type], Any]:
        hook = self[tag] = self._converter.get_structure_hook(self._kinds[tag])
        return hook
