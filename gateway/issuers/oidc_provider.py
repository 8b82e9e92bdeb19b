"""An OpenID provider at which people sign in: its metadata, its keys, and the exchange of codes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.issuers.http_client import HttpClient, HttpClientError
from gateway.issuers.id_tokens import ExpectedIdToken, check_id_token
from gateway.issuers.issuer_keys import RemoteKeys
from gateway.issuers.rules import InvalidToken
from gateway.jose.compact import Jwt, read_jwt
from gateway.oauth.oidc import (
    ProviderMetadata,
    ProviderRefused,
    SignInFlow,
    authorization_url,
    code_of,
    id_token_of,
    logout_url,
    read_provider,
)

log = logging.getLogger("gatepost")

REFRESH = 3600.0
"""Seconds after which metadata and keys are fetched again, when they are needed."""
MAX_AGE = 86_400.0
"""Seconds that metadata is used while it can't be fetched again."""
PAUSE = 2.0
"""Seconds after a failure in which nothing more is fetched."""


class OidcProvider:
    """One provider. It is asked only when somebody signs in."""

    def __init__(
        self,
        http: HttpClient,
        *,
        issuer: str,
        client: tuple[str, str],
        redirect_uri: str,
        scopes: Sequence[str],
        clock: Clock,
        tick: Callable[[], float] = monotonic,
    ) -> None:
        """`client` is the gateway's id and secret at the provider."""
        self._http = http
        self._issuer = issuer
        self._client = client
        self._redirect_uri = redirect_uri
        self._scopes = tuple(scopes)
        self._clock = clock
        self._tick = tick
        self._metadata: ProviderMetadata | None = None
        self._fetched_at = self._failed_at = float("-inf")
        self._lock = asyncio.Lock()
        self._keys: RemoteKeys | None = None
        self._keys_url = ""

    async def begin(self, flow: SignInFlow) -> str:
        """Where a browser is sent to sign in. Raises IssuerUnavailable."""
        metadata = await self._known()
        return authorization_url(metadata, self._client[0], self._redirect_uri, self._scopes, flow)

    async def finish(self, answer: Sequence[tuple[str, str]], flow: SignInFlow) -> Mapping[str, Any]:
        """The claims about who has signed in, by the answer that the browser brought back.

        Raises:
            ProviderRefused: nobody has.
            IssuerUnavailable: it can't be known now.
        """
        metadata = await self._known()
        code = code_of(answer, flow, metadata, self._clock())
        token = id_token_of(await self._exchanged(metadata, code, flow))
        jwt = read_jwt(token)
        if jwt is None:
            raise ProviderRefused("the ID token is none")
        try:
            claims = check_id_token(
                jwt, ExpectedIdToken(self._issuer, self._client[0], flow.nonce), self._clock()
            )
        except InvalidToken as error:
            raise ProviderRefused(f"the ID token is refused: {error}") from error
        if not await self._is_signed(jwt, metadata):
            raise ProviderRefused("the ID token is not signed by a key of the provider")
        return claims

    async def logout(self, back: str) -> str:
        """Where the session at the provider ends; empty: it announces no such page, or can't be asked."""
        try:
            # What was known before is good enough: nobody waits for the provider to sign out here.
            return logout_url(self._metadata or await self._known(), self._client[0], back)
        except IssuerUnavailable:
            return ""

    async def _exchanged(self, metadata: ProviderMetadata, code: str, flow: SignInFlow) -> bytes:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": flow.verifier,
        }
        try:
            return await self._http.post(metadata.token_endpoint, form, self._client)
        except HttpClientError as error:
            # RFC 6749 section 5.2: 400 for a code that is wrong or used, 401 for a wrong secret of ours.
            if error.status in (400, 403):
                raise ProviderRefused(f"the code is refused: {error}") from error
            log.warning("the sign-in at %s can't be completed: %s", self._issuer, error)
            raise IssuerUnavailable(str(error)) from error

    async def _known(self) -> ProviderMetadata:
        async with self._lock:
            if self._metadata is None or self._tick() - self._fetched_at >= REFRESH:
                await self._learn()
            if self._metadata is None or self._tick() - self._fetched_at >= MAX_AGE:
                raise IssuerUnavailable(f"the metadata of {self._issuer} can't be had")
            return self._metadata

    async def _learn(self) -> None:
        if self._tick() - self._failed_at < PAUSE:
            return
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            self._metadata = read_provider(await self._http.get(url), self._issuer)
        except (HttpClientError, ValueError) as error:
            self._failed_at = self._tick()
            reason = str(error) if isinstance(error, HttpClientError) else f"{url} {error}"
            log.warning("nobody can sign in at %s: %s", self._issuer, reason)
        else:
            self._fetched_at = self._tick()

    async def _is_signed(self, jwt: Jwt, metadata: ProviderMetadata) -> bool:
        keys, kid = self._keys_at(metadata.jwks_uri), jwt.named("kid")
        known = keys.current
        if (
            known is None or keys.age >= REFRESH or (kid is not None and kid not in known)
        ) and keys.may_learn:
            await keys.learn()
        known = keys.current
        if known is None:
            raise IssuerUnavailable(f"the keys of {self._issuer} can't be had")
        return known.verifies(jwt, str(jwt.named("alg")))

    def _keys_at(self, url: str) -> RemoteKeys:
        if self._keys is None or self._keys_url != url:
            self._keys_url = url
            self._keys = RemoteKeys(
                self._http,
                issuer=self._issuer,
                url=url,
                refresh=REFRESH,
                changed=lambda: None,
                clock=self._tick,
            )
        return self._keys
