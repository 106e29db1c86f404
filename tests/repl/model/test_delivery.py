"""Delivery of your messages in direct rooms, and the list of these rooms."""

from __future__ import annotations

import pytest

from tcpchat.protocol import ConversationInfo, Conversations, Message, Receipt
from tcpchat.repl.model.delivery import Delivery, DeliveryState, delivery_state
from tcpchat.repl.model.place import LOBBY_PLACE, Place

SENT, DELIVERED, READ = DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ


def add(delivery: Delivery, seq: int, *, to: str = "bob", sender: str = "alice", room: str = "@b") -> None:
    """Take a message, as alice."""
    message = Message(to=to, room=room, seq=seq, at="", sender=sender, text="x")
    delivery.add_message(message, Place.of_message(message, "alice"), mine=sender == "alice")


def receipt(delivered: int, seen: int | None = None, *, name: str = "bob", id: str = "@b") -> Receipt:
    return Receipt(username=name, room=id, delivered=delivered, seen=seen)


@pytest.mark.parametrize(
    ("seq", "markers", "state"),
    [(1, (0, 0), SENT), (2, (1, 1), SENT), (2, (2, 1), DELIVERED), (2, (3, 2), READ), (2, (0, 2), READ)],
)
def test_a_marker_covers_all_messages_before_it(
    seq: int, markers: tuple[int, int], state: DeliveryState
) -> None:
    assert delivery_state(seq, markers) is state


def test_the_state_is_that_of_the_last_own_message() -> None:
    delivery = Delivery()
    assert delivery.last(LOBBY_PLACE) is None
    add(delivery, 1)
    add(delivery, 2)
    assert delivery.last(LOBBY_PLACE) == ("bob", SENT)
    for event, state in (
        (receipt(1, 1), SENT),
        (receipt(2), DELIVERED),
        (receipt(2, 2), READ),
        (receipt(1, 0), READ),
    ):
        delivery.add_receipt(event)
        assert delivery.last(LOBBY_PLACE) == ("bob", state)
    assert delivery.markers == {"@b": (2, 2)}


def test_in_a_direct_room_the_state_is_that_of_this_room() -> None:
    delivery = Delivery()
    add(delivery, 1)
    delivery.add_receipt(receipt(1))
    add(delivery, 1, to="carol", room="@c")
    assert delivery.last(LOBBY_PLACE) == ("carol", SENT)
    assert delivery.last(Place.direct("bob")) == ("bob", DELIVERED)
    assert delivery.last(Place.direct("dave")) is None
    add(delivery, 1, to="alice", sender="dave", room="@d")
    assert delivery.last(LOBBY_PLACE) is None, "the last message is not alice's"
    assert delivery.last(Place.direct("dave")) is None
    assert delivery.users() == ["dave", "carol", "bob"]


def test_a_message_of_the_lobby_changes_nothing() -> None:
    delivery = Delivery()
    message = Message(room="lobby", seq=1, at="", sender="alice", text="x")
    delivery.add_message(message, Place.of_message(message, "alice"), mine=True)
    assert (delivery.users(), delivery.last(LOBBY_PLACE)) == ([], None)


def test_the_list_gives_markers_before_any_message() -> None:
    delivery = Delivery()
    bob = ConversationInfo(username="bob", room="@b", seq=9, read=9, delivered=8, seen=7)
    eve = ConversationInfo(username="eve", room="@e", seq=1, read=1, delivered=0)
    delivery.add_page(Conversations(conversations=[bob, eve], more=False))
    assert delivery.users() == ["eve", "bob"]
    assert delivery.markers == {"@b": (8, 7), "@e": (0, 0)}
    assert delivery.last(LOBBY_PLACE) is None
    add(delivery, 8)
    assert delivery.last(Place.direct("bob")) == ("bob", DELIVERED)


def test_a_renamed_user_keeps_the_room() -> None:
    delivery = Delivery()
    add(delivery, 1)
    delivery.rename("bob", "robert")
    assert delivery.last(Place.direct("robert")) == ("robert", SENT)
    delivery.add_receipt(receipt(1, name="bobby"))
    assert delivery.last(LOBBY_PLACE) == ("bobby", DELIVERED)
    delivery.clear()
    assert (delivery.last(LOBBY_PLACE), delivery.users(), delivery.markers) == (None, [], {})
