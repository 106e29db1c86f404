"""The connection of one client, over as many streams as it takes: it dials, notices losses, reconnects."""

from __future__ import annotations

from functools import partial
from typing import Final

import trio

from tcpchat.link.calls import Calls, PendingCall
from tcpchat.link.current_user import CurrentUser
from tcpchat.link.desired_identity import IDENTITY_REPLIES
from tcpchat.link.dial import OpenStream, dial
from tcpchat.link.errors import ConnectError, DisconnectedError, RefusedError, UntrustedError
from tcpchat.link.events import Events
from tcpchat.link.handshake import FINAL, TRANSIENT, Handshake
from tcpchat.link.inbox import Listing
from tcpchat.link.reconnect import Reconnect
from tcpchat.link.state import Closed, Disconnected, Offline, Online, State
from tcpchat.link.transport import ConnectionLostError, Transport
from tcpchat.protocol import (
    Bye,
    Error,
    Event,
    LoggedOut,
    Ping,
    ReadLog,
    Renamed,
    Reply,
    encode,
)

WELCOME: Final = 10.0  # seconds until the welcome of a server …
HANDSHAKE: Final = (
    60.0  # … and for the rest: it checks passwords one after another, which takes long on purpose
)
PING: Final = 15.0  # seconds between two signs of life
DEAD: Final = 15.0  # seconds without an answer to one after which the connection is given up
CATCH_UP: Final = 0.1  # seconds that the reader gets before what does not fit is left to history
STEADY: Final = 10.0  # seconds that a connection must last, else the next attempt waits longer than the last
PAGES: Final = 8  # requests for history in flight
FETCH_RETRY: Final = 1.0  # seconds until history that the server could not read is requested again


