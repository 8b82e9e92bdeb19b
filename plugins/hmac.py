"""Verifies signed webhooks (Standard Webhooks, GitHub, Stripe, others), and signs requests and responses."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from gateway.plugin import (
    BAD_SIGNATURE,
    BodyKind,
    Exchange,
    HeaderName,
    Lifetime,
    MessageBody,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    Size,
    asked_upgrade,
)
from plugins.hmac_schemes import (
    ENDLESS,
    BadSignature,
    GenericScheme,
    GitHub,
    Scheme,
    StandardWebhooks,
    Stripe,
    key_of,
    sign_standard,
)

STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
PURPOSE = "webhook"
_LEAST = 8


def check_secret(secret: SecretStr) -> SecretStr:
    """Validates a secret: what is short can be guessed."""
    try:
        key = key_of(secret.get_secret_value())
    except ValueError:
        raise ValueError("must be whsec_ and base64") from None
    if len(key) < _LEAST:
        raise ValueError(f"must have at least {_LEAST} bytes")
    return secret


WebhookSecret = Annotated[SecretStr, AfterValidator(check_secret)]


class GenericSignature(PluginConfig):
    """How the scheme `generic` signs."""

    header: HeaderName = Field(default="X-Signature", description="The header that has the signature.")
    prefix: str = Field(default="", max_length=32, description="What stands before the signature.")
    algorithm: Literal["sha256", "sha384", "sha512"] = Field(
        default="sha256", description="The hash of the HMAC."
    )
    encoding: Literal["hex", "base64"] = Field(default="hex", description="How the signature is written.")
    content: str = Field(
        default="{body}",
        max_length=200,
        description="What is signed, of {id}, {timestamp}, {method}, {target} and {body}.",
    )
    timestamp: HeaderName | None = Field(
        default=None, description="The header with the seconds since the epoch at which it was signed."
    )
    id: HeaderName | None = Field(default=None, description="The header with the message's id.")

    @field_validator("content")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.count("{body}") != 1:
            raise ValueError("must have {body} once: what is not signed can be changed")
        try:
            for part in value.split("{body}"):
                part.format(id="", timestamp="", method="", target="")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError("has other names than {id}, {timestamp}, {method}, {target}, {body}") from None
        return value

    @model_validator(mode="after")
    def _together(self) -> "GenericSignature":
        for name in ("timestamp", "id"):
            if (getattr(self, name) is None) is ("{" + name + "}" in self.content):
                raise ValueError(f"{name} must be named, and {{{name}}} stand in content, or neither")
        return self


class HmacSigning(PluginConfig):
    """What is signed in the form of Standard Webhooks."""

    secret: WebhookSecret = Field(description="The secret: whsec_ and base64, or text.")
    what: tuple[Literal["requests", "responses"], ...] = Field(
        default=("requests",), min_length=1, description="Requests to the upstream, responses to clients."
    )


class HmacConfig(PluginConfig):
    """Options of `hmac`."""

    scheme: Literal["standard", "github", "stripe", "generic"] = Field(
        default="standard", description="How requests are signed."
    )
    secrets: tuple[WebhookSecret, ...] = Field(
        default=(), description="Secrets of which one must have signed: the new one beside the old one."
    )
    generic: GenericSignature = Field(default=GenericSignature(), description="How the scheme generic signs.")
    tolerance: Lifetime = Field(default=300, description="How far the timestamp may be from now, both ways.")
    replay: bool | None = Field(
        default=None,
        description="Whether a signed request is let in once only; null: with the schemes "
        "that have a timestamp.",
    )
    max: Size = Field(
        default=1024**2,
        description="The largest body: a larger request is 413, a response to sign 502.",
    )
    sign: HmacSigning | None = Field(default=None, description="What is signed here.")

    @model_validator(mode="after")
    def _does_something(self) -> "HmacConfig":
        if not self.secrets and self.sign is None:
            raise ValueError("needs secrets, to verify requests, or sign")
        return self


def _scheme(config: HmacConfig) -> Scheme:
    if config.scheme == "github":
        return GitHub()
    if config.scheme == "stripe":
        return Stripe()
    if config.scheme == "standard":
        return StandardWebhooks()
    form = config.generic
    return GenericScheme(
        form.header, form.prefix, form.algorithm, form.encoding, form.content, form.timestamp, form.id
    )


class Hmac(ProxyPlugin):
    """Lets in what is signed, once; signs what goes on."""

    Config = HmacConfig
    config: HmacConfig

    def __init__(self, config: HmacConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._scheme = _scheme(config)
        self._keys = tuple(key_of(secret.get_secret_value()) for secret in config.secrets)
        self._once = self._scheme.has_timestamp if config.replay is None else config.replay
        signs = () if config.sign is None else config.sign.what
        self._signs_requests = "requests" in signs
        self._signing_key = b"" if config.sign is None else key_of(config.sign.secret.get_secret_value())
        self._state = f"hmac {context.place}"
        wanted: dict[BodyKind, bool] = {
            "request": bool(self._keys) or self._signs_requests,
            "response": "responses" in signs,
        }
        self.body_limits = {kind: config.max for kind, is_wanted in wanted.items() if is_wanted}
        self.idle = [
            *([] if self._keys else ["on_authorized"]),
            *([] if self._signs_requests else ["on_forward"]),
        ]

    def on_authorized(self, exchange: Exchange) -> None:
        """An upgrade has no body that could be signed: what is said in it is not."""
        if asked_upgrade(exchange.request) is not None:
            raise _refused("an upgrade can't be signed")

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        """All but event streams, which are not signed."""
        head = exchange.response
        types = [] if head is None else [v for n, v in head.headers if n.lower() == b"content-type"]
        return kind == "request" or not types or not types[0].lower().startswith(b"text/event-stream")

    async def on_body(self, exchange: Exchange, body: MessageBody) -> None:
        """Verifies the request, and signs."""
        if body.kind == "response":
            if exchange.response is not None:
                for name, value in self._signature(exchange, body):
                    exchange.response.set(name, value)
            return
        if self._keys:
            await self._verify(exchange, body.content)
        if self._signs_requests:
            exchange.state[self._state] = self._signature(exchange, body)

    def on_forward(self, exchange: Exchange) -> None:
        """The upstream reads the gateway's signature, and no other."""
        if exchange.forward is not None:
            for name in STANDARD_HEADERS:
                exchange.forward.remove(name)
            for name, value in exchange.state.get(self._state, ()):
                exchange.forward.set(name, value)

    async def _verify(self, exchange: Exchange, body: bytes) -> None:
        try:
            signed = self._scheme.read(exchange.request, body)
            signed.verify(self._keys)
            if signed.timestamp is not None:
                signed.check_time(self.context.clock(), self.config.tolerance)
        except BadSignature as error:
            raise _refused(str(error)) from None
        if self._once and self.context.once is not None:
            seconds = ENDLESS if signed.timestamp is None else 2 * self.config.tolerance + 1
            name = f"{self.context.place} {signed.name}"
            if not await self.context.once.first(PURPOSE, name, seconds):
                raise _refused("the request was let in before")

    def _signature(self, exchange: Exchange, body: MessageBody) -> list[tuple[str, str]]:
        message = f"msg_{exchange.request_id}"
        timestamp = int(self.context.clock())
        signature = sign_standard(self._signing_key, message, timestamp, body.content)
        return list(zip(STANDARD_HEADERS, (message, str(timestamp), signature), strict=True))

    def summary(self) -> str:
        """What is verified and signed, for `gatepost explain`."""
        does = [f"verifies {self.config.scheme}"] if self._keys else []
        does += [] if self.config.sign is None else [f"signs {' and '.join(self.config.sign.what)}"]
        return f"Hmac ({', '.join(does)})"


def _refused(reason: str) -> Problem:
    # RFC 9110 section 15.5.2: 401 names a scheme.
    return Problem(BAD_SIGNATURE, headers=[(b"WWW-Authenticate", b'HMAC realm="gatepost"')], reason=reason)
