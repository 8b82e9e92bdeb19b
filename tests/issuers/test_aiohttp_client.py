import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from gateway.errors import StartError
from gateway.issuers.aiohttp_client import MAX_RESPONSE, AiohttpClient
from gateway.issuers.http_client import HttpClientError
from tests.other_issuer import other_issuer


@pytest.fixture
async def fetch() -> AsyncIterator[AiohttpClient]:
    made = AiohttpClient(5.0)
    yield made
    await made.stop()


async def test_an_answer_is_its_body(fetch: AiohttpClient) -> None:
    with other_issuer() as issuer:
        issuer.pages["/a"] = (200, b"hello")
        assert await fetch.get(issuer.url + "/a") == b"hello"


async def test_a_form_comes_with_the_clients_login(fetch: AiohttpClient) -> None:
    with other_issuer() as issuer:
        issuer.opaque["to ken"] = {"active": True}
        body = await fetch.post(issuer.url + "/introspect", {"token": "to ken"}, ("a:b", "ü %"))
    assert body == b'{"active": true}'
    scheme, _, value = (issuer.logins[0] or "").partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"a%3Ab:%C3%BC+%25")


async def test_a_form_comes_without_a_login_where_there_is_none(fetch: AiohttpClient) -> None:
    with other_issuer() as issuer:
        issuer.opaque["x"] = {"active": True}
        assert await fetch.post(issuer.url + "/introspect", {"token": "x"}, None) == b'{"active": true}'
    assert issuer.logins == [None]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((404, b""), "answered 404"),
        ((500, b""), "answered 500"),
        ((302, b"http://127.0.0.1:1/"), "answered 302"),
        ((200, b"x" * (MAX_RESPONSE + 1)), "too large"),
    ],
)
async def test_anything_else_is_a_failure(fetch: AiohttpClient, page: tuple[int, bytes], reason: str) -> None:
    with other_issuer() as issuer:
        issuer.pages["/a"] = page
        with pytest.raises(HttpClientError, match=reason):
            await fetch.get(issuer.url + "/a")


async def test_nobody_there_is_a_failure(fetch: AiohttpClient) -> None:
    with pytest.raises(HttpClientError):
        await fetch.get("http://127.0.0.1:1/")


async def test_a_certificate_must_be_one_that_is_trusted(tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with other_issuer(context) as issuer:
        trusting, strange = AiohttpClient(5.0, tmp_path / "ca.pem"), AiohttpClient(5.0)
        assert await trusting.get(issuer.url + "/keys")
        with pytest.raises(HttpClientError, match="Certificate"):
            await strange.get(issuer.url + "/keys")
        await trusting.stop()
        await strange.stop()


def test_cas_that_cannot_be_used_keep_the_gateway_from_starting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(StartError, match=r"ca\.pem"):
        AiohttpClient(5.0, tmp_path / "ca.pem")


@pytest.fixture
async def guarded() -> AsyncIterator[AiohttpClient]:
    made = AiohttpClient(5.0, most_bytes=100, public_only=True)
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://shop.example/jwks", "only https"),
        ("https://127.0.0.1/jwks", "only https"),
        ("https://[::1]/jwks", "only https"),
        ("https://localhost/jwks", "ClientConnectorDNSError"),
    ],
)
async def test_nothing_inside_is_asked_for_strangers(guarded: AiohttpClient, url: str, reason: str) -> None:
    with pytest.raises(HttpClientError, match=reason):
        await guarded.get(url)


async def test_a_response_may_be_limited_further() -> None:
    small = AiohttpClient(5.0, most_bytes=100)
    with other_issuer() as issuer:
        issuer.pages["/a"] = (200, b"x" * 101)
        with pytest.raises(HttpClientError, match="too large"):
            await small.get(issuer.url + "/a")
    await small.stop()


def test_the_cas_of_the_system_are_not_read_before_somebody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: pytest.fail("takes 20 ms, and 700 KiB"))
    AiohttpClient(1.0)
