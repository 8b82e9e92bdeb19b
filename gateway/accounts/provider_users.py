"""People whom a provider signs in. Each is an account of the store, without a password."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.users import NotApproved, UserChanged, UserExists, Users
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.mail_address import typed_address
from gateway.oauth.oidc import FLOW_LIFETIME, ProviderRefused, SignInFlow, new_flow
from gateway.oauth.opaque_tokens import Random
from gateway.oauth.roles import Role
from gateway.oauth.user import User
from gateway.store.change_listener import ChangeListener
from gateway.store.user_ids import provider_user_id

log = logging.getLogger("gatepost")

LONGEST_NAME = 48
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-")
_MARK = 8
"""Characters of the id that tell two people of one name apart."""
TRIES = 3
"""Attempts, where the same person signs in twice at the same time."""


class NotAdmitted(GatepostError):  # noqa: N818 (it says what the matter is)
    """The provider has signed the person in, but the portal does not let them in."""


class SignInProvider(Protocol):
    """A provider (`gateway.issuers.oidc_provider`, `gateway.issuers.github_provider`)."""

    async def begin(self, flow: SignInFlow) -> str:
        """Where a browser is sent to sign in. Raises IssuerUnavailable."""

    async def finish(self, answer: Sequence[tuple[str, str]], flow: SignInFlow) -> Mapping[str, Any]:
        """The verified claims about who has signed in. Raises ProviderRefused, IssuerUnavailable."""

    async def logout(self, back: str) -> str:
        """Where the session at the provider ends; empty: nowhere."""


class UsedFlows(Protocol):
    """Which flows have come to an end (`gateway.store.replay_cache.ReplayCache`)."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """A claim, and the values of which it must have one."""

    claim: str
    values: frozenset[str]

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is, or holds, one of the values. One that is missing or malformed does not."""
        said = claims.get(self.claim)
        texts = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        return any(isinstance(one, str) and one in self.values for one in texts)


@dataclass(frozen=True, slots=True)
class ProviderRules:
    """What the people of a provider may do."""

    issuer: str
    name_claim: str
    admins: ClaimMatch | None
    allow: ClaimMatch | None
    publishers: ClaimMatch | None = None
    developers: ClaimMatch | None = None
    """None: everybody who is nothing more."""
    key: str = "portal.oidc"
    """The key of the configuration that has these rules."""
    needed: Mapping[str, ClaimMatch] = field(default_factory=dict)
    """What must hold beside `allow`, by the keys beneath."""

    def refusal(self, claims: Mapping[str, Any]) -> str:
        """The key that does not let somebody sign in; empty: they may."""
        rules = {**self.needed, "allow": self.allow}
        wanting = (name for name, rule in rules.items() if rule is not None and not rule.holds(claims))
        return next((f"{self.key}.{name}" for name in wanting), "")

    @property
    def claims(self) -> frozenset[str]:
        """The claims that must be known to decide."""
        rules = (*self.needed.values(), self.allow, self.admins, self.publishers, self.developers)
        return frozenset(rule.claim for rule in rules if rule is not None)

    def role(self, claims: Mapping[str, Any]) -> Role:
        """What somebody is: the first that the claims say."""
        if self.admins is not None and self.admins.holds(claims):
            return "admin"
        if self.publishers is not None and self.publishers.holds(claims):
            return "publisher"
        return "developer" if self.developers is None or self.developers.holds(claims) else "viewer"


