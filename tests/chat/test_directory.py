"""Names: who has which one, in memory or stored, who is called so, and who may take it."""

from __future__ import annotations

import pytest

from tcpchat.chat.directory import Directory
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, RESERVED, skeleton
from tcpchat.store.rows import NameRow
from tcpchat.wire.mentions import MENTIONS
from tests.chat.harness import NullSubscriber
from tests.chat.parts import new_user
from tests.rows import rows


def directory_of(*names: str, stored: tuple[NameRow, ...] = (), guests: int = 0) -> Directory:
    """Return a directory with users of these names in memory."""
    directory = Directory(stored, guests=guests)
    for name in names:
        user = new_user(name)
        user.connections.append(NullSubscriber())
        directory.add(user)
    return directory


def user_of(directory: Directory, name: str) -> User:
    found = directory.called(name)
    assert isinstance(found, User)
    return found


def rename(directory: Directory, user: User, name: str) -> None:
    directory.claim(user.id, name, skeleton(name))
    directory.rename(user, name, skeleton(name))
    directory.release(skeleton(name))


def guest(name: str, left: int | None = 5) -> NameRow:
    return NameRow(f"id of {name}", skeleton(name), name, None, left)


def registered(name: str) -> NameRow:
    return NameRow(f"id of {name}", skeleton(name), name, 1, None)


# Users in memory


def test_a_user_is_found_by_name_and_by_id() -> None:
    directory = directory_of("carol", "alice")
    carol = user_of(directory, "carol")
    assert directory.find("carol") is directory.get("id of carol") is carol
    assert directory.get("id of nobody") is None
    assert [user.name for user in directory.users()] == ["carol", "alice"]


def test_a_removed_user_is_not_found_and_the_name_is_free() -> None:
    directory = directory_of("alice", "bob")
    alice, bob = user_of(directory, "alice"), user_of(directory, "bob")
    directory.remove(alice)
    assert directory.users() == [bob]
    assert directory.get(alice.id) is None
    assert directory.is_free("alice")
    with pytest.raises(ChatError, match="there is no user called 'alice'"):
        directory.find("alice")
    rename(directory, bob, "alice")
    assert directory.find("alice") is bob


def test_a_user_without_a_name_yet_is_found_by_id_and_then_by_both() -> None:
    directory, user = directory_of("bob"), new_user("")
    directory.add_nameless(user)
    assert directory.get(user.id) is user
    assert directory.called("") is None
    directory.rename(user, "alice", "alice")
    assert directory.find("alice") is directory.get(user.id) is user
    assert directory.users()[1:] == [user]


@rows("written", ["bob", "BOB", "Bob", "\uff42\uff4f\uff42"])
def test_a_name_is_found_in_any_case_and_width(written: str) -> None:
    directory = directory_of("bob")
    assert directory.find(written) is directory.get("id of bob")


@rows("written", ["b0b", "b\u043eb", "rob", "", "b ob", "bob\x00", "x" * 1000])
def test_a_name_that_only_looks_alike_is_not_found(written: str) -> None:
    """A message must not go to who imitates somebody."""
    directory = directory_of("bob")
    with pytest.raises(ChatError) as refused:
        directory.find(written)
    assert (refused.value.code, refused.value.details) == ("no-such-user", {"name": written[:64]})


@rows("stored", [(), (registered("zoe"),), (guest("zoe"),)])
def test_guests_have_rising_numbers_and_names_that_are_free(stored: tuple[NameRow, ...]) -> None:
    directory = directory_of(stored=stored, guests=6)
    assert directory.new_guest_name() == ("guest-7", skeleton("guest-7"))
    directory.add(new_user("guest-8"))
    directory.add(new_user("guest-1o"))  # it looks like guest-10
    assert [directory.new_guest_name()[0] for _ in range(2)] == ["guest-9", "guest-11"]


def test_no_guest_is_given_a_name_that_is_stored() -> None:
    directory = directory_of(stored=(guest("guest-1"), registered("guest-2")))
    assert directory.new_guest_name()[0] == "guest-3"


# Claims


