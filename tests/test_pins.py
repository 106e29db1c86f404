"""The pins in requirements/ are complete: a fresh machine gets from them what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = {"run": [], **PROJECT["optional-dependencies"]}
FILES = sorted((ROOT / "requirements").glob("*.txt"))


def pins(path: Path) -> dict[str, Requirement]:
    """Return the requirements of a file of pins by the names of their packages."""
    lines = re.findall(r"^[^\s#].*?(?= \\$)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def version_of(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Say whether a package that is installed with these extras asks for this, here."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


@pytest.mark.parametrize("name", EXTRAS)
def test_what_the_project_asks_for_is_pinned(name: str) -> None:
    pinned = pins(ROOT / f"requirements/{name}.txt")
    for asked in map(Requirement, [*PROJECT["dependencies"], *EXTRAS[name]]):
        pin = pinned[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version_of(pin)), f"{asked} is pinned as {pin}"
        assert asked.extras <= pin.extras, f"{asked} is pinned as {pin}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pins_carry_the_extras_that_other_pins_ask_for(path: Path) -> None:
    """pip before 23.3 does not count a pin without its extra, and refuses what asks for it as unpinned."""
    pinned = pins(path)
    for name, pin in pinned.items():
        try:
            asked = list(map(Requirement, metadata.requires(name) or []))
        except metadata.PackageNotFoundError:
            continue  # for another platform, or for benchmarks
        for requirement in (one for one in asked if applies(one, pin.extras)):
            there = pinned[canonicalize_name(requirement.name)]
            assert requirement.extras <= there.extras, f"{name} asks for {requirement}, the pin is {there}"


def test_the_files_pin_the_same_versions() -> None:
    versions: dict[str, str] = {}
    for path in FILES:
        for name, pin in pins(path).items():
            assert versions.setdefault(name, version_of(pin)) == version_of(pin), f"{name} in {path.name}"
