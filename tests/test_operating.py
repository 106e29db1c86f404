"""docs/operating.md and deploy/ agree with settings, flags, files and messages."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import attrs
import orjson
import pytest
from prometheus_client import generate_latest

from tcpchat.cli import admin
from tcpchat.cli.app import app, read_settings
from tcpchat.errors import CODES
from tcpchat.service.metrics import Metrics
from tcpchat.settings import Settings, is_live
from tests.process import ServerProcess, environment
from tests.running import RunningServer

ROOT = Path(__file__).parent.parent
MANUAL = (ROOT / "docs/operating.md").read_text()
UNIT = (ROOT / "deploy/tcpchat.service").read_text()
IMAGE = (ROOT / "deploy/Dockerfile").read_text()
HEALTH = ROOT / "deploy/healthcheck.py"


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else str(value).lower()


def test_the_table_of_settings_is_complete_and_right() -> None:
    table = MANUAL.partition("| setting |")[2].partition("\n## ")[0]
    told: dict[str, tuple[str, bool]] = {}
    for names, defaults, live in re.findall(r"^\| (`[^|]*) \| ([^|]*) \| (yes|no) \|", table, re.MULTILINE):
        found = re.findall(r"`(\w+)`", names)
        for name, default in zip(found, defaults.split(", "), strict=True):
            told[name] = default, live == "yes"
    is_so = {
        field.name: (shown(getattr(group, field.name)), is_live(field))
        for group in attrs.asdict(Settings(), recurse=False).values()
        for field in attrs.fields(type(group))
    }
    assert told.pop("data") == ("see above", False)
    assert is_so.pop("data") == ("none", False)
    assert told == is_so


def blocks(language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    """Yield the arguments of each `tcpchat` that is shown, by itself or in a container."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    for line in lines + re.findall(r"`(tcpchat [^`…]*)`", MANUAL):
        words = shlex.split(line)
        if words[0] == "tcpchat":
            yield words[1:]
        elif words[:2] == ["docker", "exec"]:
            yield words[4:]


def test_each_command_line_in_the_manual_parses() -> None:
    parsed = list(commands())
    assert len(parsed) >= 6
    for words in parsed:
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        if words[0] == "admin":
            admin.commands.parse_args(bound.args, exit_on_error=False, print_error=False)


def test_the_example_of_settings_is_valid(tmp_path: Path) -> None:
    (block,) = blocks("toml")
    file = tmp_path / "tcpchat.toml"
    file.write_text(block)
    settings = read_settings(["serve", "--config", str(file)])
    assert settings.tls.tls_host == ("0.0.0.0", "::")
    assert settings.listening.host == ("127.0.0.1",)
    assert settings.running.metrics == "9464"
    assert settings.rules.require_login


async def test_the_table_of_metrics_is_complete_and_right(running: RunningServer) -> None:
    text = generate_latest(Metrics(running.node).registry).decode()
    families = set(re.findall(r"^# TYPE (tcpchat_\w+?)(?:_created)? ", text, re.MULTILINE))
    table = MANUAL.partition("| metric |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(tcpchat_\w+)", table)) == families
    for name in re.findall(r"\b(tcpchat_\w+)[{\[]", "".join(blocks("yaml"))):
        assert name.removesuffix("_bucket") in families, name
    for code in re.findall(r'code="([\w-]+)"', MANUAL):
        assert code in CODES


def test_the_errors_in_the_manual_exist() -> None:
    sources = "".join(path.read_text() for path in sorted((ROOT / "tcpchat").rglob("*.py")))
    table = MANUAL.partition("| it says |")[2]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    said = [sentence for cell in cells for sentence in re.findall(r"`([^`]+)`", cell)]
    assert len(said) > 10
    for sentence in said:
        for part in re.split(r" ?\(?process …\)?|: …|…", sentence):
            assert part.strip(" :") in sources, part


def test_the_unit_starts_the_server_with_valid_flags(tmp_path: Path) -> None:
    command = shlex.split(re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)[0])
    (tmp_path / "tcpchat.toml").write_text("")
    arguments = [str(tmp_path / "tcpchat.toml") if "/etc/" in word else word for word in command[1:]]
    settings = read_settings(arguments)
    state = re.findall(r"^StateDirectory=(.*)$", UNIT, re.MULTILINE)[0]
    assert settings.storage.data == Path("/var/lib") / state
    stop = float(re.findall(r"^TimeoutStopSec=(.*)$", UNIT, re.MULTILINE)[0])
    assert stop > Settings().running.stop_seconds * 2
    lines = {"Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "Restart=on-failure"}
    assert lines <= set(UNIT.splitlines())


@pytest.mark.needs("systemd-analyze")
def test_systemd_accepts_the_unit_and_rates_it_secure(tmp_path: Path) -> None:
    unit = tmp_path / "tcpchat.service"
    unit.write_text(UNIT.replace("/opt/tcpchat/bin/tcpchat", "/bin/true"))
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    assert output(verify) == ""
    rate = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    level = output(rate).partition("exposure level for tcpchat.service: ")[2].split()[0]
    assert float(level) <= 1.5


def output(command: list[str]) -> str:
    return subprocess.check_output(command, stderr=subprocess.STDOUT, text=True, timeout=20)


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", IMAGE, re.MULTILINE)


def test_each_file_that_the_image_copies_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    through = [line[1:] for line in ignored if line.startswith("!")]
    copied = [line.split()[:-1] for line in instructions("COPY") if "--from" not in line]
    sources = [source for files in copied for source in files]
    assert "tcpchat" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, name) or source.startswith(f"{name}/") for name in through), source


def test_every_file_that_the_build_reads_is_copied() -> None:
    """The package's metadata names files, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {project["readme"], *project["license-files"]}
    assert needed == {"README.md", "LICENSE"}
    assert needed <= set(" ".join(instructions("COPY")).split())


def test_the_image_runs_a_server_that_other_machines_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r"(TCPCHAT_\w+)=(\S+)", " ".join(instructions("ENV"))):
        monkeypatch.setenv(name, value)
    entry, command = (orjson.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["tcpchat"]
    settings = read_settings(command)
    assert settings.listening.host == ("0.0.0.0",)
    assert str(settings.listening.port) == instructions("EXPOSE")[0]
    assert str(settings.storage.data) == instructions("VOLUME")[0]
    assert instructions("USER") == ["tcpchat"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    (health,) = re.findall(r"CMD (\[.*\])$", instructions("HEALTHCHECK")[0])
    assert orjson.loads(health)[1] in " ".join(instructions("COPY"))


def healthy(port: int) -> int:
    told = environment({"TCPCHAT_PORT": str(port)})
    return subprocess.run(
        [sys.executable, HEALTH], check=False, env=told, timeout=20, capture_output=True
    ).returncode


def test_the_health_check_tests_the_server_and_not_only_its_port() -> None:
    with ServerProcess("--ephemeral", "--require-login") as server:
        assert healthy(server.port) == 0
    assert healthy(server.port) == 1
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert healthy(silent.getsockname()[1]) == 1


def test_the_unit_lets_hashing_threads_lower_their_priority() -> None:
    filters = re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE)
    assert filters.index("setpriority") > filters.index("~@privileged @resources"), "the last word counts"