def test_a_new_name_replaces_the_old_one_which_is_free() -> None:
    directory = directory_of("alice", "bob")
    alice, bob = user_of(directory, "alice"), user_of(directory, "bob")
    rename(directory, alice, "carol")
    assert directory.find("carol") is alice
    assert (alice.name, alice.key) == ("carol", "carol")
    rename(directory, bob, "alice")
    assert directory.find("alice") is bob


@rows("name", ["bob", "b0b", "b\u043eb"])
def test_a_name_of_somebody_here_and_its_look_alikes_are_refused(name: str) -> None:
    directory = directory_of("alice", "bob")
    alice, bob = user_of(directory, "alice"), user_of(directory, "bob")
    with pytest.raises(ChatError) as refused:
        directory.claim(alice.id, name, skeleton(name))
    assert (refused.value.code, refused.value.details) == ("name-taken", {"name": name})
    assert ("looks like bob, who is here" in refused.value.message) == (name != "bob")
    assert directory.find("bob") is bob


@rows(("name", "like"), [("alice", ""), ("a1ice", "alice, who is away and may come back")])
def test_an_absent_user_keeps_the_name_and_can_be_written_to(name: str, like: str) -> None:
    directory = directory_of("alice", "bob")
    alice = user_of(directory, "alice")
    alice.connections.clear()
    with pytest.raises(ChatError, match=f"{name} is taken.*{like}"):
        directory.claim(user_of(directory, "bob").id, name, skeleton(name))
    assert directory.find("alice") is alice


@rows(
    ("row", "like"),
    [
        (registered("paypal"), "paypal, who is registered; login paypal if it is yours"),
        (guest("paypal"), "paypal, who was here before the server restarted"),
    ],
)
def test_a_stored_name_and_its_look_alikes_are_refused(row: NameRow, like: str) -> None:
    directory = directory_of("mallory", stored=(row,))
    mallory = user_of(directory, "mallory")
    for name in ("paypal", "paypa1"):
        with pytest.raises(ChatError) as refused:
            directory.claim(mallory.id, name, skeleton(name))
        assert refused.value.code == "name-taken"
    assert like in refused.value.message
    assert not directory.is_free(skeleton("paypa1"))


def test_a_claimed_name_is_held_until_it_is_released() -> None:
    directory = directory_of("alice", "bob")
    alice, bob = user_of(directory, "alice"), user_of(directory, "bob")
    directory.claim(alice.id, "carol", "carol")
    assert not directory.is_free("carol")
    with pytest.raises(ChatError, match="carol is taken"):
        directory.claim(bob.id, "carol", "carol")
    directory.release("carol")
    directory.claim(bob.id, "carol", "carol")
    assert directory.find("alice") is alice


def test_a_user_who_only_claimed_a_name_is_not_found_by_it_yet() -> None:
    directory = directory_of("alice")
    directory.claim(user_of(directory, "alice").id, "carol", "carol")
    with pytest.raises(ChatError, match="no user called 'carol'"):
        directory.find("carol")


def test_users_may_take_a_look_alike_of_their_own_name() -> None:
    directory = directory_of("paypal", "mallory")
    paypal, mallory = user_of(directory, "paypal"), user_of(directory, "mallory")
    rename(directory, paypal, "paypa1")
    assert directory.find("paypa1") is paypal
    assert directory.called("paypal") is None
    with pytest.raises(ChatError, match="it looks like paypa1"):
        directory.claim(mallory.id, "paypal", skeleton("paypal"))
    directory.remove(paypal)
    rename(directory, mallory, "paypal")


def test_releasing_a_look_alike_of_ones_own_name_keeps_that() -> None:
    directory = directory_of("paypal", "mallory")
    paypal = user_of(directory, "paypal")
    directory.claim(paypal.id, "paypa1", skeleton("paypa1"))
    directory.release(skeleton("paypa1"))
    assert directory.find("paypal") is paypal
    with pytest.raises(ChatError, match="it looks like paypal"):
        directory.claim(user_of(directory, "mallory").id, "paypa1", skeleton("paypa1"))


def test_a_name_claimed_by_a_user_who_is_removed_meanwhile_is_free_once_it_is_released() -> None:
    directory = directory_of("alice", "bob")
    alice, bob = user_of(directory, "alice"), user_of(directory, "bob")
    directory.claim(alice.id, "carol", "carol")
    directory.remove(alice)
    directory.release("carol")
    rename(directory, bob, "carol")
    assert directory.users() == [bob]


