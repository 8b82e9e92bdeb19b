import json

import pytest

from gateway.issuers.discovery import discover, jwks_url, metadata_urls
from gateway.issuers.http_client import HttpClientError
from tests.issuers.scripted import ISSUER, ScriptedFetch

OAUTH = "https://id.example/.well-known/oauth-authorization-server"
OPENID = "https://id.example/.well-known/openid-configuration"


def document(**changes: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "jwks_uri": "https://keys.example/jwks", **changes}).encode()


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (ISSUER, (OAUTH, OPENID)),
        (
            "https://id.example/realms/a",
            (OAUTH + "/realms/a", "https://id.example/realms/a/.well-known/openid-configuration"),
        ),
        ("https://id.example/", (OAUTH, OPENID)),
    ],
)
def test_the_well_known_part_stands_where_the_standards_put_it(issuer: str, urls: tuple[str, str]) -> None:
    assert metadata_urls(issuer) == urls


async def test_either_document_will_do() -> None:
    for url in (OAUTH, OPENID):
        fetch = ScriptedFetch()
        fetch.answers[url] = document()
        assert await discover(fetch, ISSUER) == "https://keys.example/jwks"


@pytest.mark.parametrize(
    "data",
    [
        document(issuer="https://evil.example"),
        document(issuer=ISSUER + "/"),
        document(issuer=None),
        document(jwks_uri=None),
        document(jwks_uri=7),
        document(jwks_uri="http://keys.example/jwks"),
        document(jwks_uri="file:///etc/passwd"),
        b"[]",
        b"nonsense",
        b"[" * 100_000,
    ],
)
async def test_metadata_that_are_not_the_issuers_are_not_used(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        jwks_url(data, ISSUER)
    fetch = ScriptedFetch()
    fetch.answers[OAUTH] = data
    with pytest.raises(HttpClientError):
        await discover(fetch, ISSUER)
