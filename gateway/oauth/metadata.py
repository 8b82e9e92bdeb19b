"""What the server tells of itself (RFC 8414), and of the resources behind it (RFC 9728)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Members = dict[str, object]


def server_metadata(
    issuer: str,
    endpoints: Mapping[str, str],
    *,
    grants: Iterable[str],
    auth_methods: Iterable[str],
    scopes: Iterable[str],
    further: Mapping[str, object] | None = None,
) -> Members:
    """The members of RFC 8414 section 2. `endpoints` are paths by name, such as `token_endpoint`.

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
    # Section 2: response_types_supported is required; where nobody is authorized by redirection it is empty.
    return told(members) | {"response_types_supported": []}


def resource_metadata(
    resource: str, issuers: Sequence[str], scopes: Iterable[str], further: Mapping[str, object] | None = None
) -> Members:
    """The members of RFC 9728 section 2.

    Section 3.3: `resource` is the identifier that the well-known part was put into, exactly.
    """
    return told(
        {
            "resource": resource,
            "authorization_servers": list(issuers),
            "scopes_supported": sorted(set(scopes)),
            # RFC 6750 section 2.1; a token in the body or in the query is not looked at.
            "bearer_methods_supported": ["header"],
            **(further or {}),
        }
    )


def told(members: Members) -> Members:
    """RFC 8414 section 3.2, RFC 9728 section 3.2: members with zero elements must be left out."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {}, False)}
