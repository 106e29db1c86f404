"""The list of tests without I/O is true: none of them can reach a server, a process or a database."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pure import PATHS, ROOT, is_pure

IMPURE = {
    "sqlite3",
    "subprocess",
    "tcpchat.server",
    "tcpchat.service",
    "tcpchat.store.sqlite",
    "tests.process",
    "tests.running",
}


def files() -> list[Path]:
    listed = [ROOT / path for path in PATHS]
    return sorted(file for path in listed for file in (path.rglob("*.py") if path.is_dir() else [path]))


def imports(node: ast.AST) -> Iterator[str]:
    """Yield what is imported when the code runs, in functions too; `a` and `a.b` for `from a import b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield str(child.module)
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imports(child)


def reached(file: Path) -> set[str]:
    """Return what this file of tests imports, itself or by what helps tests."""
    names: set[str] = set()
    files = [file]
    while files:
        new = set(imports(ast.parse(files.pop().read_text()))) - names
        names |= new
        helpers = (name for name in new if name.startswith(("tests.", "chaos.")))
        paths = (ROOT / name.replace(".", "/") for name in helpers)
        files += [path.with_suffix(".py") for path in paths if path.with_suffix(".py").is_file()]
    return names


def test_everything_that_is_listed_is_there() -> None:
    assert [path for path in PATHS if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_listed_test_imports_what_has_io(file: Path) -> None:
    assert is_pure(file)
    assert reached(file) & IMPURE == set()


def test_what_is_imported_by_helpers_counts_too() -> None:
    file = ROOT / "tests/repl/test_display.py"
    assert not is_pure(file)
    assert "tests.running" in reached(file) - set(imports(ast.parse(Path(__file__).read_text())))
