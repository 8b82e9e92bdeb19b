"""Proxies ask a running gateway by gRPC whether a request may pass: `listen[].ext_authz`."""

from __future__ import annotations

import base64
import json
import signal
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from envoy.service.auth.v3 import external_auth_pb2 as messages
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationStub

from tests.certificates import Certificate
from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.raw import LIMIT
from tests.running import START_LIMIT, Running

HOST = "127.0.0.1"
GRPC_LISTENER = {"host": HOST, "port": 0, "ext_authz": "grpc"}
SOCKET = "asked.sock"
LIMITED = {"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "address"}}
CORS = {"use": "cors", "with": {"origins": ["https://app.example.org"]}}
ONLY = {"verify_only": True}
ROUTES: list[dict[str, Any]] = [
    {"path": "/orders", "scopes": ["orders.read"], **ONLY},
    {"path": "/orders/admin", "scopes": ["admin"], **ONLY},
    {"path": "/kept", "forward_token": True, **ONLY},
    {"path": "/cookies", "token_from": ["header", "cookie:session"], "plugins": [CORS], **ONLY},
    {"path": "/open", "auth": "none", **ONLY},
    {"path": "/limited", "auth": "none", "plugins": [LIMITED], **ONLY},
    {
        "path": "/local",
        "auth": "none",
        "plugins": [{"use": "ip_filter", "with": {"allow": ["192.0.2.0/24"]}}],
        **ONLY,
    },
]


def config(store: dict[str, str], **server: Any) -> dict[str, Any]:
    listen = [{"host": HOST, "port": 0}, GRPC_LISTENER]
    return configuration(
        "http://127.0.0.1:1",
        server={"listen": listen, "trusted_proxies": [HOST], **server},
        store=store,
        tokens={"key": "k" * 32},
        clients=[
            {"id": "shop", "secrets": ["shop-secret"], "scopes": ["orders.read"]},
            {"id": "bound", "tls_client_auth": {"san_dns": "bound.example"},
             "scopes": ["orders.read"], "require_mtls": True},
        ],
        routes=ROUTES,
        plugins=[{"use": "request_id"}],
    )  # fmt: skip


def started(found: dict[str, Any], folder: Path, *arguments: str) -> Running:
    running = Running(found, folder, *arguments)
    running.await_ready()
    return running


@pytest.fixture(scope="module")
def gateway(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with valkey.client as client:
        client.delete(*client.keys("ext-authz:*") or ["ext-authz:none"])
    found = config({"url": valkey.url, "prefix": "ext-authz:"})
    folder = tmp_path_factory.mktemp("ext-authz")
    found["server"]["trusted_proxies"].append("unix:")
    found["server"]["listen"].append({"unix": str(folder / SOCKET), "ext_authz": "grpc"})
    running = started(found, folder)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def token(gateway: Running) -> str:
    return token_of(gateway)


def token_of(gateway: Running) -> str:
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    form |= {"client_id": "shop", "client_secret": "shop-secret"}
    sent = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{gateway.http}/token", sent, timeout=LIMIT) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


def target(gateway: Running, scheme: str = "grpc") -> str:
    return gateway.addresses(scheme)[0].partition("//")[2]


@pytest.fixture(scope="module")
def channel(gateway: Running) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(target(gateway)) as made:
        yield made


Ask = Callable[[messages.CheckRequest], messages.CheckResponse]


@pytest.fixture(scope="module")
def ask(channel: grpc.Channel) -> Ask:
    stub = AuthorizationStub(channel)
    return lambda made: stub.Check(made, timeout=LIMIT)


def question(
    path: str,
    *headers: tuple[str, str],
    method: str = "GET",
    address: str = "203.0.113.7",
    certificate: str = "",
    raw: bool = True,
) -> messages.CheckRequest:
    """As Envoy makes it, with and without `encode_raw_headers`."""
    made = messages.CheckRequest()
    http = made.attributes.request.http
    http.method, http.path, http.host, http.scheme = method, path, "api.example.org", "http"
    for name, value in ((":path", path), (":authority", http.host), *headers):
        if raw:
            http.header_map.headers.add(key=name, raw_value=value.encode())
        else:
            http.headers[name] = value
    made.attributes.source.address.socket_address.address = address
    made.attributes.source.certificate = certificate
    return made


def bearer(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


def set_headers(answer: messages.CheckResponse) -> dict[str, str]:
    return {option.header.key: option.header.value for option in answer.ok_response.headers}


@pytest.mark.parametrize("raw", [True, False])
def test_a_request_that_may_pass_gets_who_calls_and_loses_what_it_claimed(
    ask: Ask, token: str, raw: bool
) -> None:
    planted = [("x-client-id", "root"), ("x_client_id", "root"), ("x-authenticated-userid", "root")]
    planted += [("client-cert", "x"), ("x-real-ip", "10.0.0.1"), ("x-own", "1")]
    answer = ask(question("/orders/7?x=%2F", bearer(token), *planted, raw=raw))
    assert answer.status.code == 0
    headers = set_headers(answer)
    assert (headers["x-client-id"], len(headers["x-request-id"])) == ("shop", 32)
    assert headers["x-authenticated-scope"] == "am_application_scope orders.read"
    assert set(answer.ok_response.headers_to_remove) == {
        "authorization", "x_client_id", "x-authenticated-userid", "client-cert", "x-real-ip",
    }  # fmt: skip


def test_the_token_goes_on_where_the_route_says_so(ask: Ask, token: str) -> None:
    answer = ask(question("/kept", bearer(token)))
    assert answer.status.code == 0
    assert not answer.ok_response.headers_to_remove


def test_a_token_in_a_cookie_is_cut_out_of_it(ask: Ask, token: str) -> None:
    cookies = ("cookie", f"a=1; session={token}; b=2")
    answer = ask(question("/cookies", cookies, ("origin", "https://app.example.org")))
    assert set_headers(answer)["cookie"] == "a=1; b=2"


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "grpc_code"),
    [
        ("GET", "/orders", 401, "900902", 16),
        ("GET", "/orders/admin", 403, "900910", 7),
        ("GET", "/nothing", 404, "404", 12),
        ("GET", "/ORDERS", 400, "400", 3),
        ("GET", "/open/../orders", 400, "400", 3),
        ("GET", "*", 400, "400", 3),
        ("GET", "", 400, "400", 3),
        ("CONNECT", "/open", 501, "501", 12),
        ("GE T", "/open", 400, "400", 3),
    ],
)
def test_a_refusal_is_that_of_a_proxied_request(
    ask: Ask, token: str, method: str, path: str, status: int, code: str, grpc_code: int
) -> None:
    headers = () if status == 401 else (bearer(token),)
    answer = ask(question(path, *headers, method=method))
    assert (answer.denied_response.status.code, answer.status.code) == (status, grpc_code)
    document = json.loads(answer.denied_response.body)
    assert (document["code"], document["status"]) == (code, status)
    shown = {option.header.key: option.header.value for option in answer.denied_response.headers}
    assert shown["Content-Type"] == "application/problem+json"
    assert ("WWW-Authenticate" in shown) is (status in (401, 403))


def test_a_call_of_grpc_is_refused_by_a_status_of_grpc(ask: Ask) -> None:
    answer = ask(question("/orders", ("content-type", "application/grpc+proto"), method="POST"))
    shown = {option.header.key: option.header.value for option in answer.denied_response.headers}
    assert (shown["grpc-status"], shown["grpc-message"]) == ("16", "This route needs an access token.")
    assert (answer.denied_response.body, answer.denied_response.status.code) == ("", 401)


@pytest.mark.parametrize(
    "planted",
    [
        ("x-original-url", "/open"),
        ("x-original-method", "POST"),
        ("x-forwarded-uri", "/open"),
        ("x-forwarded-host", "other.example.org"),
        ("x-http-method-override", "DELETE"),
        ("x_rewrite_url", "/open"),
    ],
)
def test_a_caller_that_describes_another_request_is_refused(
    ask: Ask, token: str, planted: tuple[str, str]
) -> None:
    assert ask(question("/orders", bearer(token), planted)).denied_response.status.code == 400


def test_the_path_is_read_byte_for_byte(ask: Ask) -> None:
    made = question("/open/x!")
    made.attributes.request.http.header_map.headers[0].raw_value = b"/open/x\xff"
    assert ask(made).denied_response.status.code == 400


def test_too_many_headers_are_refused(ask: Ask) -> None:
    many = [(f"x-{number}", "1") for number in range(101)]
    assert ask(question("/open", *many)).denied_response.status.code == 431


def test_a_limit_counts_the_client_that_the_proxy_tells_of(ask: Ask) -> None:
    statuses = [ask(question("/limited")).denied_response.status.code for _ in range(3)]
    assert statuses == [0, 0, 429]
    answer = ask(question("/limited", address="203.0.113.8"))
    added = {option.header.key.lower() for option in answer.ok_response.response_headers_to_add}
    assert (answer.status.code, "ratelimit" in added) == (0, True)


@pytest.mark.parametrize(
    ("address", "chain", "status"),
    [
        ("192.0.2.9", "", 0),
        ("203.0.113.9", "", 403),
        ("203.0.113.9", "192.0.2.9, 203.0.113.9", 403),
        (HOST, f"192.0.2.9, {HOST}", 0),
        ("", "192.0.2.9", 403),
        ("nonsense", "", 403),
    ],
)
def test_the_address_is_that_of_the_proxys_client(ask: Ask, address: str, chain: str, status: int) -> None:
    headers = [("x-forwarded-for", chain)] if chain else []
    answer = ask(question("/local", *headers, address=address))
    assert answer.denied_response.status.code == status


def test_a_certificate_is_told_of_by_the_proxy_alone(gateway: Running, ask: Ask) -> None:
    authority = Certificate("CN=ca", authority=True)
    certificate = Certificate(names=(x509.DNSName("bound.example"),), issuer=authority)
    pem = urllib.parse.quote(certificate.pem.decode())
    form = {"grant_type": "client_credentials", "client_id": "bound", "scope": "orders.read"}
    asked = urllib.request.Request(f"{gateway.http}/token", urllib.parse.urlencode(form).encode())  # noqa: S310
    asked.add_header("Client-Cert", f":{base64.b64encode(certificate.der).decode()}:")
    with urllib.request.urlopen(asked, timeout=LIMIT) as answer:  # noqa: S310
        stolen = str(json.load(answer)["access_token"])
    assert ask(question("/orders", bearer(stolen), certificate=pem)).status.code == 0
    planted = ("client-cert", f":{base64.b64encode(certificate.der).decode()}:")
    for address in ("203.0.113.7", HOST):
        refused = ask(question("/orders", bearer(stolen), planted, address=address))
        assert refused.denied_response.status.code == 401


# Who may ask, and how.


def test_only_proxies_that_are_trusted_may_ask(valkey: Valkey, tmp_path: Path) -> None:
    """By address, by a secret in the metadata, and by a TLS certificate."""
    authority = Certificate("CN=ca", authority=True)
    names = (x509.DNSName("localhost"), x509.DNSName("proxy.example"))
    file = Certificate(names=names, issuer=authority).file(tmp_path, "own")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    tls = {"certificate": str(file), "key": str(file), "client_ca": str(tmp_path / "ca.pem")}
    path = tmp_path / "asked.sock"
    found = config(
        {"url": valkey.url, "prefix": "ext-authz:"},
        trusted_proxies=["192.0.2.1"],
        forward_auth={"secrets": ["the-secret-of-a-proxy"], "tls_client_auth": {"san_dns": "proxy.example"}},
        listen=[
            {"host": HOST, "port": 0},
            GRPC_LISTENER,
            {**GRPC_LISTENER, "tls": tls},
            {"unix": str(path), "ext_authz": "grpc"},
        ],
    )
    running = started(found, tmp_path)
    secret = (("x-forward-auth-secret", "the-secret-of-a-proxy"),)
    roots, chain = authority.pem, file.read_bytes()
    own = grpc.ssl_channel_credentials(roots, chain, chain)
    stranger = Certificate(names=(x509.DNSName("stranger.example"),), issuer=authority).file(
        tmp_path, "other"
    )
    other = grpc.ssl_channel_credentials(roots, stranger.read_bytes(), stranger.read_bytes())
    by_name = [("grpc.ssl_target_name_override", "localhost")]
    address, secured = target(running), target(running, "grpcs")
    for channel, metadata, allowed in (
        (grpc.insecure_channel(address), (), False),
        (grpc.insecure_channel(address), (("x-forward-auth-secret", "another-secret-here"),), False),
        (grpc.insecure_channel(address), secret, True),
        (grpc.insecure_channel(f"unix:{path}"), (), False),
        (grpc.insecure_channel(f"unix:{path}"), secret, True),
        (grpc.secure_channel(secured, own, by_name), (), True),
        (grpc.secure_channel(secured, other, by_name), (), False),
        (grpc.secure_channel(secured, grpc.ssl_channel_credentials(roots), by_name), (), False),
    ):
        with channel:
            assert code_of(channel, metadata) is (OK if allowed else grpc.StatusCode.PERMISSION_DENIED)
    assert running.found("forward authentication refused: gRPC from 127.0.0.1: it must show a secret")
    assert not running.found("the-secret-of-a-proxy")
    running.stop()


OK = grpc.StatusCode.OK


def code_of(channel: grpc.Channel, metadata: Any = (), method: str = "Check", data: bytes = b"") -> Any:
    """The status of a call."""
    call = channel.unary_unary(f"/envoy.service.auth.v3.Authorization/{method}")
    sent = data or question("/open").SerializeToString()
    try:
        call(sent, timeout=LIMIT, metadata=metadata)
    except grpc.RpcError as error:
        return error.code()  # type: ignore[attr-defined]  # of a call
    return OK


def test_whoever_may_connect_to_a_unix_socket_may_ask(gateway: Running) -> None:
    with grpc.insecure_channel(f"unix:{gateway.file.with_name(SOCKET)}") as channel:
        assert code_of(channel) is OK


def test_what_is_no_question_has_a_status(channel: grpc.Channel) -> None:
    assert code_of(channel, method="Nothing") is grpc.StatusCode.UNIMPLEMENTED
    assert code_of(channel, data=b"\xff") is grpc.StatusCode.INVALID_ARGUMENT
    assert code_of(channel, data=b"\x12" * 300_000) is grpc.StatusCode.RESOURCE_EXHAUSTED
    call = channel.unary_unary("/envoy.service.auth.v3.Authorization/Check")
    with pytest.raises(grpc.RpcError) as compressed:
        call(question("/open").SerializeToString() * 9, timeout=LIMIT, compression=grpc.Compression.Gzip)
    assert compressed.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert code_of(channel) is OK


def test_many_questions_at_once_on_one_connection_are_all_answered(channel: grpc.Channel, token: str) -> None:
    stub = AuthorizationStub(channel)
    asked = [stub.Check.future(question("/orders/7", bearer(token)), timeout=LIMIT) for _ in range(300)]
    assert {one.result().status.code for one in asked} == {0}


# The store is away, and time passes.


def test_without_the_store_nobody_passes(own_valkey: Valkey, tmp_path: Path) -> None:
    running = started(config({"url": own_valkey.url}), tmp_path)
    token = token_of(running)
    with grpc.insecure_channel(target(running)) as channel:
        stub = AuthorizationStub(channel)
        assert stub.Check(question("/orders", bearer(token)), timeout=LIMIT).status.code == 0
        own_valkey.freeze()
        deadline = time.monotonic() + START_LIMIT
        while (answer := stub.Check(question("/orders", bearer(token)), timeout=LIMIT)).status.code == 0:
            assert time.monotonic() < deadline, "it still lets in"
        assert answer.denied_response.status.code == 503
        assert json.loads(answer.denied_response.body)["code"] == "900900"
        own_valkey.thaw()
        while stub.Check(question("/orders", bearer(token)), timeout=LIMIT).status.code != 0:
            assert time.monotonic() < deadline, "it does not heal"
    running.stop()


def test_a_reload_loses_no_question(valkey: Valkey, tmp_path: Path) -> None:
    found = config({"url": valkey.url, "prefix": "ext-authz:"})
    running = started(found, tmp_path)
    failed: list[object] = []
    done = threading.Event()

    def keep_asking() -> None:
        with grpc.insecure_channel(target(running)) as channel:
            while not done.is_set():
                code = code_of(channel)
                if code is not OK:
                    failed.append(code)

    asking = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in asking:
        thread.start()
    with grpc.insecure_channel(target(running)) as channel:
        for path in ("/new", "/newer"):
            found["routes"].append({"path": path, "auth": "none", **ONLY})
            running.write(found)
            running.signal(signal.SIGHUP)
            deadline = time.monotonic() + START_LIMIT
            stub = AuthorizationStub(channel)
            while stub.Check(question(path), timeout=LIMIT).status.code != 0:
                assert time.monotonic() < deadline, "the reload has no effect"
    done.set()
    for thread in asking:
        thread.join()
    assert not failed
    running.stop()
    assert not running.found("error|Traceback")
