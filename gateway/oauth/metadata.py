"""What the server tells of itself (RFC 8414), and of the resources behind it (RFC 9728)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Members = dict[str, object]
ResourceKey = tuple[str | None, tuple[str, ...]]
"""The host of a protected resource, None where it has none of its own, and the segments of its path."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected resource (RFC 9728)."""

    root: str
    """Scheme and host of its identifier, and the path of `server.public_url`."""
    members: Members
    below: bool
    """Whether every path below it is one, too."""


def server_metadata(
    issuer: str,
    endpoints: Mapping[str, str],
    *,
    grants: Iterable[str],
    auth_methods: Iterable[str],
    scopes: Iterable[str],
    further: Mapping[str, object] | None = None,
    configured: Mapping[str, object] | None = None,
) -> Members:
    """The members of RFC 8414 section 2. `endpoints` are paths by name, such as `token_endpoint`.

    `configured` are members of the operator's: they win, and one that is None takes a member out.
    Section 3.3: `issuer` is the URL that the well-known part was put behind, exactly.
    """
    methods = list(auth_methods)
    members: Members = {
        "issuer": issuer,
        **{name: issuer + path for name, path in endpoints.items()},
        "grant_types_supported": sorted(grants),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "scopes_supported": sorted(set(scopes)),
        **(further or {}),
    }
    # Section 2: response_types_supported is required, and some clients refuse an empty one. `none` is the
    # registered type of a response that grants nothing.
    complete = non_empty(members) | {"response_types_supported": ["none"]} | dict(configured or {})
    return {name: value for name, value in complete.items() if value is not None}


def resource_metadata(
    resource: str, issuers: Sequence[str], scopes: Iterable[str], further: Mapping[str, object] | None = None
) -> Members:
    """The members of RFC 9728 section 2.

    Section 3.3: `resource` is the identifier that the well-known part was put into, exactly.
    """
    return non_empty(
        {
            "resource": resource,
            "authorization_servers": list(issuers),
            "scopes_supported": sorted(set(scopes)),
            # RFC 6750 section 2.1; a token in the body or in the query is not looked at.
            "bearer_methods_supported": ["header"],
            **(further or {}),
        }
    )


def non_empty(members: Members) -> Members:
    """RFC 8414 section 3.2, RFC 9728 section 3.2: members with zero elements must be left out."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {}, False)}
