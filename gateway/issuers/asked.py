"""An issuer that is asked about each of its tokens (RFC 7662)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.fetching import Fetch, FetchFailed
from gateway.issuers.remembered import Remembered
from gateway.issuers.rules import IssuerRules, Unbelievable, believed
from gateway.jose.compact import Jwt
from gateway.oauth.values import TokenFacts
from gateway.tokens.jwt import Unknown

log = logging.getLogger("gatepost")

MOST_AT_ONCE = 64
"""Questions under way; more tokens than that wait for nobody."""
TYPES = ("bearer", "dpop", "access_token")
"""RFC 7662 section 2.2: what kind of token it may be. What it is bound to is said by `cnf`."""
LONGEST_BAD = 10
"""Seconds that a token is taken for dead without asking again."""
WITHOUT_END = 60
"""Seconds that facts last which came without an end, if they are cached for less."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the issuer is asked, and who asks."""

    url: str
    client_id: str
    client_secret: str
    cache: int
    """Seconds that an answer is believed at most."""

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"


class AskedIssuer:
    """Believes what the issuer says about a token, for a short while."""

    def __init__(
        self, rules: IssuerRules, endpoint: Endpoint, fetch: Fetch, remembered: Remembered, clock: Clock
    ) -> None:
        self.rules = rules
        self.remembered = remembered
        self._endpoint = endpoint
        self._fetch = fetch
        self._clock = clock
        self._asking: dict[str, asyncio.Task[TokenFacts | None]] = {}

    def takes(self, jwt: Jwt | None) -> bool:
        """Whether the token may be this issuer's: a JWT says whose it is, anything else does not."""
        return jwt is None or jwt.issuer == self.rules.issuer

    def known(self, token: str, jwt: Jwt | None) -> TokenFacts | Unknown | None:
        """What the issuer has said a moment ago."""
        found = self.remembered.facts(token)
        if found is not None:
            return found
        return None if self.remembered.is_bad(token) else Unknown.ISSUER

    async def facts(self, token: str, jwt: Jwt | None) -> TokenFacts | None:
        """What the issuer says; asked once for all who want to know at the same time.

        Raises:
            IssuerUnavailable: it says nothing, or nothing usable.
        """
        asking = self._asking.get(token)
        if asking is None:
            if len(self._asking) >= MOST_AT_ONCE:
                raise IssuerUnavailable(f"too many questions wait for the issuer {self.rules.name}", 1)
            asking = asyncio.create_task(self._ask(token), name=f"introspection at {self.rules.name}")
            self._asking[token] = asking
            asking.add_done_callback(lambda _: self._asking.pop(token, None))
        return await asyncio.shield(asking)

    async def start(self) -> None:
        """Nothing has to be known beforehand."""

    async def stop(self) -> None:
        """Breaks off what is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _ask(self, token: str) -> TokenFacts | None:
        endpoint, form = self._endpoint, {"token": token, "token_type_hint": "access_token"}
        try:
            answer = _object(
                await self._fetch.post(endpoint.url, form, (endpoint.client_id, endpoint.client_secret))
            )
        except (FetchFailed, ValueError) as error:
            log.warning("the issuer %s can't be asked about a token: %s", self.rules.name, error)
            raise IssuerUnavailable(f"the issuer {self.rules.name} can't be asked") from error
        facts = self._judged(answer)
        self._remember(token, facts)
        return facts

    def _judged(self, answer: dict[str, Any]) -> TokenFacts | None:
        # RFC 7662 section 2.2: `active` is required; only true means that the token is good.
        if answer.get("active") is not True:
            return None
        try:
            if answer.get("iss", self.rules.issuer) != self.rules.issuer:
                raise Unbelievable("another issuer")
            if str(answer.get("token_type", "bearer")).lower() not in TYPES:
                raise Unbelievable("another kind of token")
            lasts = max(self._endpoint.cache, WITHOUT_END)
            return believed(answer, self.rules, self._clock(), lasts)
        except Unbelievable as error:
            log.debug("a token of the issuer %s is refused: %s", self.rules.name, error)
            return None

    def _remember(self, token: str, facts: TokenFacts | None) -> None:
        now, cache = self._clock(), self._endpoint.cache
        if cache == 0:
            return
        if facts is None:
            self.remembered.keep_bad(token, now + min(cache, LONGEST_BAD))
        else:
            # RFC 7662 section 4: no longer than the token lives, and short enough for revocations.
            self.remembered.keep(token, facts, min(now + cache, facts.expires))


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("the answer is not JSON") from None
    if type(value) is not dict:
        raise ValueError("the answer is no JSON object")
    return value
