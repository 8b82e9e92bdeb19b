"""Clients that others have written, each in its own way of reading the standards."""

from collections.abc import Iterator

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsOAuth2Session

from tests.standards.caller import Caller


@pytest.fixture(scope="module")
def url(gateway: Caller) -> str:
    return gateway.running.https.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def certificate(gateway: Caller) -> str:
    return str(gateway.running.file.parent / "state" / "certificate.pem")


def trusting(session: requests.Session, certificate: str) -> None:
    """Trusts the gateway's certificate, whatever the environment says."""
    session.trust_env = False
    session.verify = certificate


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def authlib(request: pytest.FixtureRequest, certificate: str) -> Iterator[OAuth2Session]:
    method = request.param
    with OAuth2Session(
        "shop",
        "shop-secret",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope="orders.read",
    ) as session:
        trusting(session, certificate)
        yield session


def test_authlib_gets_examines_and_revokes_a_token(authlib: OAuth2Session, url: str) -> None:
    token = authlib.fetch_token(url + "/token", grant_type="client_credentials", validity_period=600)
    assert token["token_type"] == "Bearer"
    assert not token.is_expired()
    assert authlib.get(url + "/orders").status_code == 200
    told = authlib.introspect_token(url + "/introspect", token=token["access_token"])
    assert told.json()["client_id"] == "shop"
    revoked = authlib.revoke_token(
        url + "/revoke", token=token["access_token"], token_type_hint="access_token"
    )
    assert revoked.status_code == 200
    assert authlib.get(url + "/orders").status_code == 401
    assert authlib.introspect_token(url + "/introspect", token=token["access_token"]).json() == {
        "active": False
    }


def test_authlib_logs_a_user_in_and_refreshes(url: str, certificate: str) -> None:
    with OAuth2Session("app", "app-secret") as session:
        trusting(session, certificate)
        first = session.fetch_token(url + "/token", username="ada", password="ada-password")
        second = session.refresh_token(url + "/token", refresh_token=first["refresh_token"])
        assert second["refresh_token"] != first["refresh_token"]
        assert session.get(url + "/any").status_code == 200
        assert session.revoke_token(url + "/revoke", token=second["refresh_token"]).status_code == 200
        assert session.get(url + "/any").status_code == 401


def test_authlib_finds_the_metadata_sound(url: str, certificate: str) -> None:
    found = requests.get(url + "/.well-known/oauth-authorization-server", verify=certificate, timeout=10)
    metadata = AuthorizationServerMetadata(found.json())
    for key in metadata.REGISTRY_KEYS:
        getattr(metadata, f"validate_{key}")()


def test_requests_oauthlib_gets_and_uses_a_token(url: str, certificate: str) -> None:
    # oauthlib refuses an answer with another scope than it asked for: it asks for the application scope, too.
    scope = ["am_application_scope", "orders.read"]
    with RequestsOAuth2Session(client=BackendApplicationClient("shop", scope=scope)) as session:
        trusting(session, certificate)
        session.fetch_token(url + "/token", auth=HTTPBasicAuth("shop", "shop-secret"))
        assert session.get(url + "/orders").status_code == 200


def test_requests_oauthlib_logs_a_user_in_and_refreshes(url: str, certificate: str) -> None:
    with RequestsOAuth2Session(client=LegacyApplicationClient("app", scope=["orders.read"])) as session:
        trusting(session, certificate)
        session.fetch_token(
            url + "/token",
            username="ada",
            password="ada-password",
            client_id="app",
            client_secret="app-secret",
        )
        before = session.token["refresh_token"]
        session.refresh_token(url + "/token", auth=HTTPBasicAuth("app", "app-secret"))
        assert session.token["refresh_token"] != before
        assert session.get(url + "/orders").status_code == 200


def test_requests_oauthlib_reads_each_error(url: str, certificate: str) -> None:
    def fetch(secret: str, client: object, **more: str) -> None:
        with RequestsOAuth2Session(client=client) as session:
            trusting(session, certificate)
            session.fetch_token(url + "/token", auth=HTTPBasicAuth("app2", secret), **more)

    with pytest.raises(InvalidClientError):
        fetch("wrong", BackendApplicationClient("app2"))
    with pytest.raises(InvalidGrantError):
        fetch("app2-secret", LegacyApplicationClient("app2"), username="ada", password="wrong")
    with pytest.raises(InvalidScopeError):
        fetch(
            "app2-secret",
            LegacyApplicationClient("app2", scope=["admin"]),
            username="ada",
            password="ada-password",
        )
