"""Lets in what Cedar policies permit: by client, method, route and what the request says."""

import logging
from collections.abc import Mapping
from importlib import import_module
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl

from pydantic import Field, PrivateAttr, field_validator, model_validator

from gateway.plugin import (
    FORBIDDEN,
    Exchange,
    FilePath,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    TokenInfo,
    claims_of,
)
from plugins.cedar_policies import PolicyError, read_entities, read_policies

log = logging.getLogger("gatepost")

NEEDED = "needs the extra authorize: pip install gatepost[authorize]"
HIDDEN = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"dpop"})
"""Headers that policies do not see."""
_LARGEST = 2**63
_DEEPEST = 8


class AuthorizeConfig(PluginConfig):
    """Options of `authorize`."""

    policies: tuple[FilePath, ...] = Field(min_length=1, description="Files of Cedar policies.")
    entities: FilePath | None = Field(
        default=None, description="A JSON file of further Cedar entities, such as groups of clients."
    )
    _policies: Any = PrivateAttr(default=None)
    _entities: Any = PrivateAttr(default=None)

    @property
    def policy_set(self) -> Any:
        """The policies as they were read when the configuration was loaded."""
        return self._policies

    @property
    def further_entities(self) -> list[Any]:
        """The entities, likewise."""
        return list(self._entities or ())

    @field_validator("policies")
    @classmethod
    def _readable(cls, value: tuple[FilePath, ...]) -> tuple[FilePath, ...]:
        try:
            read_policies(value)
        except ImportError:
            raise ValueError(NEEDED) from None
        return value

    @field_validator("entities")
    @classmethod
    def _usable(cls, value: FilePath | None) -> FilePath | None:
        try:
            if value is not None:
                read_entities(value)
        except ImportError:
            raise ValueError(NEEDED) from None
        return value

    @model_validator(mode="after")
    def _keep(self) -> "AuthorizeConfig":
        try:
            self._policies = read_policies(self.policies)
            self._entities = [] if self.entities is None else read_entities(self.entities)
        except ImportError:
            raise PolicyError(NEEDED) from None
        return self


class Authorize(ProxyPlugin):
    """What no policy permits is refused, and what one forbids; so is what a policy fails on."""

    Config = AuthorizeConfig
    config: AuthorizeConfig

    def __init__(self, config: AuthorizeConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._judge = import_module("cedarpy").is_authorized
        self._further = {_uid(entity): entity for entity in config.further_entities}

    def on_authorized(self, exchange: Exchange) -> None:
        """Asks the policies."""
        principal, resource = _principal(exchange.token), _resource(exchange)
        question = {
            "principal": principal["uid"],
            "action": {"type": "Action", "id": exchange.request.method},
            "resource": resource["uid"],
            "context": _context(exchange, self.context.clock()),
        }
        answer = self._judge(question, self.config.policy_set, self._entities(principal, resource))
        errors = list(answer.diagnostics.errors)
        if answer.allowed and not errors:
            return
        reason = _reason(answer, errors)
        log.info("%s: %s is denied: %s", exchange.route.path, exchange.request.method, reason)
        raise Problem(FORBIDDEN, "No policy permits this.", reason=reason)

    def _entities(self, *own: dict[str, Any]) -> list[dict[str, Any]]:
        """Those of the request, in the groups that the file puts them into, and all others of the file."""
        found = dict(self._further)
        for entity in own:
            noted = found.get(_uid(entity))
            if noted is not None:
                attrs = {**noted.get("attrs", {}), **entity["attrs"]}
                entity = {**entity, "attrs": attrs, "parents": noted.get("parents", [])}  # noqa: PLW2901 (the same one, as the file has it)
            found[_uid(entity)] = entity
        return list(found.values())

    def summary(self) -> str:
        """The files, for `gatepost explain`."""
        return f"Authorize ({', '.join(map(str, self.config.policies))})"


def _uid(entity: Mapping[str, Any]) -> tuple[str, str]:
    uid = entity["uid"]
    uid = uid.get("__entity", uid)
    return uid["type"], uid["id"]


def _principal(token: TokenInfo | None) -> dict[str, Any]:
    if token is None:
        return {"uid": {"type": "Anonymous", "id": ""}, "attrs": {}, "parents": []}
    attrs: dict[str, Any] = {
        "scopes": list(token.scopes),
        "audience": list(token.audience),
        "subject": token.subject,
        "issuer": token.issuer,
        "grant": token.grant,
        "claims": cedar_value(claims_of(token.extra)),
    }
    if token.user is not None:
        attrs["user"] = token.user
    return {"uid": {"type": "Client", "id": token.client}, "attrs": attrs, "parents": []}


def _resource(exchange: Exchange) -> dict[str, Any]:
    route, segments = exchange.route, exchange.request.segments
    names = [name for name in route.path.split("/")[1:] if name]
    variables = {
        name[1:-1]: segments[index]
        for index, (name, literal) in enumerate(zip(names, route.segments, strict=False))
        if literal is None and index < len(segments)
    }
    attrs = {"path": "/" + "/".join(segments), "host": exchange.request.host, "variables": variables}
    return {"uid": {"type": "Route", "id": route.path}, "attrs": attrs, "parents": []}


def _context(exchange: Exchange, now: float) -> dict[str, Any]:
    request = exchange.request
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        lower = name.lower()
        if lower not in HIDDEN:
            headers.setdefault(lower.decode("latin-1"), []).append(value.decode("latin-1"))
    query: dict[str, list[str]] = {}
    for key, text in parse_qsl((request.query or b"").decode("latin-1"), keep_blank_values=True):
        query.setdefault(key, []).append(text)
    found = {
        "headers": {name: ", ".join(values) for name, values in headers.items()},
        "query": cedar_value(query),
        "scheme": request.peer.scheme,
        "time": int(now),
    }
    try:
        address = str(ip_address(request.peer.address))
    except ValueError:
        return found  # a Unix socket, or an unknown address
    return {**found, "address": {"__extn": {"fn": "ip", "arg": address}}}


def cedar_value(value: Any, depth: int = 0) -> Any:
    """A JSON value as Cedar can have it: no null, whole numbers of 64 bits, lists as sets.

    Other numbers become text. What Cedar would read as something else (`__entity`, `__extn`) is left out.
    """
    if isinstance(value, Mapping):
        return {
            str(name): cedar_value(item, depth + 1)
            for name, item in value.items()
            if item is not None and not str(name).startswith("__") and depth < _DEEPEST
        }
    if isinstance(value, list | tuple):
        return [cedar_value(item, depth + 1) for item in value if item is not None and depth < _DEEPEST]
    if isinstance(value, bool) or (isinstance(value, int) and -_LARGEST <= value < _LARGEST):
        return value
    return str(value)


def _reason(answer: Any, errors: list[str]) -> str:
    """Which policies decided, by their `@id` where they have one."""
    ids = answer.diagnostics.id_annotations_by_reason or {}
    named = ", ".join(sorted(str(ids.get(one) or one) for one in answer.diagnostics.reasons))
    if errors:
        return f"a policy failed: {'; '.join(errors)[:300]}"
    return f"forbidden by {named}" if named else "no policy permits it"
