"""The token exchange grant (RFC 8693): a token for another one that grants no more and lives no longer.

Off by default. A client may exchange what its `exchange` says, and tokens of its own workloads.
"""

from collections.abc import Mapping

from gateway.plugin import (
    ACCESS_TOKEN_TYPE,
    TOKEN_TYPES,
    ExchangeRules,
    Grant,
    GrantPlugin,
    GrantRequest,
    IssuedToken,
    OAuthError,
    SubjectToken,
    delegated,
    exchanged_audience,
    exchanged_lifetime,
    exchanged_scopes,
    noted_actor,
)


class TokenExchange(GrantPlugin):
    """Impersonation, and with an actor token delegation."""

    grant_type = "urn:ietf:params:oauth:grant-type:token-exchange"

    async def grant(self, request: GrantRequest) -> Grant:
        """Grants what is left of the subject token."""
        form = request.form
        _check_types(request)
        subject = await self._find(request, form.require("subject_token"), "subject_token")
        given = form.get("actor_token")
        actor = None if given is None else await self._find(request, given, "actor_token")
        rules = request.client.exchange or ExchangeRules()
        lifetime = exchanged_lifetime(request.lifetime(), subject, request.now)
        if lifetime is None:
            raise _unacceptable("subject_token")
        return Grant(
            subject=subject.subject,
            scopes=exchanged_scopes(form.get("scope"), subject, rules, request.own_scopes()),
            audience=exchanged_audience(form.resources, subject, rules.audiences or request.client.audiences),
            lifetime=lifetime,
            user=subject.user,
            user_id=subject.user_id,
            user_generation=subject.user_generation,
            extra=noted_actor(delegated(subject, actor)),
        )

    def on_issued(self, request: GrantRequest, issued: IssuedToken) -> Mapping[str, str]:
        """Section 2.2.1: says what kind of token it is."""
        return {"issued_token_type": ACCESS_TOKEN_TYPE}

    async def _find(self, request: GrantRequest, token: str, parameter: str) -> SubjectToken:
        """The token, where the client may exchange it.

        Raises:
            OAuthError: `invalid_request`, whatever is wrong with it (section 2.2.2).
        """
        client, tokens = request.client, self.context.tokens
        subjects = frozenset() if client.exchange is None else client.exchange.subjects
        trusted = frozenset(trust.issuer for trust in client.trust)
        found = None if tokens is None else await tokens.find(token, subjects | trusted, client=client)
        # Tokens of its own workloads are the client's: for these its trust is enough.
        if found is None or (found.issuer not in subjects and found.client != client.id):
            raise _unacceptable(parameter)
        # A bound token is only exchanged by whoever proves to hold its key (RFC 8705 section 3, RFC 9449
        # section 7): it would become one that is not bound.
        if any(request.cnf.get(name) != value for name, value in found.cnf.items()):
            raise _unacceptable(parameter)
        return found


def _check_types(request: GrantRequest) -> None:
    """Section 2.1: which token types must be there, and which are supported."""
    form = request.form
    form.require("subject_token")
    subject_type, actor_type = form.require("subject_token_type"), form.get("actor_token_type")
    if (form.get("actor_token") is None) != (actor_type is None):
        raise OAuthError("invalid_request", "actor_token and actor_token_type go together.")
    for name, value in (("subject_token_type", subject_type), ("actor_token_type", actor_type)):
        if value is not None and value not in TOKEN_TYPES:
            raise OAuthError("invalid_request", f"This {name} is not supported.")
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN_TYPE):
        raise OAuthError("invalid_request", "This requested_token_type is not supported.")


def _unacceptable(parameter: str) -> OAuthError:
    """One text for all reasons: nobody finds out by it whether a token is good."""
    return OAuthError("invalid_request", f"The {parameter} is not valid, or not for this client to exchange.")
