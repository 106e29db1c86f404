"""A client that is there all the same where it cannot be who it was to be."""

from __future__ import annotations

import pytest
import trio

from tcpchat.client import Client, Credentials, Reconnected, RefusedError
from tcpchat.protocol import Welcome
from tests.link.conftest import SOON, Fake, make_client


@pytest.mark.parametrize("anyone", [True, False])
async def test_nobody_is_connected_where_login_is_required(fake: Fake, anyone: bool) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            talk = await fake.accept()
            await talk.welcome(None, token=None)
            await talk.serve()

        nursery.start_soon(play)
        client = make_client(open_stream=fake.open_stream, required=not anyone)
        if not anyone:
            with pytest.raises(RefusedError, match="registered users"):
                await client.__aenter__()
            return
        async with client:
            assert (client.user, client.registered) == ("", False)
            assert client.refused is not None
            assert client.refused.code == "login-required"
            assert isinstance(await client.next_event(), Welcome)


@pytest.mark.parametrize("anyone", [True, False])
async def test_a_guest_is_who_cannot_have_the_name(fake: Fake, anyone: bool) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            talk = await fake.accept()
            await talk.welcome()
            await talk.refuse(await talk.next("rename"), "name-taken")
            if anyone:
                await talk.close()
                talk = await fake.accept()
                await talk.resume()
            await talk.serve()  # where nobody asks for the name again

        nursery.start_soon(play)
        client = make_client(open_stream=fake.open_stream, name="alice", required=not anyone, reconnect=SOON)
        if not anyone:
            with pytest.raises(RefusedError, match="name-taken"):
                await client.__aenter__()
            return
        async with client:
            assert client.user == "guest-1"
            assert client.refused is not None
            assert client.refused.code == "name-taken"
            while not isinstance(await client.next_event(), Reconnected):
                pass
            assert client.refused is None
            assert client.user == "guest-1"


async def test_a_guest_is_whose_password_is_wrong(fake: Fake) -> None:
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            talk = await fake.accept()
            await talk.welcome()
            await talk.refuse(await talk.next("login"), "wrong-login")
            await talk.serve()

        nursery.start_soon(play)
        credentials = Credentials(name="alice", password="x", required=False)
        async with Client(open_stream=fake.open_stream, credentials=credentials) as client:
            assert client.user == "guest-1"
            assert client.refused is not None
            assert client.refused.code == "wrong-login"
