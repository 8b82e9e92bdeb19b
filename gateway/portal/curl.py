"""The exact commands that a developer can paste into a shell."""

from __future__ import annotations

from shlex import quote

from gateway.portal.desk import Api, PortalFacts

SECRET = "$CONSUMER_SECRET"  # noqa: S105 (stands for one)
TOKEN = "$TOKEN"  # noqa: S105 (stands for one)


def _curl(facts: PortalFacts) -> str:
    return "curl -k" if facts.self_signed else "curl"


def _credentials(key: str, secret: str | None) -> str:
    # In double quotes, so that the shell puts the secret in; a key has nothing that they would change.
    return quote(f"{key}:{secret}") if secret else f'"{key}:{SECRET}"'


def token(facts: PortalFacts, key: str, secret: str | None, scopes: tuple[str, ...] = ()) -> str:
    """Asks for a token. Without the secret, a shell variable stands for it."""
    form = "grant_type=client_credentials" + (f"&scope={'+'.join(scopes)}" if scopes else "")
    return f"{_curl(facts)} -u {_credentials(key, secret)} -d {quote(form)} {facts.public_url}/token"


def call(facts: PortalFacts, api: Api | None, access_token: str | None = None) -> str:
    """Calls an API."""
    path = api.path if api is not None else "/"
    method = "" if api is None or not api.methods or "GET" in api.methods else f" -X {api.methods[0]}"
    bearer = ""
    if api is None or api.protected:
        bearer = f' -H "Authorization: Bearer {access_token or TOKEN}"'
    host = f" -H {quote(f'Host: {api.host}')}" if api is not None and api.host and "*" not in api.host else ""
    return f"{_curl(facts)}{method}{bearer}{host} {quote(facts.public_url + path)}"


def revoke(facts: PortalFacts, key: str, secret: str | None, access_token: str | None = None) -> str:
    """Ends a token."""
    given = quote(f"token={access_token}") if access_token else f'"token={TOKEN}"'
    return f"{_curl(facts)} -u {_credentials(key, secret)} -d {given} {facts.public_url}/revoke"
