"""Issues tokens: mints one, or gives a live one out again, in one question to the store."""

from __future__ import annotations

import hmac
import math
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from time import monotonic as system_monotonic

from gateway.clock import Clock
from gateway.oauth.bearer import NOTHING
from gateway.oauth.confirmation import lacks, token_type
from gateway.oauth.errors import OAuthError, invalid_client
from gateway.oauth.grants import Grant
from gateway.oauth.opaque import token_hash
from gateway.oauth.sealing import TokenSeal
from gateway.oauth.values import Client, TokenFacts
from gateway.store import ClientMissing, Issued, TokenDraft, TokenStore, Tracked, shortest_reusable
from gateway.tokens.formats import TokenFormats


@dataclass(frozen=True, slots=True)
class ReuseRules:
    """What gateway.yaml says about giving a live token out again."""

    enabled: bool = True
    renew_before: int = 60
    """Seconds: a token that has no more than this left is not given out again."""


@dataclass(frozen=True, slots=True)
class Live:
    """A token that is given out again, as a worker knows it."""

    token: str
    name: str
    """What the store knows it by."""
    ends: float
    """By this worker's monotonic clock, in seconds; never later than in the store."""


LiveTokens = Tracked[str, Live]
"""By the name of their slot. Facts, never decisions: what is left of them is judged on every request."""


@dataclass(slots=True)
class TokenAnswer:
    """A token as its client gets it (RFC 6749 section 5.1)."""

    access_token: str
    scope: str
    expires_in: int
    """Whole seconds."""
    reused: bool
    name: str
    """What the store knows the token by."""
    token_type: str = "Bearer"  # noqa: S105 (a word of the standard)
    beside: Mapping[str, str] = field(default_factory=dict)
    """What else its answer holds, such as a refresh token."""

    @property
    def body(self) -> dict[str, str | int]:
        """The JSON object of RFC 6749 section 5.1."""
        return {
            "access_token": self.access_token,
            "scope": self.scope,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            **self.beside,
        }


class Issuer:
    """Turns what a grant decided into a token that the store knows."""

    def __init__(
        self,
        store: TokenStore,
        formats: TokenFormats,
        seal: TokenSeal,
        reuse: ReuseRules,
        clock: Clock,
        live: LiveTokens | None = None,
        monotonic: Callable[[], float] = system_monotonic,
    ) -> None:
        """`live` is the worker's memory of the tokens that are given out again; None: it has none."""
        self._store = store
        self._formats = formats
        self._seal = seal
        self._reuse = reuse
        self._clock = clock
        self._live = LiveTokens() if live is None else live
        self._monotonic = monotonic

    def known(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str] = NOTHING
    ) -> TokenAnswer | None:
        """The live token that has the facts of `grant`, where this worker knows it by itself.

        None: `issue` has to be asked.
        """
        form = self._formats.known(client)
        if form is None or not self._may_reuse(grant) or lacks(client, cnf):
            return None
        live = self._live.get(reuse_slot(client, grant_type, grant, form.mark, cnf))
        if live is None:
            return None
        left = live.ends - self._monotonic()
        if left <= shortest_reusable(self._reuse.renew_before):
            return None
        return answer(live.token, live.name, grant, cnf, int(left), reused=True)

    async def issue(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str] = NOTHING
    ) -> TokenAnswer:
        """A new token with the facts of `grant`, or the live one that has them already.

        `cnf` is what the token is bound to (RFC 7800); empty: it is a bearer token.

        Raises:
            OAuthError: the client is no longer there, or its tokens must be bound to more.
            StoreUnavailable: the store does not have it; the token is not given out.
        """
        if lacks(client, cnf):
            # Whoever asks for it, and by whatever way.
            raise OAuthError("invalid_request", "This client's tokens must be bound to a key.")
        form = self._formats.known(client) or await self._formats.of(client)
        slot = reuse_slot(client, grant_type, grant, form.mark, cnf) if self._may_reuse(grant) else None
        facts = form.completed(granted_facts(client, grant_type, grant, self._clock(), cnf))
        token = form.make(facts)
        draft = TokenDraft(
            hash=token_hash(token),
            facts=facts,
            lifetime=grant.lifetime,
            sealed=self._seal.seal(token, slot) if slot is not None else None,
            reuse_slot=slot,
            renew_before=self._reuse.renew_before,
        )
        try:
            issued = await self._store.issue(draft, self._keeping(slot))
        except ClientMissing as error:
            # It was removed while it asked.
            raise invalid_client(str(error)) from error
        if issued.reused and issued.sealed is not None and slot is not None:
            live = self._seal.open(issued.sealed, slot)
            if live is None:
                # Sealed under another key: that gateway's tokens can't be given out here.
                return await self.issue(client, grant_type, not_reusable(grant), cnf)
            token = live
        return answer(token, issued.name, grant, cnf, issued.remaining, reused=issued.reused)

    def _may_reuse(self, grant: Grant) -> bool:
        return self._reuse.enabled and grant.reusable

    def _keeping(self, slot: str | None) -> Callable[[Issued, Sequence[str]], None] | None:
        """Puts what the store says of a slot into the worker's memory."""
        if slot is None:
            return None
        asked = self._monotonic()

        def keep(issued: Issued, keys: Sequence[str]) -> None:
            token = self._seal.open(issued.sealed or b"", slot)
            if token is not None:
                self._live.put(slot, Live(token, issued.name, asked + issued.left), keys)

        return keep


