"""Client metadata: what a client may register as, and how it is told (RFC 7591 section 2)."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from gateway.jose.jwk import read_jwks
from gateway.oauth.certificate_subject import KINDS, check_subject
from gateway.oauth.client_auth import PRIVATE_KEY_JWT, SECRET_METHODS
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.oauth.networks import may_be_public
from gateway.oauth.resource import is_resource
from gateway.oauth.scope import ScopeRules, parse_scope

LONGEST_NAME = 200
LONGEST_URI = 1024
SELF_SIGNED = "self_signed_tls_client_auth"
SERVER_SET = (
    "registration_access_token",
    "registration_client_uri",
    "client_id_issued_at",
    "client_secret_expires_at",
)
"""RFC 7592 section 2.2: a client must not send these."""
Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """What registered clients may have at most."""

    grants: Mapping[str, str]
    """The names of the grants, by `grant_type`."""
    methods: Sequence[str]
    """Client authentication methods."""
    scopes: frozenset[str]
    """Besides those that any client may ask for."""
    scope_rules: ScopeRules
    inner_jwks_uris: bool = False
    """Whether a `jwks_uri` may be http, and at an inner address."""


def read_metadata(content_type: str | None, body: bytes) -> dict[str, Any]:
    """The members of a registration request.

    Raises:
        OAuthError: `invalid_client_metadata` where the body is not one JSON object.
    """
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise invalid_metadata("The body must be application/json.")
    try:
        members = json.loads(body, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise invalid_metadata("The body must be a JSON object whose members stand once.") from None
    if not isinstance(members, dict):
        raise invalid_metadata("The body must be a JSON object.")
    return members


def requested_client(metadata: Metadata, rules: RegistrationRules, client_id: str) -> Client:
    """The client that the metadata describe, without a secret. What is not known here is ignored.

    Raises:
        OAuthError: `invalid_client_metadata`: a value is malformed, or more than a client may have.
    """
    method = _text(metadata, "token_endpoint_auth_method") or SECRET_METHODS[0]
    if method not in rules.methods:
        raise invalid_metadata(f"token_endpoint_auth_method must be one of {', '.join(rules.methods)}.")
    # Section 2: what a client's flows answer with; no flow of this server has an authorization endpoint.
    if set(_texts(metadata, "response_types") or ()) - {"none"}:
        raise invalid_metadata("response_types: no flow with an authorization endpoint is served.")
    return Client(
        id=client_id,
        name=_name(metadata),
        grants=_grants(metadata, rules),
        scopes=_scopes(metadata, rules),
        source="store",
        auth=frozenset({method}),
        jwks=_jwks(metadata, method),
        jwks_uri=_jwks_uri(metadata, rules),
        tls_subject=_tls_subject(metadata, method),
        require_mtls=_flag(metadata, "tls_client_certificate_bound_access_tokens"),
        require_dpop=_flag(metadata, "dpop_bound_access_tokens"),
    )


def client_metadata(client: Client, rules: RegistrationRules) -> dict[str, object]:
    """The metadata of a registered client (RFC 7591 section 3.2.1)."""
    types = {name: grant_type for grant_type, name in rules.grants.items()}
    told: dict[str, object] = {
        "client_id": client.id,
        "client_id_issued_at": client.created,
        "client_name": client.name,
        "grant_types": sorted(types.get(name, name) for name in client.grants),
        "response_types": [],
        "scope": " ".join(client.scopes),
        "token_endpoint_auth_method": next(iter(client.auth), SECRET_METHODS[0]),
        "jwks": json.loads(client.jwks) if client.jwks else None,
        "jwks_uri": client.jwks_uri,
        "tls_client_certificate_bound_access_tokens": client.require_mtls or None,
        "dpop_bound_access_tokens": client.require_dpop or None,
    }
    if client.tls_subject is not None:
        told[f"tls_client_auth_{client.tls_subject[0]}"] = client.tls_subject[1]
    return {name: value for name, value in told.items() if value not in (None, "")}


def refuse_server_set(metadata: Metadata, client_id: str) -> None:
    """RFC 7592 section 2.2: an update names its client, and nothing that the server sets.

    Raises:
        OAuthError: `invalid_client_metadata`.
    """
    if metadata.get("client_id") != client_id:
        raise invalid_metadata("client_id must be that of the client.")
    found = [name for name in SERVER_SET if name in metadata]
    if found:
        raise invalid_metadata(f"{found[0]} is set by the server.")


def invalid_metadata(text: str) -> OAuthError:
    """RFC 7591 section 3.2.2."""
    return OAuthError("invalid_client_metadata", text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _finite(text: str) -> float:
    """A number that can be answered again: JSON has no other ones."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is none")
    return number