class Connection:
    """Moves requests from `calls` to the server, its replies back, and its events to `events`.

    Passes replies about the user on to `user`. Each stream has four tasks: they read, write, send signs of
    life, and fetch history. `where` is the server's address for messages.
    """

    def __init__(
        self,
        where: str,
        open_stream: OpenStream,
        reconnect: Reconnect,
        user: CurrentUser,
        calls: Calls,
        events: Events,
        *,
        pause: float = 0.0,
    ) -> None:
        self.server = ""
        self.latency: float | None = None
        self.state: State = Closed("not connected yet")
        self._where = where
        self._open_stream = open_stream
        self._policy = reconnect
        self._user = user
        self._calls = calls
        self._events = events
        self._inbox = events.inbox
        self._pause = pause
        self._waits = reconnect.waits()
        self._pacing = trio.CancelScope()  # around what a new call ends: see _pace
        self._backoff = trio.CancelScope()  # around the wait before an attempt, which retry_now ends

    def start(self, call: PendingCall) -> None:
        """Put a call on its way.

        Raises DisconnectedError if it cannot wait for a connection, ValueError if no line can hold it.
        """
        if isinstance(self.state, Closed):
            raise DisconnectedError(self.state.reason)
        call.request = self._user.desired.with_device(call.request)
        try:
            encode(call.request)
        except TypeError as error:
            raise ValueError(f"this cannot be written as JSON: {error}") from None
        self._calls.add(call)
        self._pacing.cancel()

    async def ping(self) -> float:
        """Return the seconds to the server and back."""
        began = trio.current_time()
        call = PendingCall(Ping())
        self.start(call)
        await call.wait()
        self.latency = trio.current_time() - began
        return self.latency

    def retry_now(self) -> None:
        """Do not wait any longer before the next attempt to reconnect."""
        self._backoff.cancel()

    async def connect(self, since: float | None = None) -> Transport:
        """Dial the server and shake hands; `since` is when the last connection was lost, if there was one.

        Raises ConnectError, or RefusedError if the server refuses the user.
        """
        transport = Transport(await dial(self._where, self._open_stream))
        began = trio.current_time()
        try:
            with trio.fail_after(WELCOME) as patience:
                await self._shake_hands(transport, since, patience)
        except trio.TooSlowError:
            await transport.abort("")
            if patience.deadline > began + WELCOME:
                message = f"{self._where} is too busy: no answer within {HANDSHAKE:g} s"
                raise ConnectError(message) from None
            raise ConnectError(
                f"{self._where} is no tcpchat server, or too busy: no welcome within {WELCOME:g} s",
                is_other=True,
            ) from None
        except ConnectionLostError as error:
            await transport.abort("")
            raise ConnectError(f"{self._where}: {error}", is_other=error.is_other) from None
        except BaseException:
            await transport.abort("")
            raise
        finally:
            if not self._calls.connected:
                self._calls.lose(DisconnectedError("the connection broke during the handshake"))
        return transport

    async def _shake_hands(
        self, transport: Transport, since: float | None, patience: trio.CancelScope
    ) -> None:
        def be_patient() -> None:
            patience.deadline = trio.current_time() + HANDSHAKE

        handshake = Handshake(
            transport=transport,
            calls=self._calls,
            inbox=self._inbox,
            dispatch=self._dispatch,
            load=self._user.store.load,
            beside=self._user.store.shared,
            before=self._user.identity,
            desired=self._user.desired,
            reconnecting=since is not None,
            on_welcome=be_patient,
        )
        await handshake.run()
        # Only now: a handshake that broke off must leave it open whether what was written has arrived.
        self._user.adopt(handshake.identity, handshake.desired, handshake.refused)
        self.server = handshake.welcome.server
        self._calls.resume(same_user=handshake.same_user)
        self.state = Online()
        if since is not None:
            self._inbox.put(handshake.reconnected(trio.current_time() - since))
        self._inbox.catching_up = True

    async def run(self, transport: Transport | None) -> None:
        """Use this first transport, and reconnect whenever one is lost, until there is a reason to stop."""
        while transport is not None:
            began = trio.current_time()
            reason, code = await self._use(transport)
            if trio.current_time() - began >= STEADY:
                self._waits = self._policy.waits()
            if code in FINAL:
                self._end(RefusedError(Error(code=code, message=reason)))
                return
            transport = await self._reconnect(reason)

    def close(self, reason: str, failure: Exception | None = None) -> None:
        """Fail the waiting calls and end the events, with `failure` if there is one; later do nothing."""
        if not self._events.closed:
            self.state = Closed(reason)
            self._inbox.catching_up = False
            self._calls.close(DisconnectedError(reason))
            self._events.close(failure)

    def _end(self, error: RefusedError) -> None:
        """Give up, since reconnecting would be wrong."""
        if error.code == "revoked":
            self._user.forget()
        self.close(str(error), None if error.code == "exit" else error)

    async def _use(self, transport: Transport) -> tuple[str, str]:
        """Use a transport until it is lost; return the reason, and the code of the server's bye."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, transport)
                nursery.start_soon(self._keep_alive, transport)
                nursery.start_soon(self._fetch)
                reason, code = await self._read(transport)
                nursery.cancel_scope.cancel()
        finally:
            await transport.abort("the client was left")
        return reason, code

    async def _read(self, transport: Transport) -> tuple[str, str]:
        try:
            while True:
                while (answer := transport.next_nowait()) is not None:
                    self._dispatch(answer)
                    if isinstance(answer, Bye):
                        return answer.message, answer.code
                self._events.notify()
                if not self._calls.in_flight:
                    await self._pace()
                await transport.receive()
        except ConnectionLostError as error:
            return str(error), ""

    async def _pace(self) -> None:
        """Let the reader catch up, and in a busy room let more arrive before it is received.

        A new call ends this at once, since somebody waits for its reply.
        """
        with trio.CancelScope() as self._pacing:
            if self._inbox.nearly_full:
                with trio.move_on_after(CATCH_UP):
                    await self._events.wait_drained()
            if self._pause:
                await trio.sleep(self._pause)

    def _dispatch(self, answer: Reply | Event) -> None:
        if not isinstance(answer, Reply):
            self._inbox.put(answer)
            return
        if answer.re is not None:
            if isinstance(answer, IDENTITY_REPLIES):
                self._learn(answer)
            self._calls.answer(answer, trio.current_time())
            return
        if isinstance(answer, Error):
            self._calls.answer(answer, trio.current_time())
        elif isinstance(answer, Renamed) and answer.old == self._user.identity.user:
            self._learn(answer)  # another device of the same user did that
        if isinstance(answer, Event):
            self._inbox.put(answer)

    def _learn(self, reply: Reply) -> None:
        if self._user.learn(self._calls.request_of(reply.re), reply):
            self._inbox.switch_user(new=isinstance(reply, LoggedOut))

    async def _write(self, transport: Transport) -> None:
        while True:
            batch = await self._calls.next_batch()
            await transport.write(*(call.request for call in batch))

    async def _keep_alive(self, transport: Transport) -> None:
        while True:
            with trio.move_on_after(DEAD) as patience:
                try:
                    await self.ping()
                except (DisconnectedError, RefusedError):
                    return
            if patience.cancelled_caught:
                await transport.abort(f"the server has not answered for {DEAD:g} s")
                return
            await trio.sleep(PING)

    async def _fetch(self) -> None:
        """Request what the inbox lacks, a few pages at a time, whenever the reader has read everything."""
        while True:
            await self._events.wait_page_needed()
            try:
                ok = [await self._fetch_page(*page) for page in self._request_pages()]
            except DisconnectedError:
                return
            if not all(ok):
                await trio.sleep(FETCH_RETRY)

    def _request_pages(self) -> list[tuple[ReadLog | Listing, PendingCall]]:
        pages: list[tuple[ReadLog | Listing, PendingCall]] = []
        while len(pages) < PAGES and (request := self._inbox.next_request()) is not None:
            page = PendingCall(request, on_reply=partial(self._inbox.put_reply, request))
            self.start(page)
            pages.append((request, page))
        return pages

    async def _fetch_page(self, request: ReadLog | Listing, page: PendingCall) -> bool:
        """Wait for a page; return whether it came, or is not to be requested again."""
        ok = True
        try:
            await page.wait()
        except RefusedError as error:
            if error.code in TRANSIENT:
                self._inbox.retry(request)
                ok = False
            else:
                ok = self._inbox.give_up(request)
            self._events.notify()
        return ok

    async def _reconnect(self, reason: str) -> Transport | None:
        """Try until there is a connection again, or until the policy says to give up."""
        since = trio.current_time()
        self._calls.lose(DisconnectedError(reason))
        give_up = self._policy.give_up
        announced = False
        for wait in self._waits:
            now = trio.current_time()
            if give_up is not None and now + wait - since > give_up:
                reason = reason if not announced else f"gave up after {now - since:.0f} s: {reason}"
                self.close(reason, DisconnectedError(reason))
                return None
            self.state = Offline(since, now + wait, reason)
            if not announced:
                self._inbox.put(Disconnected(reason=reason))
                self._inbox.catching_up = False
                announced = True
            self._events.notify()
            with trio.move_on_after(wait) as self._backoff:
                await trio.sleep_forever()
            try:
                return await self.connect(since)
            except UntrustedError as error:
                error.reconnecting = True
                self.close(str(error), error)
                return None
            except ConnectError as error:
                reason = str(error)
            except RefusedError as error:
                self._end(error)
                return None
        return None
