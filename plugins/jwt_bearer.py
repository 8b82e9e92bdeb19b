"""The JWT bearer grant (RFC 7523 section 2.1): an assertion of a trusted issuer as an authorization grant.

Off by default. A client may use assertions of the issuers in its `exchange`, and of its own workloads.
With `exchange.id_jag` they must be Identity Assertion JWT Authorization Grants
(draft-ietf-oauth-identity-assertion-authz-grant).
"""

from dataclasses import replace

from gateway.plugin import (
    ExchangeRules,
    Grant,
    GrantPlugin,
    GrantRequest,
    OAuthError,
    SubjectToken,
    exchanged_audience,
    exchanged_scopes,
    noted_actor,
)

ID_JAG = frozenset({"oauth-id-jag+jwt"})


class JwtBearer(GrantPlugin):
    """Issues tokens for the subject of an assertion."""

    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    async def grant(self, request: GrantRequest) -> Grant:
        """Grants the scopes that the assertion and the client's `exchange` allow."""
        form = request.form
        rules = request.client.exchange or ExchangeRules(frozenset())
        subject = await self._find(request, form.require("assertion"), rules)
        allowed = rules.audiences or request.client.audiences
        return Grant(
            subject=subject.subject,
            scopes=exchanged_scopes(form.get("scope"), subject, rules, request.own_scopes()),
            audience=exchanged_audience(form.resources, subject, allowed),
            lifetime=request.lifetime(),
            user=subject.user,
            extra=noted_actor(subject.actor),
        )

    async def _find(self, request: GrantRequest, assertion: str, rules: ExchangeRules) -> SubjectToken:
        """The assertion. Raises OAuthError: `invalid_grant` (section 3.1)."""
        client, tokens = request.client, self.context.tokens
        if tokens is None:
            raise _invalid()
        if rules.id_jag:
            found = await tokens.find(
                assertion, rules.subjects, types=ID_JAG, audiences=tokens.assertion_audiences(client)
            )
            return _unbound(request, _id_jag(found, client.id))
        trusted = frozenset(trust.issuer for trust in client.trust)
        # The gateway's own tokens are no assertions.
        issuers = (rules.subjects | trusted) - {""}
        found = await tokens.find(assertion, issuers, audiences=tokens.assertion_audiences(client))
        if found is None or (found.issuer not in rules.subjects and found.client != client.id):
            raise _invalid()
        return _unbound(request, found)


def _unbound(request: GrantRequest, found: SubjectToken) -> SubjectToken:
    if any(request.cnf.get(name) != value for name, value in found.cnf.items()):
        raise _invalid()
    return found


def _id_jag(found: SubjectToken | None, client_id: str) -> SubjectToken:
    """Section 4.1 of the draft: the assertion names the client that it was issued for."""
    if found is None or found.claims.get("client_id") != client_id:
        raise _invalid()
    if not isinstance(found.claims.get("jti"), str):
        raise _invalid()
    resource = found.claims.get("resource", [])
    resources = [resource] if isinstance(resource, str) else resource
    if not isinstance(resources, list) or not all(isinstance(one, str) for one in resources):
        raise _invalid()
    return replace(found, audience=tuple(resources))


def _invalid() -> OAuthError:
    return OAuthError("invalid_grant", "The assertion is not valid, or not for this client to use.")