def _text(metadata: Metadata, name: str) -> str | None:
    value = metadata.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_metadata(f"{name} must be a string.")
    return value


def _texts(metadata: Metadata, name: str) -> Collection[str] | None:
    value = metadata.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid_metadata(f"{name} must be a list of strings.")
    return value


def _flag(metadata: Metadata, name: str) -> bool:
    value = metadata.get(name, False)
    if not isinstance(value, bool):
        raise invalid_metadata(f"{name} must be true or false.")
    return value


def _name(metadata: Metadata) -> str:
    name = _text(metadata, "client_name") or ""
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise invalid_metadata(f"client_name must have at most {LONGEST_NAME} printable characters.")
    return name


def _grants(metadata: Metadata, rules: RegistrationRules) -> frozenset[str]:
    """The names of the requested grants; client credentials where none is named."""
    # Section 2 has authorization_code as the default, which is not served.
    types = _texts(metadata, "grant_types") or ("client_credentials",)
    if not rules.grants.keys() >= set(types):
        raise invalid_metadata(f"grant_types must be some of {', '.join(sorted(rules.grants))}.")
    return frozenset(rules.grants[one] for one in types)


def _scopes(metadata: Metadata, rules: RegistrationRules) -> tuple[str, ...]:
    text = _text(metadata, "scope")
    if not text:
        return ()
    try:
        scopes = parse_scope(text)
    except OAuthError as error:
        raise invalid_metadata(error.description) from None
    scope_rules = rules.scope_rules
    allowed = {*rules.scopes, *scope_rules.default, scope_rules.application}
    if not all(scope in allowed or scope_rules.is_open(scope) for scope in scopes):
        raise invalid_metadata("scope names one that a registered client may not have.")
    return scopes


def _jwks(metadata: Metadata, method: str) -> str:
    given, needed = metadata.get("jwks"), method in (PRIVATE_KEY_JWT, SELF_SIGNED)
    if given is None and (not needed or metadata.get("jwks_uri") is not None):
        return ""
    try:
        read_jwks(given)
    except ValueError as error:
        raise invalid_metadata(f"jwks {error}") from None
    return json.dumps(given)


def _jwks_uri(metadata: Metadata, rules: RegistrationRules) -> str:
    """Where a client's keys are. It chooses what this server asks: so it is https, and no inner address."""
    uri = _text(metadata, "jwks_uri")
    if uri is None:
        return ""
    if metadata.get("jwks") is not None:
        # RFC 7591 section 2: the two must not both be present.
        raise invalid_metadata("jwks and jwks_uri can't both be given.")
    parts = _split(uri) if is_resource(uri) else None
    schemes = ("https", "http") if rules.inner_jwks_uris else ("https",)
    if parts is None or parts.scheme not in schemes or not parts.hostname or len(uri) > LONGEST_URI:
        raise invalid_metadata(f"jwks_uri must be an https URL of at most {LONGEST_URI} characters.")
    if "@" in parts.netloc or not (rules.inner_jwks_uris or may_be_public(parts.hostname)):
        raise invalid_metadata("jwks_uri must have no user name, and no inner address.")
    return uri


def _split(uri: str) -> SplitResult | None:
    """The parts of a URL; None where its port is none."""
    parts = urlsplit(uri)
    try:
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _tls_subject(metadata: Metadata, method: str) -> tuple[str, str] | None:
    """RFC 8705 section 2.1.2: exactly one of the members."""
    pairs = [(kind, _text(metadata, f"tls_client_auth_{kind}")) for kind in KINDS]
    given = [(kind, value) for kind, value in pairs if value is not None]
    if method != "tls_client_auth" and not given:
        return None
    if method != "tls_client_auth" or len(given) != 1:
        raise invalid_metadata("tls_client_auth needs exactly one of the members tls_client_auth_….")
    kind, value = given[0]
    try:
        return kind, check_subject(kind, value)
    except ValueError as error:
        raise invalid_metadata(f"tls_client_auth_{kind} {error}") from None
