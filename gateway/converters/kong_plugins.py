"""Kong's plugins that have a counterpart, each by a function of its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.converters.draft import ConfigDraft
from gateway.converters.kong_access import OTHERS, TOKENS
from gateway.converters.openapi import items, mapping

Config = Mapping[str, Any]
Convert = Callable[[Config, ConfigDraft, str], Iterator[dict[str, Any]]]

PERIODS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "month": "30d"}
_BUILT_IN = frozenset({"prometheus", "file-log", "http-log", "tcp-log", "udp-log", "syslog", "loggly", "acl"})
_ACCESS = frozenset({*TOKENS, *OTHERS, "key-auth", "key-auth-enc", "acl"})
_UNITS = {"megabytes": "m", "kilobytes": "k", "bytes": ""}


def converted_plugins(plugins: Mapping[str, Config], draft: ConfigDraft, where: str) -> list[dict[str, Any]]:
    """A route's plugins as those of gateway.yaml; what has no counterpart is noted."""
    found: list[dict[str, Any]] = []
    for name, plugin in plugins.items():
        convert = _CONVERTERS.get(name)
        if convert is not None:
            found += convert(mapping(plugin.get("config")), draft, where)
        elif name not in _ACCESS | _BUILT_IN:
            draft.note(where, f"the plugin {name} has no counterpart")
    return found


def _plugin(use: str, **own: Any) -> dict[str, Any]:
    return {"use": use, "with": {name: value for name, value in own.items() if value not in (None, [], {})}}


def _limited_by(config: Config, key: str, draft: ConfigDraft, where: str) -> str:
    wanted = str(config.get(key) or "consumer")
    by = {
        "consumer": "client", "credential": "client", "ip": "address", "service": "route",
        "header": f"header:{config.get('header_name')}",
    }  # fmt: skip
    if wanted not in by:
        draft.note(where, f"limits by {wanted} have no counterpart: by client")
    return by.get(wanted, "client")


def _rate_limiting(config: Config, draft: ConfigDraft, where: str) -> Iterator[dict[str, Any]]:
    by = _limited_by(config, "limit_by", draft, where)
    if config.get("year"):
        draft.note(where, "a limit for a year has no counterpart")
    if where != "plugins":
        draft.note("rate-limiting", "limits of a service or of a route count for each route by itself")
    for period, per in PERIODS.items():
        if config.get(period):
            yield _plugin("rate_limit", limit=int(config[period]), per=per, by=by, name=period)


def _rate_limiting_advanced(config: Config, draft: ConfigDraft, where: str) -> Iterator[dict[str, Any]]:
    by = _limited_by(config, "identifier", draft, where)
    for limit, size in zip(items(config.get("limit")), items(config.get("window_size")), strict=False):
        yield _plugin(
            "rate_limit", limit=int(limit), per=f"{int(size)}s", by=by, name=f"{by.partition(':')[0]}-{size}"
        )


def _request_size(config: Config, _: ConfigDraft, __: str) -> Iterator[dict[str, Any]]:
    unit = _UNITS.get(str(config.get("size_unit") or "megabytes"), "m")
    yield _plugin("body_limit", max=f"{config.get('allowed_payload_size', 128)}{unit}")


def _cors(config: Config, draft: ConfigDraft, where: str) -> Iterator[dict[str, Any]]:
    origins = [str(one) for one in items(config.get("origins"))] or ["*"]
    plain = [
        one.rstrip("/").lower() for one in origins if one == "*" or one.startswith(("http://", "https://"))
    ]
    if len(plain) < len(origins) or any(set(one) & set("()[]^$\\+?") for one in plain):
        draft.note(where, "cors: origins that are regular expressions have no counterpart")
    plain = [one for one in plain if not set(one) & set("()[]^$\\+?")]
    credentials = bool(config.get("credentials"))
    if "*" in plain:
        plain = ["*"]
        if credentials:
            draft.note(where, "cors: credentials can't go to all origins (*): without credentials")
            credentials = False
    if not plain:
        return
    age = config.get("max_age")
    yield _plugin(
        "cors",
        origins=plain,
        methods=[str(one) for one in items(config.get("methods"))],
        headers=[str(one) for one in items(config.get("headers"))],
        expose=[str(one) for one in items(config.get("exposed_headers"))],
        credentials=credentials or None,
        max_age=None if age is None else int(age),
    )


def _ip_restriction(config: Config, _: ConfigDraft, __: str) -> Iterator[dict[str, Any]]:
    allow = [str(one) for one in items(config.get("allow") or config.get("whitelist"))]
    deny = [str(one) for one in items(config.get("deny") or config.get("blacklist"))]
    if allow or deny:
        yield _plugin("ip_filter", allow=allow, deny=deny)


def _header_changes(config: Config, draft: ConfigDraft, where: str) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    remove = [str(one) for one in items(mapping(config.get("remove")).get("headers"))]
    for theirs, ours in (("replace", "set"), ("add", "set"), ("append", "add")):
        for pair in items(mapping(config.get(theirs)).get("headers")):
            name, _, value = str(pair).partition(":")
            changes.setdefault(ours, {})[name] = value.strip()
            if "$(" in value:
                draft.note(where, f"the header {name} is made by a template: it has no counterpart")
            if theirs == "add":
                draft.note(where, f"the header {name} is set, also where there is one already")
    for kind in ("add", "remove", "replace", "append", "rename"):
        own = mapping(config.get(kind))
        if any(value for name, value in own.items() if name != "headers" or kind == "rename"):
            draft.note(where, f"a transformer's {kind} of queries, bodies or names has no counterpart")
    return changes | ({"remove": remove} if remove else {})


def _request_transformer(config: Config, draft: ConfigDraft, where: str) -> Iterator[dict[str, Any]]:
    if changes := _header_changes(config, draft, where):
        yield _plugin("headers", request=changes)


def _response_transformer(config: Config, draft: ConfigDraft, where: str) -> Iterator[dict[str, Any]]:
    if changes := _header_changes(config, draft, where):
        yield _plugin("headers", response=changes)


def _correlation_id(config: Config, _: ConfigDraft, __: str) -> Iterator[dict[str, Any]]:
    yield _plugin("request_id", header=str(config.get("header_name") or "Kong-Request-ID"))


_CONVERTERS: Mapping[str, Convert] = {
    "rate-limiting": _rate_limiting,
    "rate-limiting-advanced": _rate_limiting_advanced,
    "request-size-limiting": _request_size,
    "cors": _cors,
    "ip-restriction": _ip_restriction,
    "request-transformer": _request_transformer,
    "response-transformer": _response_transformer,
    "correlation-id": _correlation_id,
}
