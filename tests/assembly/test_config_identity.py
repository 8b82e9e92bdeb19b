"""What identifies a configuration."""

from __future__ import annotations

import pytest

from gateway.assembly import config_identity
from gateway.assembly.config_identity import config_hash
from gateway.config.model import Settings
from gateway.config.source import ConfigSource
from gateway.runtime.give_way import turns


def hash_of(source: ConfigSource, key: str = "k" * 64) -> str:
    settings = Settings.model_validate({"tokens": {"keys": [key]}})
    settings.loaded_from(source)
    return config_hash(settings)


SOURCE = ConfigSource("gateway.yaml", "a: 1\n", {"NAME": "value"}, [("b.yaml", "b: 2\n")])
OTHERS = {
    "text": ConfigSource("gateway.yaml", "a: 2\n", {"NAME": "value"}, [("b.yaml", "b: 2\n")]),
    "variable": ConfigSource("gateway.yaml", "a: 1\n", {"NAME": "other"}, [("b.yaml", "b: 2\n")]),
    "included text": ConfigSource("gateway.yaml", "a: 1\n", {"NAME": "value"}, [("b.yaml", "b: 3\n")]),
    "included name": ConfigSource("gateway.yaml", "a: 1\n", {"NAME": "value"}, [("c.yaml", "b: 2\n")]),
    "where a text ends": ConfigSource("gateway.yaml", "a: 1", {"NAME": "value"}, [("\nb.yaml", "b: 2\n")]),
    "what is a file and what a variable": ConfigSource("gateway.yaml", "a: 1\n", {"b.yaml": "b: 2\n"}, []),
}


def test_a_hash_is_the_same_for_the_same_texts_variables_and_key_wherever_the_file_is() -> None:
    elsewhere = ConfigSource("/etc/gateway.yaml", "a: 1\n", {"NAME": "value"}, (("b.yaml", "b: 2\n"),))
    assert hash_of(SOURCE) == hash_of(elsewhere)
    assert hash_of(SOURCE) != hash_of(SOURCE, "j" * 64)


@pytest.mark.parametrize("other", OTHERS)
def test_a_hash_is_another_where_something_else_differs(other: str) -> None:
    assert hash_of(SOURCE) != hash_of(OTHERS[other])


def test_a_configuration_without_a_source_has_no_hash() -> None:
    assert config_hash(Settings()) == ""


def test_a_long_text_is_hashed_in_pieces_with_an_occasion_to_give_way_before_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = ConfigSource("gateway.yaml", "é" * 1000, {})
    whole = hash_of(long)
    monkeypatch.setattr(config_identity, "_PIECE", 10)

    class Counted:
        times = 0

        def give_way(self) -> None:
            self.times += 1

    counted = Counted()
    token = turns.set(counted)
    try:
        in_pieces = hash_of(long)
    finally:
        turns.reset(token)
    assert (in_pieces, counted.times) == (whole, 100)
