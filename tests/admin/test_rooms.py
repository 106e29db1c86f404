"""Named rooms of a user whom the operator exports or deletes."""

from __future__ import annotations

from pathlib import Path

from tests.admin.conftest import PASSWORD, Place, Someone, open_place
from tests.admin.test_data import left_of, of_kind
from tests.running import Line


async def people(place: Place, *names: str) -> list[Someone]:
    found = []
    for name in names:
        await place.operator.done("create", name=name, password=PASSWORD)
        found.append(await place.logged_in(name))
    return found


async def done(person: Someone, type: str, **fields: object) -> Line:
    reply = await person.ask({"type": type, **fields})
    assert reply["type"] != "error", reply
    return reply


async def test_the_rooms_of_a_deleted_owner_have_an_heir_or_are_closed(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        anna, bob, carol = await people(place, "anna", "bob", "carol")
        for room in ("both", "mine", "ours"):
            await done(anna, "create", name=room)
        for person, room in ((bob, "ours"), (carol, "ours"), (bob, "both")):
            await done(person, "join", name=room)
        await done(anna, "role", username="carol", role="moderator", room="ours")
        await done(anna, "role", username="bob", role="owner", room="both")
        await bob.quiet()
        bob.events.clear()
        await place.operator.done("delete", name="anna")
        events = [line for line in await bob.quiet() if line["type"] in {"member", "closed"}]
        said = [(one["room"], one["username"], one["change"], one.get("role")) for one in events]
        assert said == [
            ("both", "anna", "left", None), ("ours", "carol", "role", "owner"), ("ours", "anna", "left", None)
        ]  # fmt: skip
        assert (await done(carol, "topic", room="ours", text="mine now"))["role"] == "owner"
        assert (await bob.ask({"type": "join", "name": "mine"}))["code"] == "room-closed"
        assert left_of(tmp_path / "data", "anna") == []
    async with open_place(tmp_path / "data") as place:
        carol = await place.logged_in("carol")
        assert (await carol.ask({"type": "leave", "name": "ours"}))["code"] == "last-owner"
        assert (await carol.ask({"type": "join", "name": "mine"}))["code"] == "room-closed"


async def test_a_removal_and_an_invitation_outlive_who_did_it(tmp_path: Path) -> None:
    async with open_place(tmp_path / "data") as place:
        anna, bob, carol = await people(place, "anna", "bob", "carol")
        await done(anna, "create", name="ours")
        for person in (bob, carol):
            await done(person, "join", name="ours")
        await done(anna, "remove", username="bob", room="ours")
        await done(carol, "leave", name="ours")
        await done(anna, "invite", username="carol", room="ours")
        await place.operator.done("delete", name="anna")
    async with open_place(tmp_path / "data") as place:
        bob, carol = await place.logged_in("bob"), await place.logged_in("carol")
        assert (await bob.ask({"type": "join", "name": "ours"}))["code"] == "removed"
        (invitation,) = (await done(carol, "invites"))["invites"]
        assert invitation["from"] == "deleted"


async def test_an_export_names_rooms_roles_and_invitations(place: Place) -> None:
    anna, bob = await people(place, "anna", "bob")
    for room in ("one", "two", "three"):
        await done(anna, "create", name=room)
    await done(bob, "join", name="one")
    await done(anna, "role", username="bob", role="moderator", room="one")
    await done(anna, "invite", username="bob", room="two")
    await done(bob, "join", name="three")
    await done(anna, "remove", username="bob", room="three")
    await place.operator.done("export", name="bob")
    records = place.operator.records
    (member,) = of_kind(records, "member")
    assert (member["room"], member["role"]) == ("one", "moderator")
    (invitation,) = of_kind(records, "invitation")
    assert (invitation["room"], invitation["from"]) == ("two", "anna")
    assert of_kind(records, "removed") == [{"room": "three"}]
