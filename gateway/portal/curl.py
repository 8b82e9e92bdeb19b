"""The exact commands that a developer can paste into a shell."""

from __future__ import annotations

from shlex import quote

from gateway.portal.first_call import example_path, method_of
from gateway.portal.services import Api, PortalInfo

SECRET = "$CONSUMER_SECRET"  # noqa: S105 (stands for one)
TOKEN = "$TOKEN"  # noqa: S105 (stands for one)


def _curl(facts: PortalInfo) -> str:
    return "curl -k" if facts.self_signed else "curl"


def _credentials(key: str, secret: str | None) -> str:
    # In double quotes, so that the shell puts the secret in; a key has nothing that they would change.
    return quote(f"{key}:{secret}") if secret else f'"{key}:{SECRET}"'


def _authentication(key: str, secret: str | None, in_form: bool) -> str:
    if in_form:
        given = quote(f"client_secret={secret}") if secret else f'"client_secret={SECRET}"'
        return f"-d {quote(f'client_id={key}')} --data-urlencode {given}"
    return f"-u {_credentials(key, secret)}"


def call(facts: PortalInfo, api: Api | None, access_token: str | None = None) -> str:
    """Calls an API."""
    path = example_path(api.path) if api is not None else "/"
    wanted = "GET" if api is None else method_of(api)
    # With -X HEAD, curl waits for a body.
    method = {"GET": "", "HEAD": " -I"}.get(wanted, f" -X {wanted}")
    bearer = ""
    if api is None or api.protected:
        bearer = f' -H "Authorization: Bearer {access_token or TOKEN}"'
    host = f" -H {quote(f'Host: {api.host}')}" if api is not None and api.host and "*" not in api.host else ""
    return f"{_curl(facts)}{method}{bearer}{host} {quote(facts.public_url + path)}"


def revoke(
    facts: PortalInfo, key: str, secret: str | None, access_token: str | None = None, *, in_form: bool = False
) -> str:
    """Ends a token."""
    given = quote(f"token={access_token}") if access_token else f'"token={TOKEN}"'
    url = facts.public_url + facts.revoke_path
    return f"{_curl(facts)} {_authentication(key, secret, in_form)} -d {given} {url}"
