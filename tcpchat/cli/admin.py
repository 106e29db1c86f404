"""The operator's arguments → requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter

from tcpchat.admin import backup, ban, bans, create, delete, export, mute, password, unban, unmute, users
from tcpchat.admin.command import AdminCommand
from tcpchat.cli.operator import Operator, coded, is_sure, make_up_password, take_password
from tcpchat.cli.outcome import FAILED
from tcpchat.protocol import Request
from tcpchat.settings import Storage
from tcpchat.times import parse_duration


def _check_duration(_: type, value: str | None) -> None:
    if value is not None:
        parse_duration(value)  # its ValueError is what the parser shows


def _switch(help: str, name: str | None = None) -> Parameter:
    return Parameter(name=name, negative="", show_default=False, help=help)


Name = Annotated[str, Parameter(help="The user's name.")]
Target = Annotated[str, Parameter(help="A name, an address, or a network such as 192.0.2.0/24.")]
IsName = Annotated[bool, _switch("TARGET is a name, though it looks like an address.")]
Everybody = Annotated[bool, _switch("List the guests too who are here or may come back.", "--all")]
Generate = Annotated[bool, _switch("Make up a password and print it, instead of asking for one.")]
Yes = Annotated[bool, _switch("Do not ask whether you are sure.")]
File = Annotated[Path, Parameter(help="The copy of the data.")]
Reason = Annotated[str | None, Parameter(show_default=False, help="Why. The user reads it.")]
_DURATION_HELP = "For how long: seconds, or 10m, 1h30m, 2d. Without it for good."
Duration = Annotated[
    str | None, Parameter(name="--for", show_default=False, validator=_check_duration, help=_DURATION_HELP)
]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Where:
    """Whose users these are, and how the reply is printed."""

    data: Annotated[Path | None, Parameter(env_var="TCPCHAT_DATA", show_default=False)] = None
    """The server's data folder, as tcpchat serve has it."""
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Print the server's reply, a line of JSON."""

    @property
    def operator(self) -> Operator:
        folder = Storage(data=self.data).folder
        assert folder is not None  # as it is not ephemeral
        return Operator(folder, self.json)


HERE = Where()

app = App(
    name="admin",
    help="Manage users and bans of the server with this data folder, whether it runs or not.",
    config=[lambda *_: None],  # what the environment sets for a chat is nothing for this
)


def _command(command: AdminCommand[Any]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Let the function take the arguments of one of the operator's commands."""
    summary = f"{command.summary[0].upper()}{command.summary[1:]}."
    examples = "".join(f"\n\n{example}" for example in command.examples)

    def register(function: Callable[..., int]) -> Callable[..., int]:
        app.command(function, name=command.name, help=f"{summary}\n\nFor example:{examples}")
        return function

    return register


@_command(create.COMMAND)
def _create(name: Name, /, *, generate: Generate = False, where: Where = HERE) -> int:
    return _with_password(
        where, lambda password: create.Create(name=name, password=password), generate=generate, new=True
    )


@_command(password.COMMAND)
def _password(name: Name, /, *, generate: Generate = False, where: Where = HERE) -> int:
    return _with_password(
        where, lambda secret: password.Password(name=name, password=secret), generate=generate
    )


def _with_password(
    where: Where, request: Callable[[str], Request], *, generate: bool, new: bool = False
) -> int:
    def run() -> int:
        if not generate:
            return where.operator.do(request(take_password()), new=new)
        made_up = make_up_password()
        return where.operator.do(request(made_up), new=new, made_up=made_up)

    return coded(run)


@_command(users.COMMAND)
def _users(*, everybody: Everybody = False, where: Where = HERE) -> int:
    def page(rows: list[Any]) -> Request:
        return users.Users(all=everybody, after=rows[-1]["name"] if rows else "")

    empty = f"There are no {'' if everybody else 'registered '}users."
    return coded(lambda: where.operator.show("users", page, empty))


@_command(ban.COMMAND)
def _ban(
    target: Target,
    /,
    *,
    duration: Duration = None,
    reason: Reason = None,
    name: IsName = False,
    where: Where = HERE,
) -> int:
    request = ban.Ban(target=target, name=name, seconds=_seconds(duration), reason=reason)
    return coded(lambda: where.operator.do(request))


@_command(unban.COMMAND)
def _unban(target: Target, /, *, name: IsName = False, where: Where = HERE) -> int:
    return coded(lambda: where.operator.do(unban.Unban(target=target, name=name)))


@_command(bans.COMMAND)
def _bans(*, where: Where = HERE) -> int:
    def page(rows: list[Any]) -> Request:
        return bans.Bans(skip=len(rows))

    return coded(lambda: where.operator.show("bans", page, "Nobody is banned."))


@_command(mute.COMMAND)
def _mute(name: Name, /, *, duration: Duration = None, reason: Reason = None, where: Where = HERE) -> int:
    request = mute.Mute(name=name, seconds=_seconds(duration), reason=reason)
    return coded(lambda: where.operator.do(request))


@_command(unmute.COMMAND)
def _unmute(name: Name, /, *, where: Where = HERE) -> int:
    return coded(lambda: where.operator.do(unmute.Unmute(name=name)))


@_command(export.COMMAND)
def _export(name: Name, /, *, where: Where = HERE) -> int:
    return coded(lambda: where.operator.export(export.Export(name=name)))


@_command(delete.COMMAND)
def _delete(name: Name, /, *, yes: Yes = False, where: Where = HERE) -> int:
    def run() -> int:
        if not (yes or is_sure(f"Delete {name}, and the text of all that {name} wrote?")):
            return FAILED
        return where.operator.do(delete.Delete(name=name))

    return coded(run)


@_command(backup.COMMAND)
def _backup(file: File, /, *, where: Where = HERE) -> int:
    # What is relative is so to where the operator is, which the server does not know.
    return coded(lambda: where.operator.do(backup.Backup(file=str(file.absolute()))))


@app.command(name="restore")
def _restore(file: File, /, *, yes: Yes = False, where: Where = HERE) -> int:
    """Put a copy that backup made in the place of the data, which is kept aside. No server may run.

    For example:

    tcpchat admin restore friday.db
    """
    operator = where.operator

    def wanted() -> bool:
        question = f"Put {file} in the place of the data in {operator.folder}?"
        return yes or is_sure(question, "this replaces the server's data, which is kept aside")

    return coded(lambda: operator.restore(file, wanted))


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else parse_duration(duration)
