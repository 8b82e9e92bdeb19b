"""Issues tokens: a new one, or a live one again, in one round trip to the store."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic as system_monotonic

from gateway.clock import Clock
from gateway.oauth.bearer import NOTHING_PROVEN
from gateway.oauth.confirmation import lacks, token_type
from gateway.oauth.errors import OAuthError, invalid_client
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client
from gateway.oauth.token_encryption import TokenCipher
from gateway.runtime.caches import MIB, cached_unchecked, register
from gateway.store import ClientMissing, Issued, TokenDraft, TokenStore, TrackedCache, shortest_reusable
from gateway.tokens.granted_facts import credential_digests, granted_token_info, tier_of
from gateway.tokens.issue_plans import IssuePlans, StoredToken
from gateway.tokens.token_formats import TokenFormats
from gateway.tokens.token_names import token_name


@dataclass(frozen=True, slots=True)
class ReuseRules:
    """The settings of token reuse."""

    enabled: bool = True
    renew_before: int = 60
    """A token with no more than so many seconds left is not reused."""


@dataclass(frozen=True, slots=True)
class ReusableToken:
    """A cached token that can be issued again."""

    token: str
    name: str
    """Its name in the store."""
    ends: float
    """By this worker's monotonic clock, in seconds; never later than in the store."""


_LIVE = register("reusable tokens", __name__, entries=10_000, key_bytes=2048, total_bytes=40 * MIB)


class ReusableTokenCache(TrackedCache[str, ReusableToken]):
    """Reusable tokens by reuse key. The remaining lifetime is checked on every request."""

    def __init__(self) -> None:
        super().__init__(_LIVE.entries)

    def put(self, name: str, value: ReusableToken, keys: Iterable[str], size: int = 0) -> None:
        """As any tracked cache does; a token that is too large is not cached."""
        if len(value.token) <= _LIVE.key_bytes:
            super().put(name, value, keys, size)


@dataclass(slots=True)
class TokenResponse:
    """A token response (RFC 6749 section 5.1)."""

    access_token: str
    scope: str
    expires_in: int
    """Whole seconds."""
    reused: bool
    name: str
    """The name of the token in the store."""
    token_type: str = "Bearer"  # noqa: S105 (a word of the standard)
    beside: Mapping[str, str] = field(default_factory=dict)
    """Further members, such as a refresh token."""

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


class TokenIssuer:
    """Creates a stored token from the result of a grant."""

    def __init__(
        self,
        store: TokenStore,
        formats: TokenFormats,
        seal: TokenCipher,
        reuse: ReuseRules,
        clock: Clock,
        live: ReusableTokenCache | None = None,
        monotonic: Callable[[], float] = system_monotonic,
    ) -> None:
        """`live`: the worker's cache of reusable tokens; None: a new one."""
        self._store = store
        self._formats = formats
        self._seal = seal
        self._reuse = reuse
        self._clock = clock
        self._live = ReusableTokenCache() if live is None else live
        self._monotonic = monotonic
        self._plans = IssuePlans(store)

    def cached(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str] = NOTHING_PROVEN
    ) -> TokenResponse | None:
        """The cached live token with the facts of `grant`.

        None: `issue` must be called.
        """
        form = self._formats.known(client)
        if form is None or not self._may_reuse(grant) or lacks(client, cnf):
            return None
        live = self._live.get(reuse_key(client, grant_type, grant, form.format_id, cnf))
        if live is None:
            return None
        left = live.ends - self._monotonic()
        if left <= shortest_reusable(self._reuse.renew_before):
            return None
        return answer(live.token, live.name, grant, cnf, int(left), reused=True)

    def issue_own(
        self,
        client: Client,
        grant_type: str,
        grant: Grant,
        cnf: Mapping[str, str],
        take: Callable[[TokenResponse], None],
    ) -> StoredToken | None:
        """Issues a token that nobody else is given, once what is returned is asked for: then `take` gets it.

        None: `issue` must be called. What is returned raises as that does.
        """
        form = self._formats.known(client)
        if form is None or self._may_reuse(grant) or lacks(client, cnf):
            return None
        plan = self._plans.find(client, grant_type, grant, cnf, form)
        if plan is None:
            return None
        issued = int(self._clock())
        token = plan.make(issued, issued + grant.lifetime)
        name = token_name(self._store.names, token)

        def read(left: float | None) -> None:
            if left is None:
                # It was removed meanwhile.
                raise invalid_client(f"there is no client {client.id!r} any more")
            kind = plan.token_type
            take(TokenResponse(token, plan.scope, int(left), reused=False, name=name, token_type=kind))

        return StoredToken(plan.template, name, issued, grant.lifetime, read)

    async def issue(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str] = NOTHING_PROVEN
    ) -> TokenResponse:
        """A new token with the facts of `grant`, or the live one with the same facts.

        `cnf`: the confirmation (RFC 7800); empty: a bearer token.

        Raises:
            OAuthError: the client was removed, or its tokens must be sender-constrained.
            StoreUnavailable: it could not be stored, and is not issued.
        """
        if lacks(client, cnf):
            # For every grant.
            raise OAuthError("invalid_request", "This client's tokens must be bound to a key.")
        form = self._formats.known(client) or await self._formats.of(client)
        slot = reuse_key(client, grant_type, grant, form.format_id, cnf) if self._may_reuse(grant) else None
        audience = form.audience(grant.audience)
        facts = granted_token_info(client, grant_type, grant, self._clock(), cnf, audience)
        token = form.make(facts)
        draft = TokenDraft(
            token_name(self._store.names, token),
            facts,
            grant.lifetime,
            self._seal.seal(token, slot) if slot is not None else None,
            slot,
            self._reuse.renew_before,
            credential_digests(client),
        )
        try:
            issued = await self._store.issue(draft, self._keeping(slot))
        except ClientMissing as error:
            # It was removed meanwhile.
            raise invalid_client(str(error)) from error
        if issued.reused and issued.sealed is not None and slot is not None:
            live = self._seal.open(issued.sealed, slot)
            if live is None:
                # Encrypted with another key: that gateway's tokens can't be reused here.
                return await self.issue(client, grant_type, not_reusable(grant), cnf)
            token = live
        return answer(token, issued.name, grant, cnf, issued.remaining, reused=issued.reused)

    def _may_reuse(self, grant: Grant) -> bool:
        return self._reuse.enabled and grant.reusable

    def _keeping(self, slot: str | None) -> Callable[[Issued, Sequence[str]], None] | None:
        """A callback that caches the token of a reuse key."""
        if slot is None:
            return None
        asked = self._monotonic()

        def keep(issued: Issued, keys: Sequence[str]) -> None:
            token = self._seal.open(issued.sealed or b"", slot)
            if token is not None:
                self._live.put(slot, ReusableToken(token, issued.name, asked + issued.left), keys)

        return keep


