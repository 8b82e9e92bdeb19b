"""OpenID Connect as a relying party: what is asked of a provider, and which of its answers are taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from gateway.errors import GatepostError
from gateway.oauth.issuer_metadata import read_metadata
from gateway.oauth.opaque_tokens import Random

FLOW_LIFETIME = 600
"""Seconds that a person has for signing in at the provider."""
_RANDOM_BYTES = 32
_CODE = re.compile(r"[\x20-\x7e]{1,4096}")
_ERROR = re.compile(r"[a-z_]{1,64}")


class ProviderRefused(GatepostError):  # noqa: N818 (it says what the matter is)
    """Nobody is signed in with this answer. The text is for the log."""

    def __init__(self, reason: str, *, by_person: bool = False) -> None:
        """`by_person`: whether the person or the provider said no, and nothing is wrong with the answer."""
        super().__init__(reason)
        self.by_person = by_person


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What is used of a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    """Empty: the provider announces none."""
    names_itself: bool = False
    """Whether it announces that it adds `iss` to its answers (RFC 9207)."""


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """What one browser has to bring back from the provider."""

    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636)."""
    ends: int
    """Seconds since the epoch."""
    wanted: str = ""
    """The page to go to then."""
    provider: str = ""
    """The id of the provider that was asked."""

    def text(self) -> str:
        """The flow as text, for `read_flow`."""
        return json.dumps(asdict(self))


def new_flow(random: Random, now: float, wanted: str, provider: str = "") -> SignInFlow:
    """A flow whose secrets nobody can guess."""
    state, nonce, verifier = (_encoded(random(_RANDOM_BYTES)) for _ in range(3))
    return SignInFlow(state, nonce, verifier, int(now) + FLOW_LIFETIME, wanted, provider)


def read_flow(text: str) -> SignInFlow | None:
    """The flow in a text of `SignInFlow.text`; None: another release wrote it, with other members."""
    try:
        return SignInFlow(**json.loads(text))
    except TypeError:
        return None


def authorization_url(
    provider: ProviderMetadata, client_id: str, redirect_uri: str, scopes: Sequence[str], flow: SignInFlow
) -> str:
    """OpenID Connect Core section 3.1.2.1: where the browser is sent to."""
    return f"{code_request_url(provider, client_id, redirect_uri, scopes, flow)}&nonce={flow.nonce}"


def code_request_url(
    provider: ProviderMetadata, client_id: str, redirect_uri: str, scopes: Sequence[str], flow: SignInFlow
) -> str:
    """RFC 6749 section 4.1.1: the same at a provider without ID tokens. Without scopes it has its own."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        **({"scope": " ".join(scopes)} if scopes else {}),
        "state": flow.state,
        # RFC 7636 section 4.2: the provider is told the verifier's hash only.
        "code_challenge": _encoded(hashlib.sha256(flow.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    return _with_query(provider.authorization_endpoint, asked)


def logout_url(provider: ProviderMetadata, client_id: str, back: str) -> str:
    """OpenID Connect RP-Initiated Logout 1.0 section 2; empty where the provider announces none."""
    if not provider.end_session_endpoint:
        return ""
    asked = {"client_id": client_id, "post_logout_redirect_uri": back}
    return _with_query(provider.end_session_endpoint, asked)


def code_of(
    answer: Sequence[tuple[str, str]], flow: SignInFlow, provider: ProviderMetadata, now: float
) -> str:
    """The code in a provider's answer (RFC 6749 section 4.1.2), which came back through the browser.

    Raises:
        ProviderRefused: it is not the answer to this flow, or the provider said no.
    """
    members = dict(answer)
    # RFC 6749 section 3.1: no parameter is sent more than once.
    if len(members) != len(answer):
        raise ProviderRefused("a parameter is there twice")
    # Section 10.12: the answer belongs to the browser that asked.
    if not hmac.compare_digest(members.get("state", "").encode(), flow.state.encode()):
        raise ProviderRefused("the state is another")
    if now >= flow.ends:
        raise ProviderRefused("it took too long")
    # RFC 9207 section 2.4: an answer of another provider, or of none, is refused.
    named = members.get("iss")
    if named != provider.issuer and (named is not None or provider.names_itself):
        raise ProviderRefused("iss is not the provider's")
    if "error" in members:
        error = members["error"] if _ERROR.fullmatch(members["error"]) else "an error that is none"
        raise ProviderRefused(f"the provider answered {error}", by_person=True)
    code = members.get("code", "")
    if not _CODE.fullmatch(code):
        raise ProviderRefused("there is no code")
    return code


def read_provider(document: bytes, issuer: str) -> ProviderMetadata:
    """A provider's discovery document (OpenID Connect Discovery 1.0 section 3).

    Raises:
        ValueError: it is not this issuer's, or lacks what is needed.
    """
    members = read_metadata(document, issuer)
    methods = members.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if not isinstance(methods, list) or "client_secret_basic" not in methods:
        raise ValueError("does not announce client_secret_basic")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    found = {name: _endpoint(members.get(name), issuer) for name in needed}
    if missing := [name for name, url in found.items() if not url]:
        raise ValueError(f"has no usable {missing[0]}")
    return ProviderMetadata(
        issuer,
        **found,
        end_session_endpoint=_endpoint(members.get("end_session_endpoint"), issuer),
        names_itself=members.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(url: Any, issuer: str) -> str:
    """The URL; empty where it can't be used. Those of an https issuer must be https."""
    if not isinstance(url, str) or "#" in url or not url.isascii() or not url.isprintable():
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    safe = parts.scheme in ("https", urlsplit(issuer).scheme) and parts.hostname and "@" not in parts.netloc
    return url if safe else ""


def id_token_of(answer: bytes) -> str:
    """The ID token in the answer of a token endpoint (section 3.1.3.3). Raises ProviderRefused."""
    try:
        members: Mapping[str, Any] = json.loads(answer)
        token = members["id_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProviderRefused("the token endpoint gave no ID token") from None
    if not isinstance(token, str):
        raise ProviderRefused("the token endpoint gave no ID token")
    return token


def _with_query(url: str, members: Mapping[str, str]) -> str:
    # RFC 6749 section 3.1: the endpoint may have a query of its own, which is kept.
    return f"{url}{'&' if '?' in url else '?'}{urlencode(members)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
