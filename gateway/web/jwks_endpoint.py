"""The aiohttp side of /jwks."""

from __future__ import annotations

import json

from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.tokens.jwt_tokens import SigningKeys
from gateway.web.metadata_endpoints import document

HEADERS = {
    # RFC 7517 section 8.5.
    "Content-Type": "application/jwk-set+json",
    "X-Content-Type-Options": "nosniff",
}


class JwksEndpoint:
    """The public halves of the keys that JWT access tokens are signed with."""

    def __init__(self, keys: SigningKeys, max_age: int) -> None:
        """`max_age` is how many seconds others may keep the answer: less than a new key waits."""
        self._keys = keys
        self._headers = {**HEADERS, "Cache-Control": f"public, max-age={max_age}"}

    async def keys(self, request: web.Request) -> web.Response:
        """RFC 7517 section 5."""
        headers = self._headers
        try:
            await self._keys.learn()
        except StoreUnavailable:
            # SigningKeys that were good a moment ago serve verifiers better than none.
            if not self._keys.published:
                raise
            headers = {**headers, "Cache-Control": "no-cache"}
        return document(request, json.dumps({"keys": self._keys.published}).encode(), headers)
