"""`open_twin`: what it makes is an object of the frozen class like any other."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from gateway.http.exchange import RequestHead
from gateway.http.forwarded import direct_peer
from gateway.oauth.model import TokenInfo

FACTS = TokenInfo(
    "demo", ("a",), ("b",), "c", 1, 2, "password", "store", "d", "e", "f", {"g": "h"}, "i", {"j": "k"}, "l"
)
HEAD = RequestHead(
    "GET", b"/a?b", b"/a", ("a",), b"b", "host", ((b"A", b"1"),), direct_peer("::1", "http"), (1, 0)
)


def test_a_token_with_other_times_is_the_same_in_all_else() -> None:
    made = FACTS.at(7, 8)
    assert made == replace(FACTS, issued=7, expires=8)
    assert type(made) is TokenInfo
    assert {field.name for field in fields(made)} == set(TokenInfo.__slots__)


def test_a_head_with_other_headers_is_the_same_in_all_else_and_finds_its_own() -> None:
    assert HEAD.value(b"a") == b"1"
    peer = direct_peer("::2", "https")
    made = HEAD.with_headers(((b"A", b"2"),), peer)
    assert made == replace(HEAD, headers=((b"A", b"2"),), peer=peer)
    assert (made.value(b"a"), HEAD.value(b"a")) == (b"2", b"1")


@pytest.mark.parametrize("made", [FACTS.at(7, 8), HEAD.with_headers((), HEAD.peer)])
def test_what_was_made_open_is_frozen(made: TokenInfo | RequestHead) -> None:
    for field in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, None)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        made.other = 1  # type: ignore[union-attr]  # what the test shows
