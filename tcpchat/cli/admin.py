"""`tcpchat admin`: the operator's arguments, which become requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter

from tcpchat.admin import data, moderation, users
from tcpchat.admin.command import AdminCommand
from tcpchat.cli.admin_runner import Operator, exit_code, generate_password, is_sure, read_password
from tcpchat.cli.exit_codes import FAILED
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
IsName = Annotated[bool, _switch("TARGET is a name, even if it looks like an address.")]
Everybody = Annotated[bool, _switch("Also list guests who are connected or may return.", "--all")]
Generate = Annotated[bool, _switch("Generate a password and print it, instead of asking for one.")]
Yes = Annotated[bool, _switch("Do not ask for confirmation.")]
File = Annotated[Path, Parameter(help="The copy of the data.")]
Reason = Annotated[str | None, Parameter(show_default=False, help="The reason, which the user can read.")]
_DURATION_HELP = "Duration: seconds, or 10m, 1h30m, 2d. Permanent if omitted."
Duration = Annotated[
    str | None, Parameter(name="--for", show_default=False, validator=_check_duration, help=_DURATION_HELP)
]
Runner = Annotated[Operator, Parameter(parse=False)]
"""Not an argument: made of the options that all commands share."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Common:
    """Options of all commands, which may stand before the command too."""

    data: Annotated[Path | None, Parameter(env_var="TCPCHAT_DATA", show_default=False)] = None
    """The server's data folder, as for tcpchat serve."""
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Print the server's reply as one line of JSON."""

    @property
    def operator(self) -> Operator:
        folder = Storage(data=self.data).folder
        assert folder is not None  # as it is not ephemeral
        return Operator(folder, self.json)


DEFAULTS = Common()

commands = App(
    name="tcpchat admin",
    help="Manage the users, bans, mutes and data of a data folder, whether its server runs or not.",
)
app = commands.meta
for one in (commands, app):
    one.config = [lambda *_: None]  # settings of a chat in the environment do not count


@app.default
def admin(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)], common: Common = DEFAULTS
) -> int:
    """Manage the users, bans, mutes and data of a data folder, whether its server runs or not.

    For example:

    tcpchat admin users --data /srv/chat --all
    """
    command, bound, injected = commands.parse_args(tokens, exit_on_error=False, print_error=False)
    return exit_code(lambda: command(*bound.args, **bound.kwargs, **dict.fromkeys(injected, common.operator)))


def _command(command: AdminCommand[Any, Any]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Register a function that takes the arguments of one of the operator's commands."""
    summary = f"{command.summary[0].upper()}{command.summary[1:]}."
    examples = "".join(f"\n\n{example}" for example in command.examples)

    def register(function: Callable[..., int]) -> Callable[..., int]:
        commands.command(function, name=command.name, help=f"{summary}\n\nFor example:{examples}")
        return function

    return register


@_command(users.CREATE)
def _create(name: Name, /, *, generate: Generate = False, operator: Runner) -> int:
    return _with_password(
        operator, lambda secret: users.CreateUser(name=name, password=secret), generate=generate, new=True
    )


@_command(users.PASSWORD)
def _password(name: Name, /, *, generate: Generate = False, operator: Runner) -> int:
    return _with_password(
        operator, lambda secret: users.ResetPassword(name=name, password=secret), generate=generate
    )


def _with_password(
    operator: Operator, request: Callable[[str], Request], *, generate: bool, new: bool = False
) -> int:
    secret = generate_password() if generate else read_password()
    return operator.do(request(secret), new=new, generated=secret if generate else None)


@_command(users.USERS)
def _users(*, everybody: Everybody = False, operator: Runner) -> int:
    def page(rows: list[Any]) -> Request:
        return users.ListUsers(all=everybody, after=rows[-1]["name"] if rows else "")

    empty = f"There are no {'' if everybody else 'registered '}users."
    return operator.show("users", page, empty)


@_command(moderation.BAN)
def _ban(
    target: Target,
    /,
    *,
    duration: Duration = None,
    reason: Reason = None,
    name: IsName = False,
    operator: Runner,
) -> int:
    return operator.do(moderation.Ban(target=target, name=name, seconds=_seconds(duration), reason=reason))


@_command(moderation.UNBAN)
def _unban(target: Target, /, *, name: IsName = False, operator: Runner) -> int:
    return operator.do(moderation.Unban(target=target, name=name))


@_command(moderation.BANS)
def _bans(*, operator: Runner) -> int:
    return operator.show("bans", lambda rows: moderation.ListBans(skip=len(rows)), "Nobody is banned.")


@_command(moderation.MUTE)
def _mute(name: Name, /, *, duration: Duration = None, reason: Reason = None, operator: Runner) -> int:
    return operator.do(moderation.Mute(name=name, seconds=_seconds(duration), reason=reason))


@_command(moderation.UNMUTE)
def _unmute(name: Name, /, *, operator: Runner) -> int:
    return operator.do(moderation.Unmute(name=name))


@_command(data.EXPORT)
def _export(name: Name, /, *, operator: Runner) -> int:
    return operator.export(data.Export(name=name))


@_command(data.DELETE)
def _delete(name: Name, /, *, yes: Yes = False, operator: Runner) -> int:
    if not (yes or is_sure(f"Delete {name} and the text of all messages by {name}?")):
        return FAILED
    return operator.do(data.Delete(name=name))


@_command(data.BACKUP)
def _backup(file: File, /, *, operator: Runner) -> int:
    # A relative path is relative to the operator's working directory, which the server does not know.
    return operator.do(data.Backup(file=str(file.absolute())))


@commands.command(name="restore")
def _restore(file: File, /, *, yes: Yes = False, operator: Runner) -> int:
    """Replace the data with a copy made by backup, while no server runs. The old data stays in another file.

    For example:

    tcpchat admin restore friday.db
    """

    def confirmed() -> bool:
        question = f"Replace the data in {operator.folder} with {file}?"
        return yes or is_sure(question, "this replaces the server's data")

    return operator.restore(file, confirmed)


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else parse_duration(duration)
