"""What is measured under load: for each case, who takes part and with which load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import distinct
from benchmarks.contender import Contender
from benchmarks.driven import Run, program
from benchmarks.load import Load
from benchmarks.names import (
    AIOHTTP_ONLY,
    ALL_PLUGINS,
    CADDY,
    COMPILED,
    COMPILED_ON_REDIS,
    ENVOY,
    GATEPOST,
    HAPROXY,
    JWT,
    MANY_ROUTES,
    NGINX,
    NGINX_EXTRAS,
    NGINX_REDIS,
    OIDC,
    ON_REDIS,
    SLOW_PATHS,
    TEN_ROUTES,
    TRAEFIK,
    TWO_WORKERS,
)
from benchmarks.peers.gatepost import FORM, Gatepost
from benchmarks.peers.nginx_lua import NginxLua
from benchmarks.peers.streams import EVENTS, SHORT, SOCKET
from benchmarks.signed import AUDIENCE
from benchmarks.stand import Stand

Make = Callable[[Stand, Contender], Load]
CHECKED = (NGINX, ENVOY, GATEPOST)
BOTH_EDITIONS = (*CHECKED, COMPILED)
SMALL = "token checked, 120 bytes"
HALF_RATE = "half of Gatepost's own top rate"
FORGED = "401, forged token"
TLS = "TLS, 1 KiB, 100 connections, 2 workers"
ROUTES = "10,000 routes"
WORKERS = "2 workers"
NEW_EACH = "&validity_period=600"
"""A lifetime of its own: no token that is given out again."""
CONNECTION = "a new connection each"
HANDSHAKE = "a new connection each, TLS 1.3"
RESUMED = "a new connection each, TLS 1.3 resumed"
MESSAGE = "WebSocket, a message and its echo"
EVENT = "server-sent event to 1,000 callers, each"
PLUGINS = "all usual plugins"
NOT_CACHED = "token not cached"
CHUNKED = "chunked upload"
EXPECT = "Expect: 100-continue"
EVENTS_EACH = "ten server-sent events"
HOOK = "asynchronous hook"
PROOF = "DPoP-bound token"
FOREIGN = "JWT of another issuer"
REUSED = "/token, reused"
ASSERTION = "/token, private_key_jwt (ES256)"
SIGNED = "/token, answers with a JWT (ES256)"
BOUND = "/token, bound to a DPoP key"
NEW = "/token, new each"


@dataclass(frozen=True, slots=True)
class Case:
    """Some rows of the table."""

    name: str
    contenders: tuple[str, ...]
    load: Make
    base: str = NGINX
    """Whose cost the ratios are to."""
    base_case: str | None = None
    """Where the base stands, if in another row."""
    warm_up: float = 1
    """Seconds of the same load before each measurement."""
    quick: bool = False
    """Whether it is a part of the quick run."""
    pace: float | None = None
    """The share of Gatepost's rate in `SMALL`, in the same round, at which requests come; None: as fast as they are answered."""
    run: Run | None = None
    """What loads, if not wrk."""
    fixed_rate: bool = False
    """Whether `run` has a rate of its own."""

    @property
    def at_own_rate(self) -> bool:
        """Whether the load does not wait for answers."""
        return self.fixed_rate or self.pace is not None


def get(path: str, *headers: str, **changes: object) -> Make:
    """GET with a token."""

    def make(stand: Stand, contender: Contender) -> Load:
        token = f"Authorization: Bearer {stand.token_for(contender)}"
        return Load(f"http://127.0.0.1:{contender.port}{path}", (token, *headers), **changes)  # type: ignore[arg-type]  # fields of Load

    return make


def tls(path: str, connections: int) -> Make:
    """GET with a token over TLS."""

    def make(stand: Stand, contender: Contender) -> Load:
        assert isinstance(contender, Gatepost | NginxLua)
        token = f"Authorization: Bearer {stand.token_for(contender)}"
        return Load(f"https://127.0.0.1:{contender.tls_port}{path}", (token,), connections=connections)

    return make


