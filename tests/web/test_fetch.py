import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from gateway.errors import StartError
from gateway.issuers.fetching import FetchFailed
from gateway.web.fetch import MOST, HttpFetch
from tests.other_issuer import other_issuer


@pytest.fixture
async def fetch() -> AsyncIterator[HttpFetch]:
    made = HttpFetch(5.0)
    yield made
    await made.stop()


async def test_an_answer_is_its_body(fetch: HttpFetch) -> None:
    with other_issuer() as issuer:
        issuer.pages["/a"] = (200, b"hello")
        assert await fetch.get(issuer.url + "/a") == b"hello"


async def test_a_form_comes_with_the_clients_login(fetch: HttpFetch) -> None:
    with other_issuer() as issuer:
        issuer.opaque["to ken"] = {"active": True}
        body = await fetch.post(issuer.url + "/introspect", {"token": "to ken"}, ("a:b", "ü %"))
    assert body == b'{"active": true}'
    scheme, _, value = (issuer.logins[0] or "").partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"a%3Ab:%C3%BC+%25")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((404, b""), "answered 404"),
        ((500, b""), "answered 500"),
        ((302, b"http://127.0.0.1:1/"), "answered 302"),
        ((200, b"x" * (MOST + 1)), "too large"),
    ],
)
async def test_anything_else_is_a_failure(fetch: HttpFetch, page: tuple[int, bytes], reason: str) -> None:
    with other_issuer() as issuer:
        issuer.pages["/a"] = page
        with pytest.raises(FetchFailed, match=reason):
            await fetch.get(issuer.url + "/a")


async def test_nobody_there_is_a_failure(fetch: HttpFetch) -> None:
    with pytest.raises(FetchFailed):
        await fetch.get("http://127.0.0.1:1/")


async def test_a_certificate_must_be_one_that_is_trusted(tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with other_issuer(context) as issuer:
        trusting, strange = HttpFetch(5.0, tmp_path / "ca.pem"), HttpFetch(5.0)
        assert await trusting.get(issuer.url + "/keys")
        with pytest.raises(FetchFailed, match="Certificate"):
            await strange.get(issuer.url + "/keys")
        await trusting.stop()
        await strange.stop()


def test_cas_that_cannot_be_used_keep_the_gateway_from_starting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(StartError, match=r"ca\.pem"):
        HttpFetch(5.0, tmp_path / "ca.pem")
