"""Where a command goes in a cluster."""

import pytest

from gateway.store.cluster_commands import key_of, slot_of


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("GET", "k"), "k"),
        (("PING",), None),
        (("HELLO",), None),
        (("EVAL", "return 1", 0), None),
        (("EVALSHA", "digest", 2, "k", "l", "arg"), "k"),
    ],
)
def test_the_key_of_a_command_is_found(words: tuple[str | int, ...], key: str | None) -> None:
    assert key_of(words) == key


def test_a_hash_tag_decides_the_slot() -> None:
    assert slot_of("p:t:{A}one") == slot_of(b"p:g:{A}two") == slot_of("{A}")
    assert slot_of("p:t:{A}one") != slot_of("p:t:{B}one")
