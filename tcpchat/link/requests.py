"""What a program can ask, as methods that return what it wants to know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from tcpchat.link.errors import DisconnectedError
from tcpchat.protocol import (
    MAX_COUNT,
    Away,
    Back,
    Cancel,
    Cancelled,
    ChangePassword,
    ClearAway,
    ConversationInfo,
    Conversations,
    GetStatus,
    History,
    Ignore,
    Ignoring,
    ListConversations,
    ListScheduled,
    ListSessions,
    ListUnread,
    ListUsers,
    LoggedIn,
    LoggedOut,
    Login,
    Logout,
    Lookup,
    MarkRead,
    Message,
    PasswordChanged,
    PendingMessage,
    Read,
    ReadHistory,
    Receipts,
    Register,
    Registered,
    Rename,
    Renamed,
    Reply,
    Report,
    Reported,
    Request,
    Revoke,
    Revoked,
    Schedule,
    SessionInfo,
    Sessions,
    SetAway,
    SetReceipts,
    Status,
    Unignore,
    Unread,
    UnreadInfo,
    UserInfo,
    Users,
    Whois,
)

R = TypeVar("R", bound=Reply)


class Requests:
    """The commands, each as a method that raises RefusedError, or DisconnectedError if its answer was lost.

    A place is a `room`, such as `lobby` or the id of a direct room, or the direct room with a `username`;
    without either it is the lobby.
    """

    async def request(self, request: Request) -> Reply:
        """Ask and wait for the reply. Raises RefusedError, or DisconnectedError if it was lost."""
        raise NotImplementedError

    async def _ask(self, request: Request, kind: type[R]) -> R:
        reply = await self.request(request)
        if not isinstance(reply, kind):
            raise DisconnectedError(f"the server answered {request.type} with {reply.type}")
        return reply

    async def rename(self, name: str) -> Renamed:
        """Take another name, which is taken again after a connection was lost."""
        return await self._ask(Rename(name=name), Renamed)

    async def register(self, password: str) -> Registered:
        """Keep your name for good; take one of your own first."""
        return await self._ask(Register(password=password), Registered)

    async def login(self, name: str, password: str) -> LoggedIn:
        """Be the registered user of this name. Only the token is kept, not the password."""
        return await self._ask(Login(name=name, password=password), LoggedIn)

    async def logout(self) -> LoggedOut:
        """End this session; you are a new guest, or nobody where login is required."""
        return await self._ask(Logout(), LoggedOut)

    async def change_password(self, password: str, new: str) -> PasswordChanged:
        """Take another password; all other sessions of yours end."""
        return await self._ask(ChangePassword(password=password, new=new), PasswordChanged)

    async def sessions(self) -> list[SessionInfo]:
        """Return from where you are, or may be, connected; lowest number first."""
        return (await self._ask(ListSessions(), Sessions)).sessions

    async def revoke(self, number: int) -> Revoked:
        """End a session of yours, wherever it is."""
        return await self._ask(Revoke(number=number), Revoked)

    async def users(self) -> list[UserInfo]:
        """Return who is here, by name."""
        users: list[UserInfo] = []
        more = True
        while more:
            page = await self._ask(ListUsers(after=users[-1].name if users else None), Users)
            more = page.more and bool(page.users)
            users += page.users
        return users

    async def whois(self, name: str) -> Whois:
        """Return what is known of a user."""
        return await self._ask(Lookup(name=name), Whois)

    async def history(
        self,
        count: int | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        room: str | None = None,
        username: str | None = None,
    ) -> History:
        """Return messages of a place; oldest first.

        Messages of who you ignore are there, `ignored` and without text.
        """
        request = ReadHistory(count=count, before=before, after=after, room=room, username=username)
        return await self._ask(request, History)

    async def conversations(self) -> list[ConversationInfo]:
        """Return with whom you talked privately, and how far each of you has read."""
        conversations: list[ConversationInfo] = []
        more = True
        while more:
            after = conversations[-1].room if conversations else None
            page = await self._ask(ListConversations(after=after), Conversations)
            more = page.more and bool(page.conversations)
            conversations += page.conversations
        return conversations

    async def unread(self) -> list[UnreadInfo]:
        """Return where there is something that you have not read, the lobby first."""
        return (await self._ask(ListUnread(), Unread)).rooms

    async def unread_messages(
        self, username: str | None = None, *, room: str | None = None
    ) -> AsyncIterator[Message]:
        """Yield what others said and you have not read, oldest first; of all rooms, or of one place."""
        cursor = None
        while True:
            request = ReadHistory(count=MAX_COUNT, room=room, username=username, unread=True, cursor=cursor)
            page = await self._ask(request, History)
            for message in page.messages:
                if not message.ignored:
                    yield message
            if not page.more or page.cursor is None:
                return
            cursor = page.cursor

    async def mark_read(
        self, username: str | None = None, seq: int | None = None, *, room: str | None = None
    ) -> Read:
        """Say that you have read a place up to this message, or the last.

        With a number it waits for the server if that is away.
        """
        return await self._ask(MarkRead(room=room, username=username, seq=seq), Read)

    async def receipts(self, on: bool | None = None) -> bool:  # noqa: FBT001  # as in `receipts on`
        """Return whether others learn what you have read, and you what they have; or change it."""
        return (await self._ask(SetReceipts(on=on), Receipts)).on

    async def away(self, text: str = "") -> Away:
        """Let others see that you are away, until `back`."""
        return await self._ask(SetAway(text=text), Away)

    async def back(self) -> Back:
        """Let others see that you are not away any more."""
        return await self._ask(ClearAway(), Back)

    async def ignore(self, name: str) -> list[str]:
        """Hear nothing of a user any more; return whom you ignore."""
        return (await self._ask(Ignore(name=name), Ignoring)).users

    async def unignore(self, name: str) -> list[str]:
        """Hear of a user again; return whom you ignore."""
        return (await self._ask(Unignore(name=name), Ignoring)).users

    async def ignoring(self) -> list[str]:
        """Return whom you ignore."""
        return (await self._ask(Ignore(), Ignoring)).users

    async def scheduled(self) -> list[PendingMessage]:
        """Return your messages that go out later, lowest number first."""
        messages: list[PendingMessage] = []
        more = True
        while more:
            after = messages[-1].number if messages else None
            page = await self._ask(ListScheduled(after=after), Schedule)
            more = page.more and bool(page.messages)
            messages += page.messages
        return messages

    async def cancel(self, number: int | None = None) -> Cancelled:
        """Cancel the scheduled message of this number, or the last one."""
        return await self._ask(Cancel(number=number), Cancelled)

    async def report(self, username: str, reason: str | None = None) -> Reported:
        """Report a user."""
        return await self._ask(Report(username=username, reason=reason), Reported)

    async def status(self) -> Status:
        """Return how the server is."""
        return await self._ask(GetStatus(), Status)
