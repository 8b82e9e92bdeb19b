"""An issuer whose tokens are validated by introspection (RFC 7662)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.http_client import HttpClient, HttpClientError
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import InvalidToken, IssuerRules, accept
from gateway.jose.compact import Jwt
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import LookupNeeded

log = logging.getLogger("gatepost")

MAX_CONCURRENT = 64
"""Requests under way; further tokens get 503 at once."""
TOKEN_TYPES = ("bearer", "dpop", "access_token")
"""RFC 7662 section 2.2: the accepted values of `token_type`. `cnf` has what the token is bound to."""
MAX_REFUSAL_AGE = 10
"""Seconds that the refusal of a token is cached at most."""
DEFAULT_LIFETIME = 60
"""Lifetime in seconds of facts without `exp`, if they are cached for less."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The introspection endpoint, and the credentials for it."""

    url: str
    client_id: str
    client_secret: str
    cache: int
    """Seconds that a response is cached at most."""

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"


class IntrospectionIssuer:
    """Validates tokens by introspection, and caches the results for a short time."""

    def __init__(
        self, rules: IssuerRules, endpoint: Endpoint, fetch: HttpClient, results: ResultCache, clock: Clock
    ) -> None:
        self.rules = rules
        self.results = results
        self._endpoint = endpoint
        self._fetch = fetch
        self._clock = clock
        self._asking: dict[str, asyncio.Task[TokenInfo | None]] = {}

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether the token may be this issuer's: a JWT names its issuer, an opaque token does not."""
        return jwt is None or jwt.issuer == self.rules.issuer

    def resolve_now(self, token: str, jwt: Jwt | None) -> TokenInfo | LookupNeeded | None:
        """The cached result."""
        found = self.results.get(token)
        if found is not None:
            return found
        return None if self.results.is_refused(token) else LookupNeeded.ISSUER

    async def resolve(self, token: str, jwt: Jwt | None) -> TokenInfo | None:
        """The result of introspection, requested once for all concurrent callers.

        Raises:
            IssuerUnavailable: there was no usable response.
        """
        asking = self._asking.get(token)
        if asking is None:
            if len(self._asking) >= MAX_CONCURRENT:
                raise IssuerUnavailable(f"too many requests wait for the issuer {self.rules.name}", 1)
            asking = asyncio.create_task(self._ask(token), name=f"introspection at {self.rules.name}")
            self._asking[token] = asking
            asking.add_done_callback(lambda _: self._asking.pop(token, None))
        return await asyncio.shield(asking)

    def why_refused(self, token: str, jwt: Jwt | None) -> str:
        """Why a token does not hold, as far as the answer is cached."""
        return self.results.refusal(token) or "its answer is not cached"

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Cancels the requests under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _ask(self, token: str) -> TokenInfo | None:
        endpoint, form = self._endpoint, {"token": token, "token_type_hint": "access_token"}
        try:
            answer = _object(
                await self._fetch.post(endpoint.url, form, (endpoint.client_id, endpoint.client_secret))
            )
        except (HttpClientError, ValueError) as error:
            log.warning("the issuer %s can't be asked about a token: %s", self.rules.name, error)
            raise IssuerUnavailable(f"the issuer {self.rules.name} can't be asked") from error
        try:
            facts = self._judged(answer)
        except InvalidToken as error:
            log.debug("a token of the issuer %s is refused: %s", self.rules.name, error)
            self._remember_refusal(token, str(error))
            return None
        self._remember(token, facts)
        return facts

    def _judged(self, answer: dict[str, Any]) -> TokenInfo:
        """Raises InvalidToken."""
        # RFC 7662 section 2.2: `active` is required; only true means that the token is good.
        if answer.get("active") is not True:
            raise InvalidToken("the issuer says that it is not active")
        if answer.get("iss", self.rules.issuer) != self.rules.issuer:
            raise InvalidToken("another issuer")
        if str(answer.get("token_type", "bearer")).lower() not in TOKEN_TYPES:
            raise InvalidToken("another kind of token")
        return accept(answer, self.rules, self._clock(), max(self._endpoint.cache, DEFAULT_LIFETIME))

    def _remember(self, token: str, facts: TokenInfo) -> None:
        now, cache = self._clock(), self._endpoint.cache
        if cache:
            # RFC 7662 section 4: no longer than the token lives, and short enough for revocations.
            self.results.put(token, facts, min(now + cache, facts.expires))

    def _remember_refusal(self, token: str, reason: str) -> None:
        cache = self._endpoint.cache
        if cache:
            self.results.put_refused(token, self._clock() + min(cache, MAX_REFUSAL_AGE), reason)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("the answer is not JSON") from None
    if type(value) is not dict:
        raise ValueError("the answer is no JSON object")
    return value
