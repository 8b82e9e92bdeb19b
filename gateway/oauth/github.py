"""GitHub as a place to sign in: OAuth 2 without ID tokens, and what its API says of who has signed in.

Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import GatepostError
from gateway.oauth.oidc import ProviderMetadata, ProviderRefused

GITHUB = "https://github.com"
SCOPES: Mapping[str, str] = {
    "organizations": "read:org",
    "teams": "read:org",
    "email_domains": "user:email",
}
"""The scope that each claim needs. GitHub says id, login and name without any."""
_OWN_HOST = ".ghe.com"
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")
_ERROR = re.compile(r"[a-z_]{1,64}")
_LONGEST_LOGIN = 100
_OPERATORS_ERRORS = frozenset({"incorrect_client_credentials", "redirect_uri_mismatch"})
"""What GitHub says where the operator of the gateway has something to put right."""


class GithubMisconfigured(GatepostError):  # noqa: N818 (it says what the matter is)
    """GitHub does not take the gateway for the app it says it is. The text is for the log."""


def github_metadata(url: str) -> ProviderMetadata:
    """Where a GitHub of this URL is asked."""
    # GitHub need not send `iss` (RFC 9207). This is what it calls itself in its RFC 8414 metadata.
    issuer = f"{url}/login/oauth"
    return ProviderMetadata(issuer, f"{issuer}/authorize", f"{issuer}/access_token", jwks_uri="")


def api_url(url: str) -> str:
    """The REST API of a GitHub: of github.com, of a company's host at ghe.com, or of a server of its own."""
    parts = urlsplit(url)
    if url == GITHUB or (parts.hostname or "").endswith(_OWN_HOST):
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{url}/api/v3"


def scopes_for(claims: Collection[str]) -> list[str]:
    """The least that must be asked for to learn these claims."""
    return sorted({SCOPES[claim] for claim in claims if claim in SCOPES})


def token_of(answer: bytes) -> str:
    """The access token in the answer of the token endpoint.

    Raises:
        ProviderRefused: the code is not taken.
        GithubMisconfigured: the gateway is not.
        ValueError: it is no answer of GitHub.
    """
    members = _read(answer)
    if not isinstance(members, dict):
        raise ValueError("the token endpoint gave no JSON object")
    # Not as in RFC 6749 section 5.2: errors come with status 200.
    if "error" in members:
        raise _refusal(members["error"])
    token, kind = members.get("access_token"), members.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ValueError("the token endpoint gave no access token")
    # RFC 6749 section 5.1: the type is case-insensitive. Section 7.1: no other is used.
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("the token endpoint gave a token that is no bearer token")
    return token


def _refusal(error: object) -> GatepostError:
    known = error if isinstance(error, str) and _ERROR.fullmatch(error) else "an error that is none"
    if known in _OPERATORS_ERRORS:
        return GithubMisconfigured(f"the token endpoint answered {known}")
    # The person has to verify an e-mail address there first.
    return ProviderRefused(f"GitHub answered {known}", by_person=known == "unverified_user_email")


def user_claims(answer: bytes) -> dict[str, Any]:
    """Who has signed in, by the answer of `GET /user`.

    Raises:
        ProviderRefused: it is no person.
        ValueError: it is no answer of GitHub.
    """
    members = _read(answer)
    number = members.get("id") if isinstance(members, dict) else None
    # The login can be changed, and be taken by somebody else then. The number stays.
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        raise ValueError("/user has no id")
    if members.get("type") != "User":
        raise ProviderRefused("it is no person's account")
    login, name = members.get("login"), members.get("name")
    if not isinstance(login, str) or not 0 < len(login) <= _LONGEST_LOGIN:
        raise ValueError("/user has no login")
    claims = {"sub": str(number), "id": str(number), "login": login}
    return claims | ({"name": name} if isinstance(name, str) else {})


def items_of(answer: bytes) -> list[Mapping[str, Any]]:
    """One page of a list of the API. Raises ValueError where it is none."""
    found = _read(answer)
    if not isinstance(found, list):
        raise ValueError("the API gave no list")
    return [one for one in found if isinstance(one, dict)]


def organizations(memberships: Iterable[Mapping[str, Any]]) -> list[str]:
    """The organizations that somebody is a member of, by `GET /user/memberships/orgs`.

    Each by its name in lower case and as `id:` with its number. Who has only been invited is no member.
    """
    active = (one.get("organization") for one in memberships if one.get("state") == "active")
    return [text for one in active if isinstance(one, dict) for text in _known_as(one, _text(one, "login"))]


def teams(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The teams that somebody is in, by `GET /user/teams`: `organization/team`, and as `id:` and number."""
    return [text for one in found for text in _known_as(one, _team_name(one))]


def email_domains(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The domains of somebody's verified addresses, by `GET /user/emails`, in lower case."""
    addresses = (_text(one, "email") for one in found if one.get("verified") is True)
    return [domain for one in addresses if (domain := one.rpartition("@")[2])]


def verified_email(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Somebody's primary address as OpenID Connect's claims, if it is verified; else nothing."""
    email = next((one.get("email") for one in found if one.get("primary") is True), None)
    verified = any(one.get("email") == email and one.get("verified") is True for one in found)
    return {"email": email, "email_verified": True} if isinstance(email, str) and verified else {}


def _team_name(team: Mapping[str, Any]) -> str:
    owner, slug = team.get("organization"), _text(team, "slug")
    name = _text(owner, "login") if isinstance(owner, dict) else ""
    return f"{name}/{slug}" if name and slug else ""


def _known_as(one: Mapping[str, Any], name: str) -> Iterator[str]:
    number = one.get("id")
    if isinstance(number, int) and not isinstance(number, bool):
        yield f"id:{number}"
    if name:
        yield name


def _text(members: Mapping[str, Any], key: str) -> str:
    found = members.get(key)
    return found.lower() if isinstance(found, str) else ""


def _read(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise ValueError("GitHub's answer is no JSON") from None
