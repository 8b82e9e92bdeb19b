"""Where an application's own developers are told of it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Literal

from gateway.oauth.token_encryption import TokenCipher

PREFIX = "whsec_"
SECRET_BYTES = 32
WebhookState = Literal["", "gone", "failing", "disabled"]
STATES: tuple[WebhookState, ...] = ("", "gone", "failing", "disabled")


@dataclass(slots=True, frozen=True)
class ApplicationWebhook:
    """A receiver of the events of one application."""

    url: str
    sealed: str = field(repr=False)
    """Its signing secret, encrypted, in base64."""
    created: int
    """Seconds since the epoch; so are the others."""
    secret_created: int
    failing: int = 0
    """Since when it takes nothing; 0: it works, as far as is known."""
    off: WebhookState = ""
    """Why it is switched off; empty: it is on. `gone`: it answered 410. `failing`: it failed for long.
    `disabled`: the operator did so."""


def new_secret(key: bytes) -> str:
    """A signing secret as Standard Webhooks write it."""
    return PREFIX + b64encode(key).decode()


def seal_secret(cipher: TokenCipher, application_id: str, secret: str) -> str:
    """A secret as it is kept: it can be opened for the same application only."""
    return b64encode(cipher.seal(secret, _slot(application_id))).decode()


def open_secret(cipher: TokenCipher, application_id: str, webhook: ApplicationWebhook) -> str | None:
    """The secret; None where the keys that sealed it are gone."""
    try:
        sealed = b64decode(webhook.sealed, validate=True)
    except ValueError:
        return None
    return cipher.open(sealed, _slot(application_id))


def _slot(application_id: str) -> str:
    return f"webhook {application_id}"
