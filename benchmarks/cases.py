"""What is measured: for each case, who takes part and with which load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.contender import Contender
from benchmarks.load import Load
from benchmarks.peers.gatepost import CLIENT, Gatepost
from benchmarks.stand import GATEPOST, NGINX, TOKEN_SERVER, Stand

Make = Callable[[Stand, Contender], Load]
FORM = ("Content-Type: application/x-www-form-urlencoded", f"Authorization: Basic {CLIENT}")
CHECKED = (NGINX, "Envoy + Lua", GATEPOST)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    name: str
    contenders: tuple[str, ...]
    load: Make
    base: str = NGINX
    """Whose cost the ratios are to."""
    base_case: str | None = None
    """Where the base stands, if in another row."""
    tags: frozenset[str] = field(default_factory=frozenset)


def get(path: str, **changes: object) -> Make:
    """GET with a token."""

    def make(stand: Stand, contender: Contender) -> Load:
        url = f"http://127.0.0.1:{contender.port}{path}"
        return Load(url, (f"Authorization: Bearer {stand.token_for(contender)}",), **changes)  # type: ignore[arg-type]

    return make


def tls(path: str, **changes: object) -> Make:
    """GET with a token over TLS."""

    def make(stand: Stand, contender: Contender) -> Load:
        assert isinstance(contender, Gatepost)
        url = f"https://127.0.0.1:{contender.tls_port}{path}"
        return Load(url, (f"Authorization: Bearer {stand.token_for(contender)}",), **changes)  # type: ignore[arg-type]

    return make


def forged(stand: Stand, contender: Contender) -> Load:
    """A made-up token."""
    url = f"http://127.0.0.1:{contender.port}/small"
    return Load(url, ("Authorization: Bearer gpt_" + "A" * 65,), wanted=401)


def ask_token(form: str = "") -> Make:
    """POST /token."""

    def make(stand: Stand, contender: Contender) -> Load:
        body = "grant_type=client_credentials" + (form if isinstance(contender, Gatepost) else "")
        return Load(f"http://127.0.0.1:{contender.port}/token", FORM, "POST", body)

    return make


CASES = (
    Case("token checked, 120 bytes", (*CHECKED, "Traefik, no check", "Caddy, no check"), get("/small"), tags=frozenset({"quick"})),
    Case("token checked, 1 KiB", CHECKED, get("/1k")),
    Case("token checked, 64 KiB", CHECKED, get("/64k")),
    Case("10 KiB upload", CHECKED, get("/up", method="POST", body=10_240)),
    Case("1,000 connections", CHECKED, get("/small", connections=1000)),
    Case("a new connection each", CHECKED, get("/small", close=True)),
    Case("401, forged token", (GATEPOST,), forged, base_case="token checked, 120 bytes", tags=frozenset({"quick"})),
    Case("10,000 routes", (GATEPOST, "Gatepost, 10,000 routes"), get("/r9999/small"), GATEPOST),
    Case("2 workers", (GATEPOST, "Gatepost, 2 workers"), get("/small"), GATEPOST),
    Case("without the fast lane", (GATEPOST, "Gatepost, aiohttp only"), get("/small"), GATEPOST),
    Case("JWT access token", (GATEPOST, "Gatepost, JWT"), get("/small"), GATEPOST),
    Case("TLS, 1 KiB, 100 connections, 2 workers", ("Gatepost, 2 workers",), tls("/1k", connections=100), "Gatepost, 2 workers"),
    Case("/token, a live one again", (TOKEN_SERVER, GATEPOST), ask_token(), TOKEN_SERVER, tags=frozenset({"quick"})),
    Case("/token, a new one each", (TOKEN_SERVER, GATEPOST), ask_token("&validity_period=600"), TOKEN_SERVER),
)  # fmt: skip
