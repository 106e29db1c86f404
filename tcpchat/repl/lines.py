"""Typed lines: sent, run, or asked about. Owns the open question."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import attrs
import trio

from tcpchat.client import Client, Offline
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    GUEST,
    ChangePassword,
    ChangeRole,
    ChangeTopic,
    CloseRoom,
    CreateRoom,
    Edit,
    Exit,
    GetHelp,
    GetSchema,
    InviteUser,
    JoinRoom,
    ListMembers,
    Login,
    MarkRead,
    NeedsSecret,
    ReadHistory,
    Register,
    RemoveMember,
    Request,
    Send,
    as_error,
)
from tcpchat.repl.calls import Calls
from tcpchat.repl.client_commands import TO, ClientCommands
from tcpchat.repl.held_text import PASSWORD, HeldText, Hold, needs_place, wrong_place
from tcpchat.repl.input.parse import (
    Ambiguous,
    Call,
    Meaning,
    Misplaced,
    NeedsPassword,
    RunCommand,
    SendText,
    understand,
)
from tcpchat.repl.input.vocabulary import concerns_password, tells_secret
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.place import Place
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.password_checks import PasswordChecks
from tcpchat.repl.prompts import (
    Action,
    Ask,
    CommandOrText,
    Fail,
    GiveBack,
    Keep,
    Leave,
    OptionOrText,
    PasswordPrompt,
    Question,
    QuitPrompt,
    RunLine,
    Tell,
    losses,
    refuse,
)
from tcpchat.repl.view.display import Display


class Lines:
    """Handles lines in the order in which they are entered; a hosting client ends the server with it."""

    def __init__(
        self,
        client: Client,
        model: Model,
        display: Display,
        calls: Calls,
        preferences: Preferences,
        *,
        hosting: bool,
    ) -> None:
        self.failures = 0
        """How many lines failed before they became a request."""
        self.question: Question | None = None
        """The question whose answer the next line is."""
        self.left = trio.Event()
        """The person has left."""
        self._client = client
        self._model = model
        self._display = display
        self._screen = display.screen
        self._calls = calls
        self._commands = ClientCommands(model, display, preferences, calls.show_in_order)
        self._preferences = preferences
        self._hosting = hosting
        self._passwords = PasswordChecks()
        self._hold: Hold | None = None  # why the next text is not sent unasked
        self._line = ""  # the last one that was entered and is no answer
        self._entering = False  # a room: where text goes is known when the server has answered
        self._waiting: list[tuple[str, bool]] = []  # the lines that were entered meanwhile

    def enter(self, line: str, *, pasted: bool = False) -> None:
        """Send or run a line, take it as an answer, or show why none of these is possible.

        Breaks at its end, as of a paste, are not part of it.
        """
        line = line.rstrip("\n")
        question = self._close_question()
        if question is not None:
            self._perform(question.answer(line))
        elif not line and isinstance(self._client.state, Offline):
            self._client.retry_now()
        elif self._passwords.running and self._screen.asks:
            self._passwords.lines.append((line, pasted))
            self._screen.refresh()
        elif self._entering:
            self._waiting.append((line, pasted))
            self._screen.refresh()
        else:
            self._perform([RunLine(line, pasted)])

    def send(self, text: str) -> None:
        """Send a line of data to the place of the prompt, whatever it says; a blank one is left out."""
        if text.strip():
            self._perform([SendText(text)])

    def end(self) -> None:
        """Take it that no more lines will be entered."""
        if self.asks_password:
            self.enter("")

    @property
    def asks_password(self) -> bool:
        """Whether the next line is a password."""
        return self.question is not None and self.question.secret

    @property
    def waiting(self) -> int:
        """How many lines wait until the server has checked a password, or let you enter a room."""
        return len(self._passwords.lines) + len(self._waiting)

    def may_keep(self, line: str) -> bool:
        """Return whether a line may be kept, to be found again: not if it may hold a password."""
        question = self.question
        private = question is not None and (question.secret or question.private)
        return not private and self._hold is not PASSWORD and not tells_secret(line)

    def take_back(self) -> None:
        """Close the open question without an answer."""
        question = self._close_question()
        if question is not None:
            self._perform(question.take_back())

    def leave(self) -> None:
        """Leave, after a question if messages or other people would suffer; not if that is asked already.

        A line that waits for an answer is given back instead.
        """
        if isinstance(self.question, CommandOrText | OptionOrText | HeldText):
            self.take_back()
            return
        others = len(self._model.roster) - 1 if self._hosting else 0
        unsent = self._calls.unsent
        if not losses(unsent, others) or not self._screen.asks or isinstance(self.question, QuitPrompt):
            self.left.set()
        else:
            self._ask(QuitPrompt(unsent, others))

    def _ask(self, question: Question) -> None:
        if question.text:
            answers = "" if self._screen.has_input else question.short_in_lines
            self._display.notice(f"{question.text} [{answers}]" if answers else question.text)
        self.question = question
        self._screen.refresh()

    def _close_question(self) -> Question | None:
        question, self.question = self.question, None
        if question is not None:
            self._screen.refresh()
        return question

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            try:
                self._act(action)
            except ChatError as error:
                self.failures += 1
                self._calls.show_in_order(partial(self._display.refuse, as_error(error)))
                if isinstance(action, RunLine) and concerns_password(action.line):
                    self._hold = PASSWORD

    def _act(self, action: Action) -> None:
        """Perform an action of a question. Raises ChatError where a line is no command or used wrongly."""
        match action:
            case RunLine(line=line, pasted=pasted):
                self._line = line
                kept = self._preferences.words if self._screen.asks else {}
                self._do(understand(line, kept, pasted=pasted))
            case Ask(question=question):
                self._ask(question)
            case Tell(text=text):
                self._display.notice(text)
            case Fail(text=text):
                self.fail(text)
            case GiveBack(line=line, shown=shown):
                self._screen.edit(line, shown)
            case Keep(word=word, answer=answer):
                self._commands.keep(word, answer)
            case Leave():
                self.left.set()
            case _:
                self._do(action)

    def _do(self, meaning: Meaning) -> None:
        """Do what a line means. Raises ChatError where a command of the client is used wrongly."""
        match meaning:
            case SendText(text=text):
                self._request(Send(text=text))
            case Call(request=request):
                self._request(request)
            case NeedsPassword(incomplete=incomplete):
                self._passwords.begin()
                self._ask_password(incomplete)
            case RunCommand():
                self._run(meaning)
            case Ambiguous():
                self._perform([Ask(CommandOrText(meaning))] if self._screen.asks else refuse(meaning))
            case Misplaced():
                asks = self._screen.asks
                self._perform([Ask(OptionOrText(meaning)) if asks else Fail(meaning.refusal)])

    def _run(self, command: RunCommand) -> None:
        """Run a command of the client. Raises ChatError; where text goes is in doubt then."""
        try:
            self._commands.run(command)
        except ChatError:
            if command.name == TO:
                self._hold = wrong_place(f"{TO} {command.argument}")
            raise
        if command.name == TO:
            self._hold = None

    def _request(self, request: Request) -> None:
        if self._hold is not None and needs_place(request):
            self._check(request, self._hold)
            return
        if self._hold is not None and not self._hold.lasting:
            self._hold = None
        request = self._in_place(request)
        match request:
            case Send() | Edit():
                self._calls.send(request)
            case Login() | Register() | ChangePassword():
                self._passwords.running = True
                self._calls.request(request, partial(self._end_check, request, self._model.place))
            case JoinRoom() | CreateRoom():
                self._entering = True
                self._calls.request(request, partial(self._end_entering, request))
            case Exit():
                self.leave()
            case GetHelp():
                self._commands.help(request.command)
            case GetSchema() if self._screen.asks:
                tls = "" if self._client.tls is None else "--tls "
                command = f"echo schema | tcpchat connect --commands {tls}{self._client.address} | less"
                self._display.notice(f"the schema has thousands of lines; to read it: {command}")
            case _:
                self._calls.request(request)

    def _end_check(self, request: Request, place: Place, error: Exception | None) -> None:
        """Ask for a refused password again, or hold the next line; enter the lines that waited.

        They are given back where they would be said by another user, or elsewhere, than the person thought.
        """
        again = self._passwords.end(request, error)
        if error is not None and again is not None and self._screen.asks and self.question is None:
            self._ask(PasswordPrompt(again, person=True))
        elif error is not None:
            self._hold = PASSWORD
        lines = self._passwords.take_lines()
        if error is None and self._model.place == place:
            for line, pasted in lines:
                self.enter(line, pasted=pasted)
        else:
            for line, _ in reversed(lines):
                self._screen.edit(line, "…")

    def _end_entering(self, request: JoinRoom | CreateRoom, error: Exception | None) -> None:
        """Enter the lines that waited; after a refusal text is not sent to the place before it unasked."""
        self._entering = False
        self._hold = None if error is None else wrong_place(f"{request.type} {request.name}")
        lines, self._waiting = self._waiting, []
        for line, pasted in lines:
            self.enter(line, pasted=pasted)

    def _check(self, send: Request, hold: Hold) -> None:
        """Ask before text is sent that is held; refuse it where nobody can be asked."""
        asks = self._screen.asks
        if asks or not hold.lasting:
            self._hold = None
        question = Ask(HeldText(self._line, send, hold, self._model.place.name))
        self._perform([question if asks else Fail(hold.refusal(self._line))])

    def _in_place(self, request: Request) -> Request:
        """Return the request for the place of the prompt, if it is for one and names none."""
        place = self._model.place
        match request:
            case (
                Send(room=None, username=None)
                | Edit(room=None, username=None)
                | MarkRead(room=None, username=None)
                | ReadHistory(room=None, username=None, unread=False)
            ):
                return attrs.evolve(request, room=place.room_field, username=place.user)
            case (
                ListMembers(room=None)
                | InviteUser(room=None)
                | ChangeTopic(room=None)
                | ChangeRole(room=None)
                | RemoveMember(room=None)
                | CloseRoom(room=None)
            ):
                return attrs.evolve(request, room=place.room_field)
        return request

    def _ask_password(self, incomplete: NeedsSecret) -> None:
        """Ask for the password that was left out, unless the server would refuse the request anyway."""
        user = self._client.user
        if incomplete.command.name == Register.type and user.startswith(GUEST):
            self.fail("choose a name first (/rename NAME); guest names cannot be registered")
        elif incomplete.command.name == Register.type and self._client.registered:
            self.fail(f"{user} is registered already")
        else:
            self._ask(PasswordPrompt(incomplete, person=self._screen.asks))

    def fail(self, text: str) -> None:
        """Show why a line was not done, and count it."""
        self.failures += 1
        self._calls.show_in_order(partial(self._display.fail, text))