def not_reusable(grant: Grant) -> Grant:
    """The same grant, without reuse."""
    return replace(grant, reusable=False)


def answer(
    token: str, name: str, grant: Grant, cnf: Mapping[str, str], seconds: int, *, reused: bool
) -> TokenResponse:
    """The token response."""
    scope = " ".join(grant.scopes)
    return TokenResponse(token, scope, seconds, reused, name, token_type(cnf))


def reuse_key(
    client: Client,
    grant_type: str,
    grant: Grant,
    format_id: str = "",
    cnf: Mapping[str, str] = NOTHING_PROVEN,
) -> str:
    """The key of the live token with these facts.

    `format_id` is that of the token format.
    """
    extra, bound, tier = tuple(grant.extra.items()), tuple(cnf.items()), tier_of(client) or ""
    who: tuple[str, ...] = (client.id, grant_type, grant.subject)
    if grant.user_id is not None:
        # Never the token of another user of the same name, or from before a change of password.
        who = (*who, grant.user_id, grant.user_generation)
    texts = (*who, *grant.scopes, *grant.audience, format_id, tier)
    # Each scope is a text of its own.
    size = len("".join(texts)) + 50 * len(grant.scopes)
    if extra or bound:
        size += sum(len(name) + len(value) for name, value in (*extra, *bound))
    slot = _slot if size <= _SLOTS.key_bytes else _slot.__wrapped__
    return slot(who, grant.scopes, grant.audience, format_id, tier, extra, bound)


_SLOTS = register("reuse keys", __name__, entries=512, key_bytes=2048, total_bytes=4 * MIB)


@cached_unchecked(_SLOTS)
def _slot(
    who: tuple[str, ...],
    scopes: tuple[str, ...],
    audience: tuple[str, ...],
    format_id: str,
    tier: str,
    extra: tuple[tuple[str, str], ...],
    cnf: tuple[tuple[str, str], ...],
) -> str:
    """Each part is prefixed by its length, so that no two sets of facts have one key."""
    parts = [*who, " ".join(sorted(scopes)), *sorted(audience)]
    parts += [f"={format_id}"] if format_id else []
    parts += [f"tier {tier}"] if tier else []
    parts += [f"{name}={value}" for name, value in sorted(extra)]
    parts += [f"cnf {name}={value}" for name, value in sorted(cnf)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hmac.digest(b"gatepost reuse", text.encode(), "sha256")
    return urlsafe_b64encode(digest[:24]).decode()
