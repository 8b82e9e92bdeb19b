import pytest

from gateway.oauth.model import Client, Secret


def test_values_cannot_be_changed_behind_somebodys_back() -> None:
    client = Client("demo")
    with pytest.raises(AttributeError):
        client.id = "other"  # type: ignore[misc]  # that it is refused is what is tested


def test_a_client_has_safe_defaults() -> None:
    client = Client("demo", secrets=(Secret(b"digest"),))
    assert client.grants == {"client_credentials"}
    assert client.scopes == ()
    assert client.secrets[0].expires is None
