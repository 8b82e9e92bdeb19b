"""Objects of Kubernetes: their names, their heads, and values as they write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, TypeVar

from gateway.export.envoy_clusters import Json

GATEWAY_API: Final = "gateway.networking.k8s.io"
ENVOY_GATEWAY: Final = "gateway.envoyproxy.io"
JUDGED = "gatepost/judged"
"""A label: Gatepost is asked about the requests of these routes."""
TRAFFIC = "gatepost/traffic"
"""A label: the policy for the upstream of these routes."""
ROUTE = "gatepost/route"
"""An annotation: the route as Gatepost names it."""
MANAGED_BY = {"app.kubernetes.io/managed-by": "gatepost-export"}
MOST_HOSTNAMES = 16
MOST_MATCHES = 64
MOST_BACKENDS = 16
_Item = TypeVar("_Item")
_SLUG = 40
_MOST_SECONDS = 99_999
"""A number in a duration has at most five digits."""
_NO_NAME = re.compile(r"[^a-z0-9]+")
_HASHED = re.compile(r"-[0-9a-f]{8}\Z")
"""What looks like a hash could be another's."""
_VERSIONS = {GATEWAY_API: "v1", ENVOY_GATEWAY: "v1alpha1"}


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """Where objects are made."""

    namespace: str | None
    """None: that of whoever applies them."""
    gateway: str
    """The name of the Gateway, and the beginning of the names of what belongs to it."""


def names(kind: str, texts: Iterable[str]) -> dict[str, str]:
    """A name for each text, which it keeps whatever the order is: `route-get-head-orders`.

    RFC 1123 section 2.1: letters, digits and hyphens, at most 63 of them. Texts whose names would be the same
    are told apart by a hash.
    """
    slugs = {text: _NO_NAME.sub("-", text.lower()).strip("-") for text in texts}
    alike = Counter(slugs.values())
    return {
        text: f"{kind}-{slug}"
        if slug and len(slug) <= _SLUG and alike[slug] == 1 and not _HASHED.search(slug)
        else f"{kind}-{slug[:_SLUG].strip('-') or 'x'}-{sha256(text.encode()).hexdigest()[:8]}"
        for text, slug in slugs.items()
    }


def thing(
    group: Literal["gateway.networking.k8s.io", "gateway.envoyproxy.io"],
    kind: str,
    name: str,
    place: ObjectPlace,
    spec: Json,
    *,
    labels: dict[str, str] | None = None,
    route: str | None = None,
) -> Json:
    """One object."""
    metadata: Json = {"name": name}
    if place.namespace is not None:
        metadata["namespace"] = place.namespace
    metadata["labels"] = MANAGED_BY | (labels or {})
    if route is not None:
        metadata["annotations"] = {ROUTE: route}
    return {"apiVersion": f"{group}/{_VERSIONS[group]}", "kind": kind, "metadata": metadata, "spec": spec}


def time(seconds: float) -> str:
    """A duration (GEP-2257): `1s`, `1s500ms`, `90s`; whole milliseconds."""
    whole, rest = divmod(round(seconds * 1000), 1000)
    if whole > _MOST_SECONDS:
        return f"{whole // 3600}h{whole % 3600}s"
    return (f"{whole}s" if whole or not rest else "") + (f"{rest}ms" if rest else "")


def parts(items: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    """The same in parts that are no longer than allowed."""
    return [items[start : start + size] for start in range(0, len(items), size)]
