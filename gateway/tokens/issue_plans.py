"""What tokens that clients ask for again and again have in common: worked out once.

Only what follows from the client and its grant is remembered, never that the client may have a token: each
request is authenticated and granted, and the store looks each time whether the client and its credentials
are still there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.oauth.confirmation import token_type
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client, Secret
from gateway.runtime.caches import MIB, register
from gateway.runtime.lazy_reply import LazyReply, Recipient
from gateway.store import TokenStore, TokenTemplate
from gateway.tokens.granted_facts import credential_digests, granted_token_info, tier_of
from gateway.tokens.token_formats import TokenFormat

_PLANS = register("tokens issued alike", __name__, entries=512, key_bytes=2048, total_bytes=8 * MIB)
_PER_TEXT = 50
"""Bytes that a key's text takes beyond its characters, at least."""


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """How tokens are made and stored that differ in nothing but their times."""

    make: Callable[[int, int], str]
    """A new token that is issued and expires then, in seconds since the epoch."""
    template: TokenTemplate
    scope: str
    token_type: str
    secrets: tuple[Secret, ...]
    credentials: tuple[str, ...]
    """Of the client that it was made for."""

    def fits(self, client: Client) -> bool:
        """Whether the client still has the same credentials."""
        return self.secrets is client.secrets and self.credentials is client.credential_digests


class StoredToken(LazyReply[None]):
    """A token of its own, which is stored when this is asked for."""

    __slots__ = ("_issued", "_lifetime", "_name", "_read", "_template")

    def __init__(
        self,
        template: TokenTemplate,
        name: str,
        issued: int,
        lifetime: int,
        read: Callable[[float | None], None],
    ) -> None:
        """As for `TokenTemplate.store`."""
        self._template = template
        self._name = name
        self._issued = issued
        self._lifetime = lifetime
        self._read = read

    def ask(self, recipient: Recipient) -> None:
        """Stores the token. Raises StoreUnavailable."""
        self._template.store(self._name, self._issued, self._lifetime, self._read, recipient)


class IssuePlans:
    """Plans for the tokens of clients themselves: of these there are few kinds. The oldest make room."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._plans: OrderedDict[tuple[object, ...], IssuePlan] = OrderedDict()

    def find(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str], form: TokenFormat
    ) -> IssuePlan | None:
        """The plan for these tokens. None: they are for a user, or the store takes no templates."""
        if grant.user is not None or grant.user_id is not None or grant.user_generation:
            return None
        extra = tuple(grant.extra.items()) if grant.extra else ()
        bound = tuple(cnf.items()) if cnf else ()
        texts = (client.id, client.source, tier_of(client) or "", grant_type, grant.subject, form.format_id)
        key = (*texts, grant.scopes, grant.audience, extra, bound)
        plan = self._plans.get(key)
        if plan is not None and plan.fits(client):
            return plan
        plan = self._plan(client, grant_type, grant, cnf, form)
        if plan is not None and _size(texts, grant, (*extra, *bound)) <= _PLANS.key_bytes:
            self._keep(key, plan)
        return plan

    def _keep(self, key: tuple[object, ...], plan: IssuePlan) -> None:
        if len(self._plans) >= _PLANS.entries:
            self._plans.popitem(last=False)
        self._plans[key] = plan

    def _plan(
        self, client: Client, grant_type: str, grant: Grant, cnf: Mapping[str, str], form: TokenFormat
    ) -> IssuePlan | None:
        facts = granted_token_info(client, grant_type, grant, 0, cnf, form.audience(grant.audience))
        template = self._store.template(facts, credential_digests(client))
        if template is None:
            return None
        return IssuePlan(
            form.maker(facts),
            template,
            " ".join(grant.scopes),
            token_type(cnf),
            client.secrets,
            client.credential_digests,
        )


def _size(texts: tuple[str, ...], grant: Grant, pairs: tuple[tuple[str, str], ...]) -> int:
    parts = [*texts, *grant.scopes, *grant.audience, *(text for pair in pairs for text in pair)]
    return len("".join(parts)) + _PER_TEXT * len(parts)
