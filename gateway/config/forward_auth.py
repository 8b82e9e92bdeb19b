"""`server.forward_auth`: which proxies may ask about the requests that they have got."""

from __future__ import annotations

from pydantic import Field

from gateway.config.base import Many, Section
from gateway.config.clients import TlsSubject
from gateway.config.value_types import ApiKey


class ForwardAuthSettings(Section):
    """Who may ask /auth/verify. Without these keys: whoever is one of trusted_proxies."""

    secrets: Many[ApiKey] = Field(
        default=(),
        description="Secrets, one of which a proxy must show in X-Forward-Auth-Secret: plain, 16 to 256 "
        "characters, or sha256: and the 64 hexadecimal digits of the secret's SHA-256. An address in "
        "trusted_proxies is then not enough.",
    )
    tls_client_auth: TlsSubject | None = Field(
        default=None,
        description="The subject of the TLS certificate that a proxy must show: exactly one of the keys. "
        "With secrets as well, either is enough.",
    )
