"""Webhooks come in once, signed by one who knows the secret; what goes on can be signed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from plugins.hmac_schemes import BadSignature, SignedContent, key_of
from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import problem, web_config

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()
OLD, TEXT = "the-old-secret", "the-shared-secret"
BODY = b'{"type": "paid"}'
GENERIC = {
    "header": "X-Signature",
    "prefix": "v0=",
    "algorithm": "sha512",
    "encoding": "base64",
    "content": "{method} {target} {id} {timestamp} {body}",
    "timestamp": "X-Time",
    "id": "X-Id",
}


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def started(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, "hmac:")
    options: dict[str, dict[str, Any]] = {
        "standard": {"secrets": [SECRET, OLD]},
        "github": {"scheme": "github", "secrets": [TEXT]},
        "github-once": {"scheme": "github", "secrets": [TEXT], "replay": True},
        "stripe": {"scheme": "stripe", "secrets": [TEXT]},
        "generic": {"scheme": "generic", "secrets": [TEXT], "generic": GENERIC},
        "signs": {"sign": {"secret": SECRET, "what": ["requests", "responses"]}},
    }
    to = {"upstream": "backend", "auth": "none"}
    config["routes"] = [
        {"path": f"/{name}", "plugins": [{"use": "hmac", "with": given}], **to}
        for name, given in options.items()
    ]
    running = Running(config, tmp_path_factory.mktemp("hmac"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
def running(started: Running, backend: RawUpstream) -> Running:
    backend.reset()
    return started


def mac(key: bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, content, algorithm).digest()


def standard(message: str, when: int, key: bytes = b"s" * 24, body: bytes = BODY) -> tuple[str, ...]:
    made = base64.b64encode(mac(key, f"{message}.{when}.".encode() + body)).decode()
    return f"webhook-id: {message}", f"webhook-timestamp: {when}", f"webhook-signature: v1a,x v1,{made}"


async def ask(
    running: Running, target: str, *headers: str, body: bytes = BODY, method: str = "POST"
) -> RawMessage:
    lines = [f"{method} {target} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers, "", ""]
    async with await running.connect() as client:
        return await client.ask("\r\n".join(lines).encode() + body)


async def test_what_is_signed_with_one_of_the_secrets_comes_in_once(
    running: Running, backend: RawUpstream
) -> None:
    now = int(time.time())
    signed = standard("msg_1", now)
    assert (await ask(running, "/standard", *signed)).status == 200
    assert backend.requests[0].body == BODY
    again = await asyncio.gather(*(ask(running, "/standard", *signed) for _ in range(3)))
    assert {one.status for one in again} == {401}
    for fresh in (standard("msg_1", now - 1), standard("msg_2", now), standard("msg_3", now, OLD.encode())):
        assert (await ask(running, "/standard", *fresh)).status == 200
    assert len(backend.requests) == 4


async def test_whatever_is_wrong_with_a_signature_nothing_reaches_the_upstream(
    running: Running, backend: RawUpstream
) -> None:
    now = int(time.time())
    wrong = [
        standard("a", now, b"x" * 24),
        standard("a", now - 400),
        standard("a", now + 400),
        standard("a", now, body=BODY + b" "),
        standard("a", now)[:2],
        standard("a", now)[1:],
        (*standard("a", now), "webhook-id: b"),
        ("webhook-id: a", "webhook-timestamp: soon", "webhook-signature: v1,x"),
        ("webhook-id: a", f"webhook-timestamp: {now}", "webhook-signature: v2," + "A" * 43 + "="),
        (),
    ]
    for headers in wrong:
        found = await ask(running, "/standard", *headers)
        assert (found.status, problem(found)["code"]) == (401, "401")
        assert found.header("WWW-Authenticate") == 'HMAC realm="gatepost"'
    upgrade = (*standard("u", now, body=b""), "Connection: upgrade", "Upgrade: websocket")
    assert (await ask(running, "/standard", *upgrade, body=b"", method="GET")).status == 401
    assert backend.requests == []


async def test_github_and_stripe_sign_in_their_own_ways(running: Running, backend: RawUpstream) -> None:
    github = f"X-Hub-Signature-256: sha256={mac(TEXT.encode(), BODY).hex()}"
    for target, statuses in (("/github", [200, 200]), ("/github-once", [200, 401])):
        assert [(await ask(running, target, github)).status for _ in statuses] == statuses
    assert (await ask(running, "/github", github, body=BODY + b" ")).status == 401
    now = int(time.time())
    made = mac(TEXT.encode(), b"%d.%s" % (now, BODY)).hex()
    stripe = f"Stripe-Signature: t={now},v1={'0' * 64},v1={made},v0=abc"
    assert [(await ask(running, "/stripe", stripe)).status for _ in range(2)] == [200, 401]
    assert (await ask(running, "/stripe", stripe.replace("v1=", "v2="))).status == 401


async def test_any_other_form_can_be_configured(running: Running, backend: RawUpstream) -> None:
    now = int(time.time())
    content = b"POST /generic?a=1 m-1 %d %s" % (now, BODY)
    made = base64.b64encode(mac(TEXT.encode(), content, "sha512")).decode()
    headers = f"X-Signature: v0={made}", f"X-Time: {now}", "X-Id: m-1"
    assert (await ask(running, "/generic?a=2", *headers)).status == 401
    assert (await ask(running, "/generic?a=1", *headers)).status == 200
    assert (await ask(running, "/generic?a=1", headers[0].replace("v0=", ""), *headers[1:])).status == 401


async def test_requests_and_responses_are_signed(running: Running, backend: RawUpstream) -> None:
    backend.reset(says(answer("200 OK", b"done", "webhook-id: forged")))
    found = await ask(running, "/signs", "webhook-id: forged", "webhook-signature: v1,x")
    for message, body in ((backend.requests[0], BODY), (found, b"done")):
        when = message.header("webhook-timestamp") or ""
        assert abs(int(when) - time.time()) < 60
        name = message.header("webhook-id") or ""
        assert name.startswith("msg_")
        expected = base64.b64encode(mac(b"s" * 24, f"{name}.{when}.".encode() + body)).decode()
        assert message.header("webhook-signature") == f"v1,{expected}"


def test_of_many_signatures_only_some_are_looked_at() -> None:
    good = mac(b"k", b"a")
    SignedContent(b"a", (b"x",) * 15 + (good,)).verify((b"k",))
    with pytest.raises(BadSignature):
        SignedContent(b"a", (b"x",) * 16 + (good,)).verify((b"k",))


def test_a_secret_is_text_or_base64() -> None:
    assert key_of("whsec_c2VjcmV0") == b"secret"
    assert key_of("c2VjcmV0") == b"c2VjcmV0"
    assert SignedContent(b"a", ()).name == hashlib.sha256(b"a").hexdigest()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "needs secrets, to verify requests, or sign"),
        ({"secrets": ["short"]}, "must have at least 8 bytes"),
        ({"secrets": ["whsec_!!!!"]}, "must be whsec_ and base64"),
        ({"secrets": [TEXT], "generic": {"content": "{timestamp}"}}, "must have {body} once"),
        ({"secrets": [TEXT], "generic": {"content": "{x}{body}"}}, "has other names than"),
        ({"secrets": [TEXT], "generic": {"timestamp": "X-Time"}}, "or neither"),
        ({"secrets": [TEXT], "generic": {"content": "{id}{body}"}}, "or neither"),
    ],
)
def test_a_wrong_option_is_an_error_of_the_file(options: dict[str, Any], text: str) -> None:
    config = {
        "upstreams": {"orders": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "routes": [{"path": "/", "upstream": "orders", "plugins": [{"use": "hmac", "with": options}]}],
    }
    with pytest.raises(ConfigurationError) as refused:
        load_text(yaml.safe_dump(config), {}, PluginCatalog())
    assert text in str(refused.value)
    assert "routes[0].plugins[0].with" in str(refused.value)
