"""`issuers.*.preset`: what is always the same about the tokens of a platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["kubernetes", "github", "gitlab", "spiffe"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    "kubernetes": {"types": ["JWT"], "algorithms": ["RS256", "ES256", "ES384", "ES512"]},
    # https://docs.github.com/en/actions/reference/security/oidc
    "github": {
        "issuer": "https://token.actions.githubusercontent.com",
        "types": ["JWT"],
        "algorithms": ["RS256"],
    },
    # https://docs.gitlab.com/ci/secrets/id_token_authentication/
    "gitlab": {"issuer": "https://gitlab.com", "types": ["JWT"], "algorithms": ["RS256"]},
    # https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md, section 2
    "spiffe": {
        "types": ["JWT", "JOSE"],
        "algorithms": ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"],
    },
}
"""The keys that each preset fills in where the file leaves them out."""

TRUST_DOMAIN = "spiffe://"


def with_preset(values: Any) -> Any:
    """An issuer's keys, with those of its preset that are left out."""
    preset = values.get("preset") if isinstance(values, dict) else None
    return {**PRESETS[preset], **values} if isinstance(preset, str) and preset in PRESETS else values
