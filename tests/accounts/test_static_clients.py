import hashlib

from gateway.accounts.static_clients import StaticClients
from gateway.oauth.model import Secret
from tests.services import a_client

KEY = b"0123456789abcdef"
DIGEST = Secret(hashlib.sha256(KEY).digest())


def test_a_client_is_found_by_its_id() -> None:
    client = a_client(tier="bronze")
    assert StaticClients([client]).find("demo") == client
    assert StaticClients([client]).find("other") is None


def test_a_client_is_found_by_any_of_its_keys() -> None:
    client = a_client(api_keys=(Secret(b"?" * 32), DIGEST))
    assert StaticClients([client]).by_api_key(KEY) == client
    assert StaticClients([client]).by_api_key(b"other") is None


def test_a_disabled_client_has_no_key() -> None:
    assert StaticClients([a_client(api_keys=(DIGEST,), enabled=False)]).by_api_key(KEY) is None
