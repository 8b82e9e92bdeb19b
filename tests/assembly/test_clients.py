import hashlib
import json
from pathlib import Path

import pytest

from gateway.assembly.clients import file_clients, jwks_of, secret_of
from gateway.config.value_types import ClientSecret
from gateway.errors import StartError
from gateway.oauth.client_auth import methods_of
from gateway.oauth.model import Client, Secret
from tests.client_keys import signer
from tests.config.example import settings

KEYS = json.dumps(signer("ES256").jwks)


def test_a_plain_secret_is_only_its_digest_from_here_on() -> None:
    (client,) = file_clients(settings("clients: [{id: a, secrets: [hunter2]}]").clients)
    assert "hunter2" not in repr(client)
    assert client.source == "file"
    assert methods_of(client) == {"client_secret_basic", "client_secret_post"}


def test_keys_stand_in_the_file_or_in_one_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(KEYS)
    found = file_clients(
        settings(f"clients: [{{id: a, jwks: {KEYS}}}, {{id: b, jwks_file: {file}}}]").clients
    )
    assert [json.loads(client.jwks) for client in found] == [json.loads(KEYS)] * 2
    assert all(methods_of(client) == {"private_key_jwt"} for client in found)


def test_a_certificates_subject_and_what_tokens_are_bound_to() -> None:
    text = """\
        server: {trusted_proxies: [192.0.2.1]}
        clients: [{id: a, tls_client_auth: {san_dns: a.example}, require_mtls: true, require_dpop: true}]
        """
    (client,) = file_clients(settings(text).clients)
    assert client.tls_subject == ("san_dns", "a.example")
    assert (client.require_mtls, client.require_dpop) == (True, True)
    assert methods_of(client) == {"tls_client_auth"}


@pytest.mark.parametrize(
    ("content", "words"), [(None, "can't read"), ("{}", "must be a JWK Set"), ("\xff", "JSON")]
)
def test_a_key_file_that_has_gone_bad_since_it_was_checked_is_named(
    tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content, "latin-1")
    with pytest.raises(StartError, match=words) as caught:
        jwks_of(file)
    assert str(file) in str(caught.value)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_everything_that_the_file_says_is_carried_over() -> None:
    text = """\
        server: {trusted_proxies: [192.0.2.1]}
        clients:
          - {id: shop, name: Shop, secrets: [one], scopes: [a, b], format: jwt,
             audiences: ["https://a.example"], lifetime: 10m, introspect: true, enabled: false,
             auth: [client_secret_post], api_keys: [0123456789abcdef]}
        """
    assert file_clients(settings(text).clients) == [
        Client(
            id="shop",
            name="Shop",
            secrets=(Secret(digest("one")),),
            scopes=("a", "b"),
            audiences=("https://a.example",),
            format="jwt",
            lifetime=600,
            introspect=True,
            enabled=False,
            auth=frozenset({"client_secret_post"}),
            api_keys=(Secret(digest("0123456789abcdef")),),
            source="file",
        )
    ]


def test_a_secret_may_be_hashed_and_have_a_name_and_an_end() -> None:
    hashed = f"sha256:{digest('x').hex()}"
    text = f"clients: [{{id: a, secrets: [{{secret: '{hashed}', name: next, expires: 2027-12-31}}]}}]"
    (client,) = file_clients(settings(text).clients)
    assert client.secrets == (Secret(digest("x"), "next", 1_830_297_600),)
    assert secret_of(ClientSecret("x")) == Secret(digest("x"))
