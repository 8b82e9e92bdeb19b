"""Signatures of Standard Webhooks, version v1 (https://www.standardwebhooks.com)."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """The key that signs."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, secret: str) -> WebhookKey:
        """The key in a secret such as `whsec_…`. Raises ValueError."""
        return cls(b64decode(secret.removeprefix(PREFIX), validate=True))

    def headers(self, notice_id: str, timestamp: int, body: str) -> dict[str, str]:
        """The headers of one attempt. `timestamp`: when it is made, in seconds since the epoch."""
        # "The content to sign is … the id, timestamp and payload, separated by the full-stop character."
        signed = f"{notice_id}.{timestamp}.{body}".encode()
        digest = hmac.digest(self.key, signed, "sha256")
        return {
            "webhook-id": notice_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": f"v1,{b64encode(digest).decode()}",
        }