def account_name(text: str) -> str:
    """A text as the name of an account; empty where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(char if char in _IN_NAMES else "-" if char.isspace() else "" for char in plain)
    return kept.strip("-_.@+")[:LONGEST_NAME]


def names_for(claims: Mapping[str, Any], rules: ProviderRules, user_id: str) -> Iterator[str]:
    """What a new account may be called, the best first. No name is ever taken from another account."""
    wanted = (claims.get(claim) for claim in (rules.name_claim, "email", "name", "sub"))
    texts = (account_name(one) for one in wanted if isinstance(one, str))
    best = next((one for one in texts if one), "user")
    mark = user_id.partition(":")[2]
    yield from (best, f"{best}-{mark[:_MARK]}", f"user-{mark}")


def verified_address(claims: Mapping[str, Any]) -> str:
    """The e-mail address that the provider vouches for; empty: none."""
    # OpenID Connect Core section 5.1: email_verified is true if the address has been verified.
    email = claims.get("email") if claims.get("email_verified") is True else None
    return (typed_address(email) or "") if isinstance(email, str) else ""


class ProviderSignIn:
    """Signs people in whom a provider vouches for."""

    def __init__(
        self,
        provider: SignInProvider,
        rules: ProviderRules,
        users: Users,
        used: UsedFlows,
        limiter: AttemptLimiter,
        changes: ChangeListener,
        random: Random,
        clock: Clock,
        provider_id: str = "",
    ) -> None:
        """`changes` hears of sign-ins, good ones and bad ones. `provider_id` tells providers apart."""
        self._provider = provider
        self._id = provider_id
        self._rules = rules
        self._users = users
        self._used = used
        self._limiter = limiter
        self._changes = changes
        self._random = random
        self._clock = clock

    async def begin(self, wanted: str) -> tuple[str, SignInFlow]:
        """Where the browser is sent to, and what it must bring back. Raises IssuerUnavailable."""
        flow = new_flow(self._random, self._clock(), wanted, self._id)
        return await self._provider.begin(flow), flow

    async def finish(
        self, answer: Sequence[tuple[str, str]], flow: SignInFlow | None, address: str
    ) -> tuple[User, str]:
        """Who has signed in, by the answer that a browser brought back, and the flow that it had kept; and
        the e-mail address of theirs that the provider has verified, empty: none.

        Raises:
            ProviderRefused: nobody has.
            NotAdmitted: somebody has, who may not use the portal.
            IssuerUnavailable, StoreUnavailable: it can't be known now.
            TooManyAttempts: too many answers from this address were refused.
        """
        began = self._limiter.tick()
        attempt = self._limiter.attempt("", address)
        await self._limiter.refuse_if_locked(attempt)
        try:
            claims = await self._claims(answer, flow)
            user = await self._user(claims)
        except (ProviderRefused, NotAdmitted) as error:
            log.info("nobody is signed in by %s: %s", self._rules.issuer, error)
            facts = {"address": address, "provider": self._rules.issuer, "reason": str(error)}
            self._changes.heard("sign_in.failed", "", None, facts)
            if isinstance(error, ProviderRefused) and not error.by_person:
                await self._limiter.failed(attempt, began)
            raise
        facts = {"name": user.name, "address": address, "provider": self._rules.issuer}
        self._changes.heard("sign_in", user.id, None, facts)
        return user, verified_address(claims)

    async def logout(self, back: str) -> str:
        """Where one's session at the provider ends; empty: nowhere."""
        return await self._provider.logout(back)

    async def _claims(self, answer: Sequence[tuple[str, str]], flow: SignInFlow | None) -> Mapping[str, Any]:
        if flow is None:
            raise ProviderRefused("the browser has begun no sign-in")
        # RFC 9700 section 4.4.2: each provider has its own redirect URI, so that the answer of one is never
        # taken for that of another.
        if flow.provider != self._id:
            raise ProviderRefused("the browser has begun a sign-in at another provider")
        if not await self._used.first("oidc", flow.state, 2 * FLOW_LIFETIME):
            raise ProviderRefused("the sign-in has come to its end already")
        return await self._provider.finish(answer, flow)

    async def _user(self, claims: Mapping[str, Any]) -> User:
        if refusal := self._rules.refusal(claims):
            raise NotAdmitted(f"{refusal} does not let them in")
        for left in reversed(range(TRIES)):
            try:
                return await self._as_said(await self._found(claims), claims)
            except UserChanged:
                if not left:
                    raise
        raise AssertionError  # for mypy: the last attempt has raised

    async def _as_said(self, user: User, claims: Mapping[str, Any]) -> User:
        """The account, with the role that the provider gives it now."""
        if user.blocked:
            raise NotAdmitted(f"{user.id} is blocked")
        if user.pending:
            raise NotApproved
        role = self._rules.role(claims)
        return user if user.role == role else await self._users.change_role(user, role)

    async def _found(self, claims: Mapping[str, Any]) -> User:
        """The account of these claims; a new one where there is none."""
        user_id = provider_user_id(self._rules.issuer, claims["sub"])
        for name in names_for(claims, self._rules, user_id):
            # Another worker may have made it meanwhile, under a name that is found taken here.
            found = await self._users.get(user_id) or await self._lost(name, user_id)
            if found is not None:
                return found
            new = User(
                name,
                "",
                role=self._rules.role(claims),
                source="store",
                created=int(self._clock()),
                id=user_id,
                provider=self._rules.issuer,
            )
            try:
                return await self._users.create_without_password(new)
            except UserExists:
                continue
        raise UserChanged(f"no name is free for {user_id}")

    async def _lost(self, name: str, user_id: str) -> User | None:
        """The account where the store has lost its generation: looking for the name gives it another."""
        found = await self._users.find(name)
        return found if found is not None and found.id == user_id else None