def test_a_claim_of_a_user_who_is_in_no_directory_is_released() -> None:
    """As of an account that is being created, under the user's own name."""
    directory, claim = directory_of("bob"), new_user("carol")
    directory.claim(claim.id, "carol", claim.key)
    assert directory.called("carol") is None
    directory.release(claim.key)
    assert directory.is_free("carol")


# Stored names


def holder(directory: Directory, name: str) -> str | None:
    """Return the name by which somebody else is refused this one."""
    try:
        directory.claim(new_user("?").id, name, skeleton(name))
    except ChatError as refused:
        found = refused.message.partition("it looks like ")[2].partition(",")[0]
        return found or name
    directory.release(skeleton(name))
    return None


def test_stored_names_are_held_with_those_that_look_alike() -> None:
    directory = Directory([registered("paypal"), guest("bob")])
    assert holder(directory, "paypa1") == "paypal"
    assert holder(directory, "bob") == "bob"
    assert holder(directory, "carol") is None
    assert directory.stored("id of bob") == guest("bob")
    assert directory.stored("id of carol") is None


def test_a_user_whose_name_is_stored_is_found_to_be_loaded_or_in_memory() -> None:
    directory = directory_of(stored=(registered("alice"), guest("bob")))
    assert directory.find("Alice") == registered("alice")
    assert directory.find("bob") == guest("bob")
    alice = new_user("alice", registered=1)
    directory.add(alice)
    assert directory.find("ALICE") is alice
    directory.remove(alice)
    assert directory.find("alice") == registered("alice")
    assert not directory.is_free("alice")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alice", True),
        ("ALICE", True),
        ("\uff41lice", True),
        ("a1ice", False),
        ("al\u0131ce", False),
        ("bob", False),
        ("nobody", False),
        ("", False),
        ("two words", False),
        ("a" * 1000, False),
    ],
)
def test_a_registered_user_is_found_in_any_case_and_width_but_not_by_a_look_alike(
    name: str, *, found: bool
) -> None:
    """Nobody logs in as somebody else, and a guest has no password."""
    directory = Directory([registered("alice"), guest("bob")])
    assert (directory.registered_as(name) is not None) == found


def test_a_registered_name_is_stored_for_good() -> None:
    directory = Directory()
    directory.register(registered("alice"))
    directory.expire(10**15)
    directory.came_back("id of alice")
    assert holder(directory, "alice") == "alice"
    directory.register(registered("alice")._replace(registered=7))
    assert directory.stored("id of alice") == registered("alice")._replace(registered=7)
    directory.register(registered("alice")._replace(key="al", name="al"))
    assert (holder(directory, "alice"), holder(directory, "al")) == (None, "al")


def test_a_guest_who_registers_does_not_expire_any_more() -> None:
    directory = Directory([guest("bob")])
    directory.register(registered("bob"))
    assert directory.first_left() is None
    directory.expire(10**15)
    assert directory.stored("id of bob") == registered("bob")


@rows("row", [registered("alice"), guest("alice")])
def test_a_stored_user_who_is_renamed_leaves_the_old_name_free(row: NameRow) -> None:
    directory = Directory([row])
    directory.rename_stored("id of alice", "al", "al")
    assert (holder(directory, "alice"), holder(directory, "al")) == (None, "al")
    assert directory.stored("id of alice") == row._replace(key="al", name="al")
    directory.rename_stored("id of nobody", "nobody", "nobody")
    assert holder(directory, "nobody") is None
    directory.expire(6)
    assert (directory.stored("id of alice") is None) == (row.registered is None)


def test_a_look_alike_of_ones_own_stored_name_takes_the_place_of_the_old_one() -> None:
    directory = Directory([registered("paypal")])
    directory.rename_stored("id of paypal", "paypa1", skeleton("paypa1"))
    assert holder(directory, "paypal") == "paypa1"
    assert directory.registered_as("paypal") is None


def test_a_guest_who_is_back_is_held_in_memory() -> None:
    directory = Directory([registered("al"), guest("bob")])
    for id in ("id of bob", "id of bob", "id of al"):
        directory.came_back(id)
    assert holder(directory, "bob") is None
    assert directory.stored("id of bob") is None
    assert holder(directory, "al") == "al"
    assert directory.first_left() is None


