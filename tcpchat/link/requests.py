"""The requests that a program can make, as methods that return typed values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from tcpchat.link.paging import next_page
from tcpchat.link.room_requests import RoomRequests
from tcpchat.protocol import (
    MAX_COUNT,
    Away,
    Back,
    Cancel,
    Cancelled,
    ChangePassword,
    ClearAway,
    ConversationInfo,
    GetStatus,
    Ignore,
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
    SessionInfo,
    SetAway,
    SetReceipts,
    Status,
    Unignore,
    UnreadInfo,
    UserInfo,
    Whois,
)

R = TypeVar("R", bound=Reply)


class Requests:
    """The requests; each method raises RefusedError, or DisconnectedError if the reply was lost.

    A place is a `room`, such as `lobby` or the id of a direct room, or the direct room with a `username`;
    without either it is the lobby.
    """

    async def request(self, request: Request[R]) -> R:
        """Make a request and return its reply."""
        raise NotImplementedError

    async def pages(self, request: Request[R]) -> AsyncIterator[R]:
        """Make a request for a list, and yield all its pages.

        Users, conversations, scheduled messages, logs, and messages that are unread or `after` a number have
        pages.
        """
        following: Request[R] | None = request
        while following is not None:
            page = await self.request(following)
            yield page
            following = next_page(following, page)

    async def rename(self, name: str) -> Renamed:
        """Change the name. After a lost connection the client asks for it again."""
        return await self.request(Rename(name=name))

    async def register(self, password: str) -> Registered:
        """Register the name, which must be one that was chosen."""
        return await self.request(Register(password=password))

    async def login(self, name: str, password: str) -> LoggedIn:
        """Log in as the registered user of this name. The token is saved, the password is not."""
        return await self.request(Login(name=name, password=password))

    async def logout(self) -> LoggedOut:
        """End this session; the client is a new guest then, or nobody where a login is required."""
        return await self.request(Logout())

    async def change_password(self, password: str, new: str) -> PasswordChanged:
        """Change the password; all other sessions of the user end."""
        return await self.request(ChangePassword(password=password, new=new))

    async def sessions(self) -> list[SessionInfo]:
        """Return the user's sessions, lowest number first."""
        return (await self.request(ListSessions())).sessions

    async def revoke(self, number: int) -> Revoked:
        """End a session of the user, on whatever device."""
        return await self.request(Revoke(number=number))

    async def users(self) -> list[UserInfo]:
        """Return the connected users, by name."""
        return [user async for page in self.pages(ListUsers()) for user in page.users]

    async def whois(self, name: str) -> Whois:
        """Return information about a user."""
        return await self.request(Lookup(name=name))

    async def history(
        self,
        count: int | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        room: str | None = None,
        username: str | None = None,
    ) -> list[Message]:
        """Return messages of a place, oldest first: the last ones, or those `before` or `after` a number.

        Messages of ignored users are among them, `ignored` and without text.
        """
        request = ReadHistory(count=count, before=before, after=after, room=room, username=username)
        return (await self.request(request)).messages

    @property
    def rooms(self) -> RoomRequests:
        """The requests about named rooms."""
        return RoomRequests(self)

    async def conversations(self) -> list[ConversationInfo]:
        """Return the user's private conversations, with the numbers that each side has read."""
        pages = self.pages(ListConversations())
        return [conversation async for page in pages for conversation in page.conversations]

    async def unread(self) -> list[UnreadInfo]:
        """Return the rooms with unread messages, the lobby first."""
        return (await self.request(ListUnread())).rooms

    async def unread_messages(
        self, *, room: str | None = None, username: str | None = None
    ) -> AsyncIterator[Message]:
        """Yield unread messages of others, oldest first, of a place or of all; ignored ones are left out."""
        request = ReadHistory(count=MAX_COUNT, room=room, username=username, unread=True)
        async for page in self.pages(request):
            for message in page.messages:
                if not message.ignored:
                    yield message

    async def mark_read(
        self, seq: int | None = None, *, room: str | None = None, username: str | None = None
    ) -> Read:
        """Mark a place as read, up to this message or to the last.

        With a number it waits for the server if there is no connection.
        """
        return await self.request(MarkRead(seq=seq, room=room, username=username))

    async def receipts(self, on: bool | None = None) -> bool:  # noqa: FBT001  # as in `receipts on`
        """Return whether read receipts are on, for both sides; or switch them."""
        return (await self.request(SetReceipts(on=on))).on

    async def away(self, text: str = "") -> Away:
        """Show others that the user is away, until `back`."""
        return await self.request(SetAway(text=text))

    async def back(self) -> Back:
        """No longer show that the user is away."""
        return await self.request(ClearAway())

    async def ignore(self, name: str) -> list[str]:
        """Ignore a user; return the names of all ignored users."""
        return (await self.request(Ignore(name=name))).users

    async def unignore(self, name: str) -> list[str]:
        """No longer ignore a user; return the names of all ignored users."""
        return (await self.request(Unignore(name=name))).users

    async def ignoring(self) -> list[str]:
        """Return the names of all ignored users."""
        return (await self.request(Ignore())).users

    async def scheduled(self) -> list[PendingMessage]:
        """Return the user's scheduled messages, lowest number first."""
        return [message async for page in self.pages(ListScheduled()) for message in page.messages]

    async def cancel(self, number: int | None = None) -> Cancelled:
        """Cancel the scheduled message of this number, or the last one."""
        return await self.request(Cancel(number=number))

    async def report(self, username: str, reason: str | None = None) -> Reported:
        """Report a user."""
        return await self.request(Report(username=username, reason=reason))

    async def status(self) -> Status:
        """Return the state of the server."""
        return await self.request(GetStatus())
