"""Assertions for backends: made once for a caller and a route, and given out again while they are young."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.oauth.application import Application
from gateway.oauth.caller_facts import AssertionRules, assertion_claims
from gateway.oauth.model import Client, TokenInfo
from gateway.runtime.caches import MIB, register
from gateway.tokens.jwt_tokens import SigningKeys
from gateway.tokens.signed_jwt import signed_jwt

TYPE = "JWT"
_MADE = register("assertions for backends", __name__, entries=4096, key_bytes=1024, total_bytes=24 * MIB)
Key = tuple[str | int | None, ...]


class BackendAssertions:
    """The assertions of a worker."""

    def __init__(
        self,
        keys: SigningKeys,
        issuer: str,
        clock: Clock,
        find_client: Callable[[str], Awaitable[Client | None]],
        find_application: Callable[[str], Awaitable[Application | None]],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._find_client = find_client
        self._find_application = find_application
        self._made: OrderedDict[Key, tuple[str, float]] = OrderedDict()
        """Each with the time until which it is given out."""

    def known(self, token: TokenInfo, rules: AssertionRules) -> str | None:
        """One that was made before and has half of its life before it; None: there is none."""
        entry = self._made.get(_key(token, rules))
        return entry[0] if entry is not None and self._clock() < entry[1] else None

    async def made(self, token: TokenInfo, rules: AssertionRules) -> str:
        """A new one. Raises StoreUnavailable."""
        client = await self._find_client(token.client)
        application = None
        if client is not None and client.application:
            application = await self._find_application(client.application)
        key, now = await self._keys.signer(), self._clock()
        claims = assertion_claims(token, rules, client, application, self._issuer, now)
        assertion = signed_jwt(TYPE, claims, key)
        self._keep(_key(token, rules), assertion, now + rules.lifetime / 2)
        return assertion

    def _keep(self, key: Key, assertion: str, until: float) -> None:
        size = sum(len(one) for one in key if isinstance(one, str))
        if size > _MADE.key_bytes or len(assertion) > 4 * _MADE.key_bytes:
            return
        self._made[key] = (assertion, until)
        self._made.move_to_end(key)
        if len(self._made) > _MADE.entries:
            self._made.popitem(last=False)


def _key(token: TokenInfo, rules: AssertionRules) -> Key:
    """All that the claims depend on, beside the time."""
    caller = (token.client, token.source, token.subject, token.user, token.tier)
    return (*caller, rules.api, rules.dialect, rules.audience, rules.lifetime)
