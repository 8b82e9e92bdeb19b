"""An issuer that answers what a test says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gateway.issuers.http_client import HttpClientError
from gateway.issuers.rules import IssuerRules
from gateway.jose.signing_key import SigningKey
from tests.jose.tokens import KEY

ISSUER = "https://id.example"
NOW = 1_800_000_000
RULES = IssuerRules(
    "corp", ISSUER, frozenset({"https://api.example"}), frozenset({"ES256", "RS256", "EdDSA"})
)
HEADER = {"typ": "at+jwt", "alg": "ES256", "kid": KEY.kid}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "https://api.example",
    "client_id": "shop",
    "sub": "ann",
    "scope": "orders.read orders.write",
    "iat": NOW,
    "exp": NOW + 600,
}


def key_set(*keys: SigningKey) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": [key.jwk for key in keys]}).encode()


class ScriptedFetch:
    """Answers by address; what is not there is a failure. Keeps what it was asked."""

    def __init__(self, **answers: bytes) -> None:
        self.answers: dict[str, bytes] = dict(answers)
        self.asked: list[str] = []
        self.forms: list[tuple[dict[str, str], tuple[str, str]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        await self.gate.wait()
        if url not in self.answers:
            raise HttpClientError(f"{url} answered 404")
        return self.answers[url]

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        self.forms.append((form, login))
        return await self.get(url)
