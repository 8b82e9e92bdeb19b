"""What is read in a token request once, and what is decided each time."""

import base64
from typing import Any, cast

import pytest

from gateway.clock import Clock
from gateway.http.exchange import Peer
from gateway.http.head_limits import RequestHeadLimits
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.form import parse_parameters
from gateway.proxy.simple_request import SimpleRequest, parse_simple_request
from gateway.runtime.caches import BOUNDS
from gateway.store import Store
from gateway.telemetry import Telemetry
from gateway.web.known_token_requests import KnownTokenRequests
from gateway.web.oauth_endpoints import OAuthEndpoints
from gateway.web.request_recorder import RequestRecorder
from gateway.web.token_fast_path import TokenFastPath
from tests.client_keys import signer
from tests.raw import until
from tests.services import ISSUER, Services, a_client

PROOF = ClientProof("kept", "other", "client_secret_basic")
BASIC = "Authorization: Basic " + base64.b64encode(b"kept:other").decode()
TOKEN_URI = f"{ISSUER}/token"
ASKING = "grant_type=client_credentials&validity_period=60"
BOUND = ("DPoP: one.a.b", "X-Last: 1")


def post(form: str = ASKING, *headers: str, target: str = "/token") -> bytes:
    head = [f"POST {target} HTTP/1.1", "Host: a", "Content-Type: application/x-www-form-urlencoded"]
    return "\r\n".join([*head, f"Content-Length: {len(form)}", BASIC, *headers, "", form]).encode()


def read(data: bytes) -> SimpleRequest:
    request = parse_simple_request(data)
    assert request is not None
    return request


def is_kept(data: bytes, form: str = ASKING, proof: ClientProof = PROOF) -> bool:
    known = KnownTokenRequests()
    known.put(data, read(data), parse_parameters(form), proof)
    return known.get(data) is not None


def test_what_stands_in_a_request_is_found_by_its_bytes() -> None:
    known, data, form = KnownTokenRequests(), post(), parse_parameters(ASKING)
    known.put(data, read(data), form, PROOF)
    found = known.get(data)
    assert found is not None
    assert (found.path, found.form, found.proof) == (b"/token", form, PROOF)
    assert found.block is read(data).block
    assert known.get(post("grant_type=client_credentials")) is None


@pytest.mark.parametrize(
    "form",
    [
        "grant_type=password&username=ada&password=lovelace",
        "grant_type=refresh_token&refresh_token=secret",
        "grant_type=client_credentials&client_id=kept&client_secret=other",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c",
    ],
)
def test_secrets_in_a_form_are_not_kept(form: str) -> None:
    assert not is_kept(post(form), form)


def test_what_will_not_come_again_or_is_large_is_not_kept() -> None:
    assert is_kept(post())
    assert not is_kept(post(target="/token?a=1"))
    assert not is_kept(post(), proof=ClientProof("kept", "", "private_key_jwt", assertion="a.b.c"))
    assert not is_kept(post(ASKING, "X-Long: " + "a" * 1024))


def test_a_request_with_another_proof_is_known_and_its_proof_is_its_own() -> None:
    known, form = KnownTokenRequests(), parse_parameters(ASKING)
    known.put(
        post(ASKING, "DPoP: one.a.b", "X-Last: 1"),
        read(post(ASKING, "DPoP: one.a.b", "X-Last: 1")),
        form,
        PROOF,
    )
    for proof in ("one.a.b", "another.one.c", "x"):
        data = post(ASKING, f"DPoP: {proof}", "X-Last: 1")
        found = known.get(data)
        assert found is not None
        assert found.block == read(data).block
        assert (found.path, found.form, found.proof) == (b"/token", form, PROOF)


@pytest.mark.parametrize(
    "headers",
    [
        ("DPoP: one.a.b", "X-Last: 2"),
        ("dpop: one.a.b", "X-Last: 1"),
        ("DPoP: one.a.b", "DPoP: one.a.b", "X-Last: 1"),
        ("DPoP: one a b", "X-Last: 1"),
        ("X-Last: 1",),
    ],
)
def test_a_request_that_differs_in_more_than_the_proof_is_not_known(headers: tuple[str, ...]) -> None:
    known, form, data = (
        KnownTokenRequests(),
        parse_parameters(ASKING),
        post(ASKING, "DPoP: one.a.b", "X-Last: 1"),
    )
    known.put(data, read(data), form, PROOF)
    assert known.get(post(ASKING, *headers)) is None