def last_route(stand: Stand, contender: Contender) -> Load:
    """The last of many routes."""
    return get("/r9999/small" if contender.name == MANY_ROUTES else "/r9/small")(stand, contender)


def forged(_: Stand, contender: Contender) -> Load:
    """A made-up token."""
    header = "Authorization: Bearer gpt_" + "A" * 65
    return Load(f"http://127.0.0.1:{contender.port}/small", (header,), wanted=401)


def many_tokens(*, at_random: bool) -> Make:
    """Another token each time. In turn, all have left a cache that is smaller before they come again."""

    def make(stand: Stand, contender: Contender) -> Load:
        if not isinstance(contender, Gatepost):
            return get("/small")(stand, contender)
        url = f"http://127.0.0.1:{contender.port}/small"
        first = stand.asked.get(contender.name, 0)
        return Load(url, tokens=stand.many_for(contender), first=first, at_random=at_random)

    return make


def lookup_token(form: str = "") -> Make:
    """POST /token."""

    def make(_: Stand, contender: Contender) -> Load:
        return token_request(contender, form if isinstance(contender, Gatepost) else "")

    return make


def assertions(stand: Stand, contender: Contender) -> Load:
    """POST /token, by a client with a key; a new token each."""
    issuer = f"http://127.0.0.1:{contender.port}"
    load, more = token_request(contender), NEW_EACH if isinstance(contender, Gatepost) else ""

    def made() -> str:
        return replace(load, headers=FORM[:1], body=stand.signer.assertion_form(issuer) + more).text()

    return replace(load, made=made)


def bound_tokens(stand: Stand, contender: Contender) -> Load:
    """POST /token with a DPoP proof; a new token each."""
    load = token_request(contender, NEW_EACH if isinstance(contender, Gatepost) else "")
    return replace(load, made=lambda: with_proof(load, stand.signer.proof("POST", load.url)))


def jwt_tokens(_: Stand, contender: Contender) -> Load:
    """POST /token, whose answer is a new JWT."""
    return token_request(contender, NEW_EACH if isinstance(contender, Gatepost) else f"&resource={AUDIENCE}")


def proofs(stand: Stand, contender: Contender) -> Load:
    """GET with a token that is bound to a key, and a new proof each."""
    assert isinstance(contender, Gatepost)
    signer = stand.signer
    token = contender.token(NEW_EACH, DPoP=signer.proof("POST", token_request(contender).url))
    load = Load(f"http://127.0.0.1:{contender.port}/small", (f"Authorization: DPoP {token}",))
    return replace(load, made=lambda: with_proof(load, signer.proof("GET", load.url, token)))


def with_proof(load: Load, proof: str) -> str:
    """The request with a DPoP proof."""
    return replace(load, headers=(*load.headers, f"DPoP: {proof}")).text()


def token_request(contender: Contender, more: str = "") -> Load:
    """POST /token; `more` is a part of the form."""
    return Load(
        f"http://127.0.0.1:{contender.port}/token", FORM, "POST", f"grant_type=client_credentials{more}"
    )


def foreign(stand: Stand, contender: Contender) -> Load:
    """GET with another issuer's token."""
    token = stand.signer.access_token()
    return Load(f"http://127.0.0.1:{contender.port}/foreign", (f"Authorization: Bearer {token}",))


def foreign_each(stand: Stand, contender: Contender) -> Load:
    """GET with another token of another issuer each time."""
    return replace(foreign(stand, contender), made=lambda: foreign(stand, contender).text())


def chunked(stand: Stand, contender: Contender) -> Load:
    """POST with 120 bytes in two chunks."""
    here = f"127.0.0.1:{contender.port}"
    head = f"POST /small HTTP/1.1\r\nHost: {here}\r\nAuthorization: Bearer {stand.token_for(contender)}\r\n"
    part = "3c\r\n" + "x" * 60 + "\r\n"
    return Load(f"http://{here}/small", raw=f"{head}Transfer-Encoding: chunked\r\n\r\n{part}{part}0\r\n\r\n")


