import hashlib

from gateway.file_clients import FileClients
from gateway.oauth.values import Secret
from tests.services import a_client

KEY = b"0123456789abcdef"
DIGEST = Secret(hashlib.sha256(KEY).digest())


def test_a_client_is_found_by_its_id() -> None:
    client = a_client(tier="bronze")
    assert FileClients([client]).find("demo") == client
    assert FileClients([client]).find("other") is None


def test_a_client_is_found_by_any_of_its_keys() -> None:
    client = a_client(api_keys=(Secret(b"?" * 32), DIGEST))
    assert FileClients([client]).by_api_key(KEY) == client
    assert FileClients([client]).by_api_key(b"other") is None


def test_a_disabled_client_has_no_key() -> None:
    assert FileClients([a_client(api_keys=(DIGEST,), enabled=False)]).by_api_key(KEY) is None
