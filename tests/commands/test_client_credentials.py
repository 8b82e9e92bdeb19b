"""Ways of authentication that a new client could never use."""

import pytest

from gateway.commands.client_credentials import credential_problems
from gateway.oauth.model import Client

KEYS = '{"keys": []}'
SUBJECT = ("san_dns", "shop.example.org")


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (Client("a"), []),
        (Client("a", auth=frozenset({"client_secret_post"})), []),
        (Client("a", auth=frozenset({"private_key_jwt"}), jwks=KEYS), []),
        (Client("a", auth=frozenset({"private_key_jwt"})), ["private_key_jwt needs --jwks"]),
        (Client("a", auth=frozenset({"tls_client_auth"}), tls_subject=SUBJECT), []),
        (Client("a", auth=frozenset({"tls_client_auth"})), ["tls_client_auth needs --tls"]),
        (Client("a", auth=frozenset({"self_signed_tls_client_auth"}), jwks=KEYS), []),
        (
            Client("a", auth=frozenset({"self_signed_tls_client_auth", "tls_client_auth"})),
            ["self_signed_tls_client_auth needs --jwks", "tls_client_auth needs --tls"],
        ),
    ],
)
def test_a_way_needs_what_is_shown_by_it(wanted: Client, texts: list[str]) -> None:
    assert list(credential_problems(wanted)) == texts


def test_a_subject_must_be_of_its_kind() -> None:
    (text,) = credential_problems(Client("a", tls_subject=("san_ip", "shop.example.org")))
    assert text.startswith("the san_ip ")
    (text,) = credential_problems(Client("a", tls_subject=("subject_dn", "no name")))
    assert text.startswith("the subject_dn ")
