"""How far private messages got."""

from __future__ import annotations

import pytest

from tcpchat.protocol import ConversationInfo, Conversations, Message, Receipt
from tcpchat.repl.model.receipts import Receipts
from tcpchat.repl.view.text import DeliveryState, how_far


def said(seq: int, *, to: str = "bob", sender: str = "alice", room: str = "@b") -> Message:
    return Message(to=to, room=room, seq=seq, at="", sender=sender, text="x")


def receipt(delivered: int, seen: int | None = None, *, name: str = "bob", id: str = "@b") -> Receipt:
    return Receipt(username=name, room=id, delivered=delivered, seen=seen)


@pytest.mark.parametrize(
    ("seq", "marks", "got"),
    [
        (1, (0, 0), DeliveryState.SENT),
        (2, (1, 1), DeliveryState.SENT),
        (2, (2, 1), DeliveryState.DELIVERED),
        (2, (3, 2), DeliveryState.READ),
        (2, (0, 2), DeliveryState.READ),
    ],
)
def test_a_mark_counts_for_all_before_it(seq: int, marks: tuple[int, int], got: DeliveryState) -> None:
    assert how_far(seq, marks) is got


def test_the_state_is_that_of_the_last_own_message() -> None:
    receipts = Receipts()
    assert receipts.state(None) is None
    receipts.said(said(1), mine=True)
    receipts.said(said(2), mine=True)
    assert receipts.state(None) == ("bob", DeliveryState.SENT)
    receipts.told(receipt(1, 1))
    assert receipts.state(None) == ("bob", DeliveryState.SENT)
    receipts.told(receipt(2))
    assert receipts.state(None) == ("bob", DeliveryState.DELIVERED)
    receipts.told(receipt(2, 2))
    assert receipts.state(None) == ("bob", DeliveryState.READ)
    receipts.told(receipt(1, 0))
    assert receipts.state(None) == ("bob", DeliveryState.READ)
    assert receipts.marks == {"@b": (2, 2)}


def test_it_is_of_the_last_conversation_or_of_whom_text_goes_to() -> None:
    receipts = Receipts()
    receipts.said(said(1), mine=True)
    receipts.told(receipt(1))
    receipts.said(said(1, to="carol", room="@c"), mine=True)
    assert receipts.state(None) == ("carol", DeliveryState.SENT)
    assert receipts.state("bob") == ("bob", DeliveryState.DELIVERED)
    assert receipts.state("dave") is None
    receipts.said(said(1, to="alice", sender="dave", room="@d"), mine=False)
    assert receipts.state(None) is None
    assert receipts.state("dave") is None
    assert receipts.names() == ["dave", "carol", "bob"]


def test_marks_are_known_before_anything_is_said_here() -> None:
    receipts = Receipts()
    info = ConversationInfo(username="bob", room="@b", seq=9, read=9, delivered=8, seen=7)
    other = ConversationInfo(username="eve", room="@e", seq=1, read=1, delivered=0)
    receipts.listed(Conversations(conversations=[info, other], more=False))
    assert receipts.names() == ["eve", "bob"]
    assert receipts.marks == {"@b": (8, 7), "@e": (0, 0)}
    assert receipts.state(None) is None
    receipts.said(said(8), mine=True)
    assert receipts.state("bob") == ("bob", DeliveryState.DELIVERED)


def test_who_is_renamed_keeps_the_conversation() -> None:
    receipts = Receipts()
    receipts.said(said(1), mine=True)
    receipts.renamed("bob", "robert")
    assert receipts.state("robert") == ("robert", DeliveryState.SENT)
    receipts.told(receipt(1, name="bobby"))
    assert receipts.state(None) == ("bobby", DeliveryState.DELIVERED)
    receipts.forget()
    assert (receipts.state(None), receipts.names(), receipts.marks) == (None, [], {})
