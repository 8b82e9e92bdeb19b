import pytest

from gateway.commands.client_words import described, problem
from gateway.oauth.values import Client, Secret
from tests.config.example import settings

SETTINGS = settings("""
clients: [{id: taken, secrets: [x]}]
portal: {users: [{name: Ada, password: x}]}
""")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Client("é"), "printable ASCII"),
        (Client("taken"), "stands in gateway.yaml"),
        (Client("ada"), "a user has the name"),
        (Client("a", grants=frozenset({"magic"})), "there is no grant 'magic'"),
        (Client("a", scopes=("a b",)), "is no scope"),
        (Client("a", lifetime=10**6), "over tokens.max_lifetime"),
    ],
)
def test_what_is_wrong_with_a_client_is_said(wanted: Client, words: str) -> None:
    assert words in (problem(wanted, SETTINGS) or "")


def test_a_sound_client_has_no_problem() -> None:
    assert problem(Client("a", scopes=("orders.read",), lifetime=60), SETTINGS) is None


def test_secrets_are_told_by_name_and_time_only() -> None:
    secret = Secret(b"\x07" * 32, "next", expires=1_830_297_600, created=0)
    shown = described(Client("a", secrets=(secret,)))
    assert shown["secrets"] == [{"name": "next", "created": None, "expires": "2028-01-01T00:00:00Z"}]
    assert "07" * 32 not in str(shown)