TOKEN_SERVERS = (OIDC, GATEPOST, ON_REDIS, COMPILED_ON_REDIS)
PAGE = "Origin: https://app.example.org"
TLS_CLIENTS = 8
"""Connections at a time: each is a thread of the load."""


def _slow(name: str, load: Make, contender: str = GATEPOST, **more: Any) -> Case:
    """What does not use the fast path, or checks more, beside a plain request."""
    return Case(name, (contender,), load, GATEPOST, SMALL, **more)


CASES = (
    Case(SMALL, (*BOTH_EDITIONS, HAPROXY, TRAEFIK, CADDY), get("/small"), quick=True),
    Case(HALF_RATE, BOTH_EDITIONS, get("/small"), pace=0.5, quick=True),
    Case("token checked, 1 KiB", CHECKED, get("/1k")),
    Case("token checked, 64 KiB", CHECKED, get("/64k")),
    Case("10 KiB upload", CHECKED, get("/up", method="POST", body=10_240)),
    Case("1,000 connections", CHECKED, get("/small", connections=1000)),
    Case(CONNECTION, CHECKED, get("/small", close=True)),
    Case(
        HANDSHAKE,
        (NGINX, GATEPOST),
        tls("/small", TLS_CLIENTS),
        run=program("handshakes", resumed=False),
    ),
    Case(RESUMED, (NGINX, GATEPOST), tls("/small", TLS_CLIENTS), run=program("handshakes", resumed=True)),
    Case(MESSAGE, (NGINX, GATEPOST), get(SOCKET), run=program("sockets")),
    Case(EVENT, (NGINX, GATEPOST), get(EVENTS, connections=1000), run=program("events"), fixed_rate=True),
    Case(FORGED, BOTH_EDITIONS, forged, base_case=SMALL, quick=True),
    Case(PLUGINS, (NGINX, NGINX_EXTRAS, GATEPOST, ALL_PLUGINS), get("/small", PAGE)),
    Case(NOT_CACHED, (NGINX_REDIS, ON_REDIS, COMPILED_ON_REDIS), many_tokens(at_random=False), NGINX_REDIS),
    Case(
        "one token of 100,000, at random",
        (ON_REDIS,),
        many_tokens(at_random=True),
        GATEPOST,
        SMALL,
        warm_up=10,
    ),
    Case("JWT access token", (GATEPOST, JWT), get("/small"), GATEPOST),
    Case("without the fast path", (GATEPOST, AIOHTTP_ONLY), get("/small"), GATEPOST),
    _slow(CHUNKED, chunked),
    _slow(EXPECT, get("/read"), run=program("expecting")),
    _slow(EVENTS_EACH, get(SHORT)),
    _slow(HOOK, get("/hook"), SLOW_PATHS),
    _slow(PROOF, proofs, run=distinct.run),
    _slow(FOREIGN, foreign, SLOW_PATHS),
    _slow("JWT of another issuer, not cached", foreign_each, SLOW_PATHS, run=distinct.run),
    Case(ROUTES, (TEN_ROUTES, MANY_ROUTES), last_route, TEN_ROUTES),
    Case(WORKERS, (GATEPOST, TWO_WORKERS), get("/small"), GATEPOST),
    Case(TLS, (TWO_WORKERS,), tls("/1k", 100), TWO_WORKERS, WORKERS),
    Case(REUSED, TOKEN_SERVERS, lookup_token(), OIDC, quick=True),
    Case(NEW, TOKEN_SERVERS, lookup_token(NEW_EACH), OIDC, quick=True),
    Case(ASSERTION, (OIDC, GATEPOST), assertions, OIDC, run=distinct.run),
    Case(SIGNED, (OIDC, JWT), jwt_tokens, OIDC),
    Case(BOUND, (OIDC, GATEPOST), bound_tokens, OIDC, run=distinct.run),
)
