"""What a newly loaded gateway.yaml changes for its users and clients."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from gateway.store.file_changes import (
    ClientChanges,
    DeclaredUser,
    FileUserRecord,
    client_changes,
    user_changes,
)

ANN = FileUserRecord("file:1", "g1", "digest")


def numbered(word: str) -> Callable[[], str]:
    numbers = count()
    return lambda: f"{word}{next(numbers)}"


def changed(*passwords: str, before: dict[str, FileUserRecord] | None = None) -> FileUserRecord:
    declared = {"ann": DeclaredUser("Ann", passwords)}
    known = {"ann": ANN} if before is None else before
    return user_changes(known, declared, numbered("new-"), numbered("next-")).kept["ann"]


def test_a_user_who_stays_is_the_same() -> None:
    assert changed("digest") == ANN


def test_another_password_moves_the_generation_and_not_the_id() -> None:
    assert changed("other") == FileUserRecord("file:1", "next-0", "other")


def test_another_master_key_is_not_another_password() -> None:
    assert changed("by the new key", "digest") == FileUserRecord("file:1", "g1", "by the new key")


def test_who_was_not_there_is_new() -> None:
    assert changed("digest", before={}) == FileUserRecord("new-0", "next-0", "digest")


def test_who_left_is_gone() -> None:
    changes = user_changes({"ann": ANN}, {"bob": DeclaredUser("Bob", ("x",))}, numbered("n"), numbered("g"))
    assert changes.gone == {"ann": "file:1"}
    assert changes.new == {"bob"}


S1, S2 = "digest-1", "digest-2"


@pytest.mark.parametrize(
    ("before", "now", "ends"),
    [
        ([S1], [S1], False),
        ([S1], [S1, S2], False),
        ([S1, S2], [S2], False),
        ([S1], [S2], True),
        ([S1], None, True),
        (None, [S1], True),
        (None, None, False),
    ],
    ids=["the same", "one more", "one less", "all others", "gone", "back", "nowhere"],
)
def test_a_clients_tokens_end_when_it_comes_goes_or_keeps_none_of_its_credentials(
    before: list[str] | None, now: list[str] | None, ends: bool
) -> None:
    known = {} if before is None else {"shop": frozenset(before)}
    declared = {} if now is None else {"shop": frozenset(now)}
    assert ("shop" in client_changes(known, declared).ended) is ends


def test_the_first_file_that_is_recorded_ends_nothing() -> None:
    declared = {"shop": frozenset({S1})}
    assert client_changes(None, declared) == ClientChanges(declared, declared, frozenset(), frozenset())
