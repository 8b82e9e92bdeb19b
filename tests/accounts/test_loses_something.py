"""Which changes of a client end its tokens."""

from dataclasses import replace

import pytest

from gateway.accounts.registry import loses_something
from gateway.oauth.model import Client

BEFORE = Client("shop", scopes=("a", "b"), audiences=("x",), require_mtls=True, tier="gold")


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"name": "Shop"}, False),
        ({"lifetime": 60}, False),
        ({"scopes": ("b", "a", "c")}, False),
        ({"scopes": ("a",)}, True),
        ({"audiences": ()}, True),
        ({"grants": frozenset()}, True),
        ({"require_mtls": False}, False),
        ({"require_dpop": True}, True),
        ({"tier": None}, True),
        ({"jwks": "{}"}, True),
        ({"auth": frozenset({"private_key_jwt"})}, True),
    ],
    ids=str,
)
def test_a_change_that_takes_something_away_ends_tokens(fields: dict[str, object], ends: bool) -> None:
    assert loses_something(BEFORE, replace(BEFORE, **fields)) is ends  # type: ignore[arg-type]  # by name