def granted_facts(
    client: Client, grant_type: str, grant: Grant, now: float, cnf: Mapping[str, str] = NOTHING
) -> TokenFacts:
    """What is known of a token that is issued now."""
    return TokenFacts(
        client=client.id,
        scopes=grant.scopes,
        audience=grant.audience,
        subject=grant.subject,
        issued=int(now),
        # The store's TTL ends it to the millisecond; this is what is told of it in whole seconds.
        expires=math.ceil(now + grant.lifetime),
        grant=grant_type,
        source=client.source,
        user=grant.user,
        extra=grant.extra,
        cnf=dict(cnf),
        tier=tier_of(client),
    )


def tier_of(client: Client) -> str | None:
    """The limits that its tokens bear; none for a client of the file, which has those of the file."""
    return client.tier if client.source == "store" else None


def not_reusable(grant: Grant) -> Grant:
    """The same grant, for a token of its own."""
    return replace(grant, reusable=False)


def answer(
    token: str, name: str, grant: Grant, cnf: Mapping[str, str], seconds: int, *, reused: bool
) -> TokenAnswer:
    """What the client is told of its token."""
    scope = " ".join(grant.scopes)
    return TokenAnswer(token, scope, seconds, reused, name, token_type(cnf))


def reuse_slot(
    client: Client, grant_type: str, grant: Grant, mark: str = "", cnf: Mapping[str, str] = NOTHING
) -> str:
    """The name under which a live token with these facts is found again. `mark` is the token format's."""
    extra, bound = tuple(grant.extra.items()), tuple(cnf.items())
    who = (client.id, grant_type, grant.subject)
    return _slot(who, grant.scopes, grant.audience, mark, tier_of(client), extra, bound)


@lru_cache(maxsize=512)
def _slot(
    who: tuple[str, ...],
    scopes: tuple[str, ...],
    audience: tuple[str, ...],
    mark: str,
    tier: str | None,
    extra: tuple[tuple[str, str], ...],
    cnf: tuple[tuple[str, str], ...],
) -> str:
    """Each part bears its length, so that no two sets of facts share a name."""
    parts = [*who, " ".join(sorted(scopes)), *sorted(audience)]
    parts += [f"={mark}"] if mark else []
    parts += [f"tier {tier}"] if tier else []
    parts += [f"{name}={value}" for name, value in sorted(extra)]
    parts += [f"cnf {name}={value}" for name, value in sorted(cnf)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hmac.digest(b"gatepost reuse", text.encode(), "sha256")
    return urlsafe_b64encode(digest[:24]).decode()
