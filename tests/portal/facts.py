"""What a portal's tests take for its configuration."""

from __future__ import annotations

from gateway.portal.services import Api, PortalInfo

ORDERS = Api("/orders", False, ("GET", "HEAD"), None, ("orders.read",), None, True)
REPORTS = Api("/reports", False, ("POST",), "api.example", (), "https://reports.example", True)
STATUS = Api("/status", True, (), None, (), None, False)


def facts(**changes: object) -> PortalInfo:
    """The facts of a small gateway."""
    values: dict[str, object] = {
        "public_url": "https://gateway.example",
        "self_signed": False,
        "sign_up": "",
        "grants": ("client_credentials",),
        "scopes": ("orders.read",),
        "default_scopes": ("default",),
        "application_scope": None,
        "token_path": "/token",
        "revoke_path": "/revoke",
        "lifetime": 3600,
        "max_lifetime": 86_400,
        "apis": (ORDERS, REPORTS, STATUS),
        "tiers": ("gold",),
    }
    return PortalInfo(**(values | changes))  # type: ignore[arg-type]  # fields by name, as the tests give them
