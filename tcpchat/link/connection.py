"""How a client stays connected: it reaches the server, greets it, notices a loss, and comes back."""

from __future__ import annotations

from collections.abc import Callable

import trio

from tcpchat.commands.ping import Ping
from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.credentials import CurrentUser
from tcpchat.link.desired_identity import TELLING
from tcpchat.link.dial import OpenStream, dial
from tcpchat.link.errors import ConnectError, DisconnectedError, RefusedError, UntrustedError
from tcpchat.link.handshake import FOR_GOOD, Handshake
from tcpchat.link.inbox import Inbox
from tcpchat.link.reconnect import Reconnect
from tcpchat.link.state import Closed, Disconnected, Offline, Online, State
from tcpchat.link.transport import ConnectionLostError, Transport
from tcpchat.protocol import Bye, Error, Event, LoggedOut, Renamed, Reply, encode

GREET = 10.0  # seconds that a server's greeting may take
PING = 15.0  # seconds between two signs of life
DEAD = 15.0  # seconds without an answer to one after which the connection is given up
TURN = 0.1  # seconds that whoever reads gets to catch up, before what does not fit is left to history
STEADY = 10.0  # seconds that a connection must last, else the next attempt waits longer than the one before


class Connection:
    """The connection of one client, over as many streams as it takes.

    Hands what comes in to the outbox and the feed, and what tells who we are to the persona. `where` is the
    server's address for messages.
    """

    def __init__(  # noqa: PLR0913  # the parts of a client, and its settings
        self,
        where: str,
        open_stream: OpenStream,
        reconnect: Reconnect,
        feed: Inbox,
        persona: CurrentUser,
        random: Callable[[], float],
        *,
        history: int,
        patient: bool,
        pause: float,
    ) -> None:
        self.server = ""
        self.latency: float | None = None
        self.state: State = Closed("not connected yet")
        self.failed = False
        """It is closed because it gave up, not because it was left."""
        self.untrusted: UntrustedError | None = None
        """Why it gave up, if that was because somebody else answered."""
        self.feed = feed
        self.persona = persona
        self.outbox = Calls(patient=patient)
        self.news = trio.lowlevel.ParkingLot()
        """Where those wait who want an event."""
        self.taken = trio.lowlevel.ParkingLot()
        """Where the receiver waits until some were taken."""
        self._where = where
        self._open_stream = open_stream
        self._reconnect = reconnect
        self._random = random
        self._waits = reconnect.waits(random)
        self._pause = pause
        self._history = history
        self._work = trio.lowlevel.ParkingLot()  # where the writer waits for requests
        self._asked = trio.lowlevel.ParkingLot()  # where the receiver pauses, unless something is asked
        self._hurry = trio.Event()

    def ask(self, asked: PendingCall) -> None:
        """Put a request on its way.

        Raises DisconnectedError if it cannot wait for a connection, ValueError if no line can hold it.
        """
        if isinstance(self.state, Closed):
            raise DisconnectedError(self.state.reason)
        asked.request = self.persona.wanted.with_device(asked.request)
        try:
            encode(asked.request)
        except TypeError as error:
            raise ValueError(f"this cannot be written as JSON: {error}") from None
        self.outbox.add(asked)
        self.taken.unpark_all()
        self._asked.unpark_all()
        self._work.unpark_all()

    async def ping(self) -> float:
        """Return the seconds to the server and back."""
        began = trio.current_time()
        asked = PendingCall(Ping())
        self.ask(asked)
        await asked.wait()
        self.latency = trio.current_time() - began
        return self.latency

    def retry_now(self) -> None:
        """Do not wait any longer before the next attempt to come back."""
        self._hurry.set()

    async def run(self, link: Transport | None) -> None:
        """Use this first link, and come back whenever one is lost, until there is a reason to stop."""
        while link is not None:
            began = trio.current_time()
            why, code = await self._use(link)
            if trio.current_time() - began >= STEADY:
                self._waits = self._reconnect.waits(self._random)
            if code in FOR_GOOD:
                self._end(why, code)
                return
            link = await self._come_back(why)

    def _end(self, why: str, code: str) -> None:
        """Give up, since coming back would be wrong."""
        self.failed = code != "exit"
        if code == "revoked":
            self.persona.forget()
        self.close(why)

    async def _use(self, link: Transport) -> tuple[str, str]:
        """Use a connection until it is lost; return why, and the code of the server's bye."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, link)
                nursery.start_soon(self._keep_alive, link)
                why, code = await self._read(link)
                nursery.cancel_scope.cancel()
        finally:
            await link.drop("the client was left")
        return why, code

    async def _read(self, link: Transport) -> tuple[str, str]:
        try:
            while True:
                while (answer := link.next_nowait()) is not None:
                    self._take(answer)
                    if isinstance(answer, Bye):
                        return answer.message, answer.code
                self.news.unpark_all()
                if not self.outbox.in_flight:
                    await self._let_others()
                await link.receive()
        except ConnectionLostError as error:
            return str(error), ""

    async def _let_others(self) -> None:
        """Let whoever reads catch up, and in a busy room let more come before it is received."""
        if self.feed.crowded:
            with trio.move_on_after(TURN):
                await self.taken.park()
        if self._pause:
            with trio.move_on_after(self._pause):
                await self._asked.park()

    def _take(self, answer: Reply | Event) -> None:
        if not isinstance(answer, Reply):
            self.feed.take(answer)
            return
        if answer.re is not None:
            if isinstance(answer, TELLING):
                self._learn(answer)
            self.outbox.answer(answer, trio.current_time())
            self._work.unpark_all()
            return
        if isinstance(answer, Error):
            self.outbox.answer(answer, trio.current_time())
        elif isinstance(answer, Renamed) and answer.old == self.persona.me.user:
            self._learn(answer)  # another device of ours did that
        if isinstance(answer, Event):
            self.feed.take(answer)

    def _learn(self, reply: Reply) -> None:
        """Be from now on who this reply makes of us, and hear what that user is told."""
        if self.persona.learn(self.outbox.asked_as(reply.re), reply):
            self.feed.become(fresh=isinstance(reply, LoggedOut))

    async def _write(self, link: Transport) -> None:
        while True:
            asked = self.outbox.take(trio.current_time())
            if asked:
                await link.write(*(one.request for one in asked))
                continue
            until = self.outbox.wait_until()
            with trio.move_on_at(float("inf") if until is None else until):
                await self._work.park()

    async def _keep_alive(self, link: Transport) -> None:
        while True:
            with trio.move_on_after(DEAD) as patience:
                try:
                    await self.ping()
                except (DisconnectedError, RefusedError):
                    return
            if patience.cancelled_caught:
                await link.drop(f"the server has not answered for {DEAD:g} s")
                return
            await trio.sleep(PING)

    async def _come_back(self, why: str) -> Transport | None:
        """Try until there is a connection again, or until the policy says to give up."""
        since = trio.current_time()
        self.outbox.lose(DisconnectedError(why))
        give_up = self._reconnect.give_up
        told = False
        for wait in self._waits:
            now = trio.current_time()
            if give_up is not None and now + wait - since > give_up:
                self.failed = True
                self.close(why if not told else f"gave up after {now - since:.0f} s: {why}")
                return None
            self.state = Offline(since, now + wait, why)
            if not told:
                self.feed.take(Disconnected(reason=why))
                told = True
            self.news.unpark_all()
            self._hurry = trio.Event()
            with trio.move_on_after(wait):
                await self._hurry.wait()
            try:
                return await self.connect(since)
            except UntrustedError as error:
                error.again, self.untrusted = True, error
                self._end(str(error), "untrusted")
                return None
            except ConnectError as error:
                why = str(error)
            except RefusedError as error:
                self._end(str(error), error.code)
                return None
        return None

    def close(self, why: str) -> None:
        """Give up what waits; there will be no connection any more."""
        if not isinstance(self.state, Closed):
            self.state = Closed(why)
        self.outbox.close(DisconnectedError(why))
        self.news.unpark_all()

    async def connect(self, since: float | None = None) -> Transport:
        """Reach the server and greet it; `since` when there was no connection.

        Raises ConnectError, or RefusedError if the server will not have who we are to be.
        """
        link = Transport(await dial(self._where, self._open_stream))
        try:
            with trio.fail_after(GREET):
                await self._greet(link, since)
        except trio.TooSlowError:
            await link.drop("")
            raise ConnectError(f"{self._where} did not greet within {GREET:g} s") from None
        except ConnectionLostError as error:
            await link.drop("")
            raise ConnectError(f"{self._where}: {error}") from None
        except BaseException:
            await link.drop("")
            raise
        finally:
            if not self.outbox.connected:
                self.outbox.lose(DisconnectedError("the greeting broke off"))
        return link

    async def _greet(self, link: Transport, since: float | None) -> None:
        """Become who we were, and go on with what waits."""
        greeting = Handshake(
            link=link,
            outbox=self.outbox,
            feed=self.feed,
            hear=self._take,
            load=self.persona.file.load,
            before=self.persona.me,
            wanted=self.persona.wanted,
            again=since is not None,
        )
        await greeting.run(self._history)
        # Only now, since who breaks off a greeting must know next time that what was written is in doubt.
        self.persona.settle(greeting.me, greeting.wanted, greeting.refused)
        self.server = greeting.welcome.server
        self.outbox.come_back(same_user=greeting.same_user)
        self.state = Online()
        if since is not None:
            self.feed.take(greeting.reconnected(trio.current_time() - since))