def test_a_line_of_the_form_is_no_proof() -> None:
    form = "grant_type=client_credentials&scope=a\r\nDPoP: one.a.b\r\n"
    known = KnownTokenRequests()
    known.put(post(form), read(post(form)), parse_parameters("grant_type=client_credentials"), PROOF)
    assert known.get(post(form)) is not None
    assert known.get(post(form.replace("one", "two"))) is None


def test_requests_with_two_proofs_are_not_kept() -> None:
    assert is_kept(post(ASKING, "DPoP: one.a.b"))
    assert not is_kept(post(ASKING, "DPoP: one.a.b", "DPoP: two.a.b"))
    assert not is_kept(post(ASKING, "DPoP: one.a.b", "DPoP:\ttwo.a.b"))


def test_the_limits_hold_for_a_request_with_a_longer_proof() -> None:
    known, data = KnownTokenRequests(), post(ASKING, "DPoP: one.a.b")
    known.put(data, read(data), parse_parameters(ASKING), PROOF)
    limits = RequestHeadLimits(head=read(data).block.size + 10)
    assert known.get(post(ASKING, "DPoP: one.a.b" + "b" * 10), limits) is not None
    assert known.get(post(ASKING, "DPoP: one.a.b" + "b" * 11), limits) is None


def test_the_oldest_make_room() -> None:
    known, form = KnownTokenRequests(), parse_parameters(ASKING)
    requests = [post(ASKING, f"X-Number: {number}") for number in range(BOUNDS["token requests"].entries + 1)]
    for data in requests:
        known.put(data, read(data), form, PROOF)
    assert known.get(requests[0]) is None
    assert all(known.get(data) is not None for data in requests[1:])


class Connection:
    """A client's connection that takes answers."""

    def __init__(self, address: str) -> None:
        self.peer = Peer(address, "http")
        self.closing = False
        self.answers: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.answers.append(data)

    def request_finished(self, *, keep: bool) -> None:
        assert keep


def fast_path(services: Services) -> TokenFastPath:
    unused = cast(Any, None)
    telemetry, clock = Telemetry(), cast(Clock, services.clock)
    endpoints = OAuthEndpoints(services.token_services, unused, unused, "realm", 1.0, telemetry)
    recorder = RequestRecorder(telemetry, None)
    return TokenFastPath(endpoints, recorder, lambda _: False, lambda: "id", clock, (b"POST /token ",))


async def ask(path: TokenFastPath, data: bytes, address: str = "192.0.2.1") -> bytes:
    connection = Connection(address)
    assert path.try_handle(data, cast(Any, connection)) is not None
    await until(lambda: connection.answers)
    return connection.answers[0].partition(b"\r\n")[0]


async def test_a_request_that_came_before_is_authenticated_anew(store: Store) -> None:
    await store.clients.create(a_client("kept", "other"))
    path, data = fast_path(Services(store)), post()
    assert [await ask(path, data) for _ in range(3)] == [b"HTTP/1.1 200 OK"] * 3
    assert path.known.get(data) is not None
    await store.clients.delete("kept")
    assert await ask(path, data) == b"HTTP/1.1 401 Unauthorized"


async def test_a_request_that_came_before_is_judged_by_where_it_comes_from(store: Store) -> None:
    path, data = fast_path(Services(store, [a_client("kept", "other", networks=("192.0.2.0/24",))])), post()
    assert [await ask(path, data) for _ in range(2)] == [b"HTTP/1.1 200 OK"] * 2
    assert path.known.get(data) is not None
    assert await ask(path, data, "198.51.100.1") == b"HTTP/1.1 401 Unauthorized"


async def test_a_request_that_was_refused_is_not_kept(store: Store) -> None:
    path, data = fast_path(Services(store, [a_client("kept", "another")])), post()
    assert await ask(path, data) == b"HTTP/1.1 401 Unauthorized"
    assert path.known.get(data) is None


async def test_each_proof_of_requests_that_are_alike_is_judged(store: Store) -> None:
    services = Services(store, [a_client("kept", "other")])
    path, key, now = fast_path(services), signer("ES256"), services.clock()
    requests = [post(ASKING, f"DPoP: {key.proof('POST', TOKEN_URI, now)}") for _ in range(3)]
    assert [await ask(path, data) for data in requests] == [b"HTTP/1.1 200 OK"] * 3
    assert path.known.get(requests[0]) is not None, "all of them are known by now"
    again = [await ask(path, data) for data in requests]
    assert again == [b"HTTP/1.1 400 Bad Request"] * 3, "each proof is good once"
    elsewhere = post(ASKING, f"DPoP: {key.proof('POST', 'https://elsewhere.example/token', now)}")
    assert await ask(path, elsewhere) == b"HTTP/1.1 400 Bad Request"