def test_guests_expire_each_at_the_time() -> None:
    directory = Directory([registered("al"), guest("bob", 5), guest("carol", 7), guest("dora", 7)])
    assert directory.first_left() == 5
    directory.expire(5)
    assert holder(directory, "bob") == "bob"
    directory.expire(6)
    assert (holder(directory, "bob"), directory.first_left()) == (None, 7)
    directory.expire(8)
    assert holder(directory, "carol") is holder(directory, "dora") is None
    assert (holder(directory, "al"), directory.first_left()) == ("al", None)


def test_a_name_that_is_dropped_is_free() -> None:
    directory = Directory([registered("al"), guest("bob")])
    for id in ("id of al", "id of bob", "id of bob"):
        directory.drop(id)
    assert holder(directory, "al") is holder(directory, "bob") is None
    assert directory.first_left() is None
    assert directory.stored("id of al") is directory.stored("id of bob") is None


# Mentions

NAMES = ("al", "bob", "c.d", "e-f", "x" * LONGEST_NAME, "\u00e9lise", "al+b")


def mentioned(text: str) -> list[str]:
    return [id.removeprefix("id of ") for id in directory_of(*NAMES).mentioned(text)]


@rows(
    ("text", "names"),
    [
        ("@bob", ["bob"]),
        ("hi @bob how are you", ["bob"]),
        ("@bob @al @bob", ["bob", "al"]),
        ("@bob@al", ["bob"]),
        ("@BOB and @Al", ["bob", "al"]),
        ("@\u00c9lise", ["\u00e9lise"]),
        ("@nobody @bobby @bo", []),
        ("@b0b", []),
        ("@", []),
        ("@ bob", []),
        ("@@bob", ["bob"]),
        ("bob", []),
        ("bob: lunch?", ["bob"]),
        ("Bob: @al", ["bob", "al"]),
        ("bob:", ["bob"]),
        ("bob:8000", []),
        ("so bob: no", []),
        ("bob, lunch?", []),
        ("@" + "x" * LONGEST_NAME, ["x" * LONGEST_NAME]),
    ],
)
def test_a_mention_is_an_at_and_a_name_in_any_case(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


@pytest.mark.parametrize(
    "around",
    [
        "{}'s turn",
        "{}\u2019s, ",
        "{},",
        "{}.",
        "{}:",
        "{}!",
        "{}?!",
        "({})",
        "\u201c{}\u201d",
        "\n{}\n",
        "/{}",
    ],
)
@pytest.mark.parametrize("name", ["bob", "c.d", "e-f"])
def test_punctuation_around_a_mention_does_not_matter(around: str, name: str) -> None:
    assert mentioned(around.format(f"@{name}")) == [name]


@rows("text", ["al@bob", "write to al@bob.example", "a.b-@bob", "x_@bob", "1@bob", "\u00e9@bob"])
def test_an_address_is_no_mention(text: str) -> None:
    assert mentioned(text) == []


@rows("char", RESERVED)
def test_a_reserved_character_ends_a_mention(char: str) -> None:
    assert mentioned(f"@bob{char}x") == ["bob"]
    assert mentioned(f"@bob.{char}x") == ["bob"]


def test_a_name_from_before_the_rule_on_characters_is_mentioned_whole() -> None:
    assert mentioned("@al+b") == mentioned("(@AL+B).") == ["al+b"]
    assert mentioned("@al+c") == ["al"]


def test_of_very_many_mentions_some_count() -> None:
    assert mentioned("@nobody " * (MENTIONS - 1) + "@bob @al") == ["bob"]
    assert mentioned("@bob " * MENTIONS + "@al") == ["bob"]
    assert mentioned("al@bob " * 1000 + "@bob") == ["bob"], "what is no mention does not count"


def test_a_user_who_is_not_in_memory_is_mentioned_too() -> None:
    directory = Directory([NameRow("z", skeleton("zoe"), "zoe", 1, None)])
    assert directory.mentioned("hi @Zoe!") == ["z"]


def test_a_text_of_nothing_but_ats_costs_little() -> None:
    assert mentioned("@" * 100_000) == []
    assert mentioned("@" + "a" * 100_000) == []
