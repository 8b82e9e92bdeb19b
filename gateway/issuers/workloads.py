"""Which client a platform's token stands for: matched against what the clients trust, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.issuers.rules import InvalidToken, bound_to
from gateway.oauth.client_claims import CLAIMS
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.scope import ScopeRules, unique
from gateway.oauth.trust import Trust

SUBJECT = "sub"


@dataclass(frozen=True, slots=True)
class Workload:
    """A client, and the trust by which a token is its own."""

    client: Client
    trust: Trust


class Workloads:
    """The trusts of all clients. Those with an exact subject are found by it, however many there are."""

    def __init__(self, clients: Iterable[Client] = (), scope_rules: ScopeRules | None = None) -> None:
        self._scope_rules = scope_rules or ScopeRules()
        self._by_subject: dict[tuple[str, str], list[Workload]] = {}
        self._others: dict[str, list[Workload]] = {}
        for client in clients:
            for trust in client.trust:
                self._add(Workload(client, trust))

    def trusted(self, issuer: str) -> bool:
        """Whether any client trusts tokens of the issuer of this name."""
        return issuer in self._others

    def find(self, issuer: str, claims: Mapping[str, Any], named: Client | None = None) -> Workload | None:
        """The client whose token this is; None where it is nobody's.

        `named` is the client that the request names. One of the store is found by that alone.

        Raises:
            InvalidToken: two clients trust it. Neither gets anything: who it is can't be told.
        """
        subject = claims.get(SUBJECT)
        exact = self._by_subject.get((issuer, subject), []) if isinstance(subject, str) else []
        candidates = (*exact, *self._others.get(issuer, ()))
        of_store = _of_store(named, issuer)
        found = {one.client.id: one for one in (*candidates, *of_store) if one.trust.accepts(claims)}
        if len(found) > 1:
            raise InvalidToken(f"trusted by more than one client: {', '.join(sorted(found))}")
        return next(iter(found.values()), None)

    def facts(self, workload: Workload, claims: Mapping[str, Any], expires: int, now: float) -> TokenInfo:
        """What the token is worth on a route: what its client may ask for at most."""
        client, rules = workload.client, self._scope_rules
        issued = claims.get("iat")
        return TokenInfo(
            client=client.id,
            scopes=rules.with_application(unique((*rules.default, *client.scopes))),
            audience=unique((workload.trust.audience, *client.audiences)),
            subject=client.id,
            issued=int(issued) if isinstance(issued, int | float) else int(now),
            expires=expires,
            grant="",
            source=client.source,
            issuer=workload.trust.issuer,
            extra={CLAIMS: client.claims} if client.claims else {},
            # RFC 8705 section 3: a bound token is no bearer token, whoever has issued it.
            cnf=bound_to(claims.get("cnf")),
            tier=client.tier if client.source == "store" else None,
        )

    def _add(self, workload: Workload) -> None:
        issuer = workload.trust.issuer
        others = self._others.setdefault(issuer, [])
        exact = [rule for rule in workload.trust.rules if rule.name == SUBJECT and not rule.pattern]
        if exact:
            self._by_subject.setdefault((issuer, exact[0].value), []).append(workload)
        else:
            others.append(workload)


def _of_store(client: Client | None, issuer: str) -> list[Workload]:
    if client is None or client.source != "store":
        return []
    return [Workload(client, trust) for trust in client.trust if trust.issuer == issuer]


def may_be_shown_on_routes(workload: Workload) -> bool:
    """Whether the token itself opens routes.

    Not where it is accepted once only, nor where the client's tokens must be bound to a key of its own.
    """
    client = workload.client
    bound = client.require_mtls or client.require_dpop
    return client.enabled and not workload.trust.once and not bound
