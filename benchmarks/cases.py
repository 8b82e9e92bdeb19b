"""What is measured under load: for each case, who takes part and with which load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contender import Contender
from benchmarks.load import Load
from benchmarks.names import (
    AIOHTTP_ONLY,
    ALL_PLUGINS,
    CADDY,
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
    TEN_ROUTES,
    TRAEFIK,
    TWO_WORKERS,
)
from benchmarks.peers.gatepost import FORM, Gatepost
from benchmarks.stand import Stand

Make = Callable[[Stand, Contender], Load]
CHECKED = (NGINX, ENVOY, GATEPOST)
SMALL = "token checked, 120 bytes"
HALF_RATE = "half of Gatepost's own top rate"
FORGED = "401, forged token"
TLS = "TLS, 1 KiB, 100 connections, 2 workers"
ROUTES = "10,000 routes"
WORKERS = "2 workers"
REUSED = "/token, reused"
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


def get(path: str, *headers: str, **changes: object) -> Make:
    """GET with a token."""

    def make(stand: Stand, contender: Contender) -> Load:
        token = f"Authorization: Bearer {stand.token_for(contender)}"
        return Load(f"http://127.0.0.1:{contender.port}{path}", (token, *headers), **changes)  # type: ignore[arg-type]  # fields of Load

    return make


def tls(path: str, connections: int) -> Make:
    """GET with a token over TLS."""

    def make(stand: Stand, contender: Contender) -> Load:
        assert isinstance(contender, Gatepost)
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
        body = "grant_type=client_credentials" + (form if isinstance(contender, Gatepost) else "")
        return Load(f"http://127.0.0.1:{contender.port}/token", FORM, "POST", body)

    return make


TOKEN_SERVERS = (OIDC, GATEPOST, ON_REDIS)
PAGE = "Origin: https://app.example.org"
CASES = (
    Case(SMALL, (*CHECKED, HAPROXY, TRAEFIK, CADDY), get("/small"), quick=True),
    Case(HALF_RATE, CHECKED, get("/small"), pace=0.5, quick=True),
    Case("token checked, 1 KiB", CHECKED, get("/1k")),
    Case("token checked, 64 KiB", CHECKED, get("/64k")),
    Case("10 KiB upload", CHECKED, get("/up", method="POST", body=10_240)),
    Case("1,000 connections", CHECKED, get("/small", connections=1000)),
    Case("a new connection each", CHECKED, get("/small", close=True)),
    Case(FORGED, CHECKED, forged, base_case=SMALL, quick=True),
    Case("all usual plugins", (NGINX, NGINX_EXTRAS, GATEPOST, ALL_PLUGINS), get("/small", PAGE)),
    Case("token not cached", (NGINX_REDIS, ON_REDIS), many_tokens(at_random=False), NGINX_REDIS),
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
    Case(ROUTES, (TEN_ROUTES, MANY_ROUTES), last_route, TEN_ROUTES),
    Case(WORKERS, (GATEPOST, TWO_WORKERS), get("/small"), GATEPOST),
    Case(TLS, (TWO_WORKERS,), tls("/1k", 100), TWO_WORKERS, WORKERS),
    Case(REUSED, TOKEN_SERVERS, lookup_token(), OIDC, quick=True),
    Case(NEW, TOKEN_SERVERS, lookup_token("&validity_period=600"), OIDC, quick=True),
)
