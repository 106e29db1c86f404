"""Rules for the project as a whole, which no single module can promise."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest

import tcpchat
from tcpchat.errors import CODES
from tcpchat.handlers import HANDLERS, NOWAIT, PRECHECKS
from tcpchat.handlers.registry import handles
from tcpchat.protocol import BY_NAME, COMMANDS, Command, Error, Request

ROOT = Path(tcpchat.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

LAYERS = [
    {"_version"},
    {
        "errors",
        "times",
        "log",
        "fingerprint",
        "files",
        "threads",
        "nearest",
    },
    {"address", "names", "streams"},
    {"wire"},
    {"commands"},
    {"protocol"},
    {"settings"},
    {"store"},
    {"chat", "link"},
    {"handlers"},
    {"client", "serving"},
    {"blocking"},
    {"repl", "admin", "bench"},
    {"server"},
    {"service"},
    {"cli"},
    {"__main__"},
    {"tcpchat"},  # the package itself: the library as programs import it
]
"""A part may import from the layers above it in this list, and from itself."""
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}
NO_IO = {"trio", "sqlite3", "os", "socket"}


def part_of(module: str) -> str:
    """Return the part that a dotted module name belongs to: `protocol` for `tcpchat.wire.codec`."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] or package


def module_of(source: Path) -> str:
    parts = source.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported when the code runs, those in functions too."""
    for child in ast.iter_child_nodes(node):
        if is_for_types_only(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.module is not None
            assert not child.level, "imports are absolute"
            if child.module == "tcpchat":
                parts = {f"tcpchat.{alias.name}" for alias in child.names}
                yield from (part if part_of(part) in LEVEL else "tcpchat" for part in parts)
            else:
                yield child.module
        yield from imports(child)


IMPORTS = {module_of(source): set(imports(ast.parse(source.read_text()))) for source in SOURCES}


def named(command: Command[Any, Any]) -> str:
    return command.name


def test_every_command_has_a_name_and_a_request_of_its_own() -> None:
    assert len(BY_NAME) == len(COMMANDS) == len({command.request for command in COMMANDS})


THEMES = {"messages", "rooms", "named_rooms", "membership", "profile", "sessions", "moderation", "server"}


def test_commands_and_handlers_have_the_same_themes() -> None:
    assert {command.request.__module__ for command in COMMANDS} == {f"tcpchat.commands.{t}" for t in THEMES}
    assert {handler.__module__ for handler in HANDLERS.values()} == {f"tcpchat.handlers.{t}" for t in THEMES}


def test_every_record_of_a_theme_is_in_the_registry() -> None:
    modules = [importlib.import_module(f"tcpchat.commands.{theme}") for theme in THEMES]
    records = [value for module in modules for value in vars(module).values() if isinstance(value, Command)]
    assert {record.name for record in records} == set(BY_NAME)
    assert len(records) == len(COMMANDS)


def test_every_command_has_one_handler_and_every_handler_a_command() -> None:
    assert set(HANDLERS) == {command.request for command in COMMANDS}
    assert len(set(HANDLERS.values())) == len(COMMANDS)
    assert set(NOWAIT) == {command.request for command in COMMANDS if command.pipelined}
    assert set(PRECHECKS) <= set(HANDLERS)


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_handler_is_async_and_in_the_module_of_its_commands_theme(command: Command[Any, Any]) -> None:
    handler = HANDLERS[command.request]
    assert inspect.iscoroutinefunction(handler)
    theme = command.request.__module__.rpartition(".")[2]
    assert handler.__module__ == f"tcpchat.handlers.{theme}"
    for other in (NOWAIT.get(command.request), PRECHECKS.get(command.request)):
        assert other is None or (
            other.__module__ == handler.__module__ and not inspect.iscoroutinefunction(other)
        )


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_record_and_its_request_name_the_same_replies(command: Command[Any, Any]) -> None:
    (base,) = command.request.__orig_bases__
    (reply,) = typing.get_args(base)
    assert set(typing.get_args(reply) or (reply,)) == {command.reply, *command.other_replies}
    local = [kind for kind in (command.reply, *command.other_replies) if "commands" in kind.__module__]
    assert all(kind.__module__ == command.request.__module__ for kind in local)


def test_a_second_handler_of_a_command_is_a_mistake() -> None:
    async def another(caller: Any, request: Any) -> Any: ...

    with pytest.raises(ValueError, match="ping"):
        handles(BY_NAME["ping"])(another)


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_command_explains_itself_and_its_fields(command: Command[Any, Any]) -> None:
    assert issubclass(command.request, Request)
    assert command.request.__doc__
    assert command.summary
    assert not command.summary.endswith(".")
    for field in attrs.fields(command.request):
        assert field.metadata["help"], field.name


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_arguments_that_may_be_left_out_and_the_rest_of_a_line_come_last(command: Command[Any, Any]) -> None:
    needed = [field.default is attrs.NOTHING for field, _ in command.arguments]
    assert needed == sorted(needed, reverse=True)
    assert not any(argument.rest for _, argument in command.arguments[:-1])


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_what_a_plain_line_cannot_leave_out_it_can_say(command: Command[Any, Any]) -> None:
    said = {field.name for field, _ in command.arguments}
    said |= {field.name for field, option in command.options if option.secret}
    for field in attrs.fields(command.request):
        assert field.name in said or field.default in {None, False}, field.name


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_only_a_flag_is_given_without_a_value(command: Command[Any, Any]) -> None:
    types = get_type_hints(command.request)
    for field, option in command.options:
        assert (option.metavar is None) == (types[field.name] in {bool, bool | None}), field.name


@pytest.mark.parametrize("module", [module for module in IMPORTS if module != "tcpchat"])
def test_dependencies_point_one_way(module: str) -> None:
    part = part_of(module)
    for imported in IMPORTS[module]:
        other = part_of(imported)
        if imported.split(".")[0] == "tcpchat" and other != part:
            assert LEVEL[other] < LEVEL[part], f"{module} imports {imported}"


@pytest.mark.parametrize(
    "module", [module for module in IMPORTS if part_of(module) in {"wire", "protocol", "commands", "chat"}]
)
def test_the_core_does_no_input_and_output(module: str) -> None:
    assert not {imported.split(".")[0] for imported in IMPORTS[module]} & NO_IO


@pytest.mark.parametrize("module", [module for module in IMPORTS if part_of(module) in {"wire", "chat"}])
def test_what_cannot_block_is_not_async(module: str) -> None:
    source = (ROOT.parent / module.replace(".", "/")).with_suffix(".py")
    path = source if source.exists() else source.with_suffix("") / "__init__.py"
    nodes = ast.walk(ast.parse(path.read_text()))
    assert not [node.name for node in nodes if isinstance(node, ast.AsyncFunctionDef)]


DECLARATIONS = {
    "wire/base.py",
    "wire/events.py",
    "wire/room_events.py",
    "chat/wakeups.py",
    "chat/subscriber.py",
    "chat/operations/base.py",
}
"""Modules of fields and signatures; those that use them test them."""


@pytest.mark.parametrize("part", ["wire", "chat"])
def test_each_module_of_the_core_has_a_test_module(part: str) -> None:
    tests = ROOT.parent / "tests"
    paths = [path.relative_to(ROOT) for path in (ROOT / part).rglob("*.py") if path.name != "__init__.py"]
    bare = {str(path) for path in paths if not (tests / path.with_name(f"test_{path.name}")).exists()}
    assert bare == {module for module in DECLARATIONS if module.startswith(part)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_begins_with_a_noun_that_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert docstring.split()[0].lower() not in {
        "what",
        "how",
        "who",
        "whom",
        "when",
        "where",
        "whether",
        "why",
    }


def test_no_modules_of_the_chat_import_one_another_in_a_circle() -> None:
    graph = {module: names for module, names in IMPORTS.items() if part_of(module) == "chat"}
    done: set[str] = set()
    while ready := {
        module for module in graph if module not in done and not graph[module] & graph.keys() - done
    }:
        done |= ready
    assert graph.keys() == done


def test_nothing_knows_of_what_only_tests_it() -> None:
    roots = {name.split(".")[0] for names in IMPORTS.values() for name in names}
    assert "trio" in roots
    assert not {"chaos", "tests", "benchmarks"} & roots


def test_the_store_does_not_know_the_chat() -> None:
    of_store = {name for module, names in IMPORTS.items() if part_of(module) == "store" for name in names}
    assert "tcpchat.errors" in of_store
    assert "chat" not in map(part_of, of_store)


def test_what_blocks_goes_through_what_a_simulation_replaces_but_for_what_is_named() -> None:
    threads = {module_of(source) for source in SOURCES if "trio.to_thread" in source.read_text()}
    exceptions = {"tcpchat.store.reader", "tcpchat.service.reload"}  # a copy of the database, and a reload
    whole_programs = {
        "tcpchat.service.embedded",
        "tcpchat.repl.pipe",
    }  # a server beside its client, and a client
    assert threads - whole_programs == {"tcpchat.threads"} | exceptions


def test_the_grammar_of_commands_comes_without_the_server() -> None:
    """A client needs it for help and completion."""
    script = "import sys, tcpchat.commands; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert "tcpchat.commands.messages" in loaded
    server_side = ("tcpchat.handlers", "tcpchat.chat", "tcpchat.store", "tcpchat.server", "trio", "sqlite3")
    assert not [module for module in loaded if module.startswith(server_side)]


def test_the_client_comes_without_the_server() -> None:
    modules = [module for module in IMPORTS if part_of(module) in {"client", "link", "repl"}]
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert "prompt_toolkit" in loaded
    server_side = {
        "handlers",
        "chat",
        "store",
        "serving",
        "server",
        "service",
        "settings",
        "cli",
    }
    assert not {part_of(module) for module in loaded if module.startswith("tcpchat.")} & server_side
    assert not {"sqlite3", "structlog", "cyclopts", "precis_i18n", "argon2"} & set(loaded)


def test_the_version_comes_without_anything() -> None:
    script = "import sys, tcpchat.cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert not {"trio", "attrs", "orjson", "prompt_toolkit", "cyclopts", "asyncio"} & set(loaded)


def test_only_the_command_line_knows_its_parser() -> None:
    users = {
        module for module, names in IMPORTS.items() if any(name.startswith("cyclopts") for name in names)
    }
    assert {part_of(module) for module in users} == {"cli"}


def test_only_the_terminal_knows_prompt_toolkit() -> None:
    users = {module for module, names in IMPORTS.items() if any("prompt_toolkit" in name for name in names)}
    parts = ("input_line", "keyboard", "layout", "output", "printer", "terminal")
    assert users == {f"tcpchat.repl.terminal.{part}" for part in parts}


@pytest.mark.parametrize(
    "module",
    [
        module
        for module in IMPORTS
        if re.match(r"tcpchat\.repl\.(input|view|model)\.|tcpchat\.repl\.prompts", module)
    ],
)
def test_what_is_pure_in_the_client_does_no_input_and_output(module: str) -> None:
    assert not {imported.split(".")[0] for imported in IMPORTS[module]} & {*NO_IO, "asyncio"}


def test_the_library_hands_out_all_that_it_names() -> None:
    assert all(getattr(tcpchat, name) for name in tcpchat.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = tcpchat.nothing


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield what raises, makes or hands on a ChatError, with the code where it stands there."""
    makers = {"ChatError", "_refuse", "_bad"}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in makers:
                yield f"{source.name}:{node.lineno}", node


def test_every_code_is_raised_somewhere() -> None:
    text = "".join(source.read_text() for source in SOURCES if source.name != "errors.py")
    assert [code for code in CODES if f'"{code}"' not in text] == []


def test_every_code_that_is_raised_is_listed() -> None:
    codes = {
        call.args[0].value
        for _, call in calls()
        if ast.unparse(call.func) == "ChatError" and call.args and isinstance(call.args[0], ast.Constant)
    }
    assert codes
    assert codes <= set(CODES)


def test_every_detail_of_an_error_is_a_field_of_the_reply() -> None:
    """Else the reply to a user's mistake would be our bug."""
    fields = {field.name for field in attrs.fields(Error)}
    for place, call in calls():
        details = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        assert details <= fields, place


def test_the_package_is_typed() -> None:
    assert (ROOT / "py.typed").is_file()
