"""`portal.notify`: what is told, by webhook and by e-mail."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from gateway.config.addresses import split_url
from gateway.config.base import Many, Section
from gateway.config.portal_mail import PortalMail
from gateway.config.units import Lifetime
from gateway.config.value_types import CONTROL
from gateway.oauth.networks import is_link_local, is_loopback

NoticeEvent = Literal[
    "subscription.requested",
    "subscription.approved",
    "subscription.refused",
    "subscription.ended",
    "user.signed_up",
    "secret.expiring",
    "secret.expired",
    "limit.reached",
    "errors.high",
]
NOTICE_EVENTS: tuple[NoticeEvent, ...] = get_args(NoticeEvent)

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a key, as Standard Webhooks has them for symmetric signatures."""
LONGEST_URL = 2048


def check_webhook_url(value: str) -> str:
    """Validates where notices go: an https URL, or http to this machine."""
    parts = split_url(value)
    host = (parts.hostname or "") if parts else ""
    if parts is None or parts.scheme not in ("http", "https") or not host or len(value) > LONGEST_URL:
        raise ValueError("must be a URL such as https://hooks.example.org/gatepost")
    if not value.isascii() or CONTROL.search(value) or " " in value or "#" in value or "@" in parts.netloc:
        raise ValueError("must not hold spaces, a fragment (#), a user name, a password, or other than ASCII")
    if is_link_local(host):
        raise ValueError("must not lead to a link-local or metadata address")
    if parts.scheme == "http" and host != "localhost" and not is_loopback(host):
        raise ValueError("must be https; http is only for this machine (127.0.0.1, ::1, localhost)")
    return value


def check_webhook_secret(secret: SecretStr) -> SecretStr:
    """Validates a signing secret. Errors never contain it."""
    try:
        text = secret.get_secret_value()
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        text, key = "", b""
    if not text.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(
            'must be whsec_ and 24 to 64 random bytes in base64: echo "whsec_$(openssl rand -base64 32)"'
        )
    return secret


class PortalWebhook(Section):
    """A receiver of notices."""

    url: Annotated[str, AfterValidator(check_webhook_url)] = Field(
        description="An https URL; http only to this machine. Redirects are not followed, and link-local "
        "addresses are never asked."
    )
    secret: Annotated[SecretStr, AfterValidator(check_webhook_secret)] = Field(
        description="Signs each notice (Standard Webhooks): whsec_ and 24 to 64 random bytes in base64, "
        "preferably as ${NOTIFY_SECRET} from the environment."
    )


class ErrorsHigh(Section):
    """When `errors.high` is told."""

    share: float = Field(
        default=0.5, gt=0, lt=1, description="The share of 5xx among the responses, above which it is told."
    )
    window: Lifetime = Field(
        default=300,
        ge=60,
        le=3600,
        description="In the last so many minutes, from 1m to 1h; and told once in that time.",
    )
    calls: int = Field(default=20, ge=1, le=10**9, description="Of fewer calls nothing is told.")


class PortalNotify(Section):
    """What is told, and to whom."""

    webhook: PortalWebhook | None = Field(
        default=None, description="A receiver of yours: a mapping of url and secret. null: none."
    )
    email: PortalMail | None = Field(
        default=None, description="Notices by e-mail: a mapping. null: none. Needs the extra email."
    )
    events: Many[NoticeEvent] = Field(
        default=NOTICE_EVENTS, min_length=1, description="The events that are told; by default all of them."
    )
    errors: ErrorsHigh = Field(
        default=ErrorsHigh(), description="When errors.high is told: a mapping of share, window and calls."
    )

    @model_validator(mode="after")
    def _has_a_receiver(self) -> PortalNotify:
        if self.webhook is None and self.email is None:
            raise ValueError("needs a webhook or email: else nobody is told")
        return self
