"""The metadata document of a route is found however long the path behind the well-known one is."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.endpoints import RESOURCE_METADATA, GatewayPaths
from gateway.oauth.metadata import Resource, ResourceKey
from gateway.web.metadata_endpoints import MetadataEndpoints
from tests.proxy.routing import request


class CountedResources(dict[ResourceKey, Resource]):
    """Counts how often one is looked for."""

    lookups = 0

    def get(self, key: ResourceKey, default: Any = None) -> Any:
        self.lookups += 1
        return super().get(key, default)


@pytest.mark.parametrize("below", [True, False])
def test_a_long_path_below_a_resource_is_found_with_few_lookups(below: bool) -> None:
    members = {"resource": "https://g/orders"}
    resources = CountedResources({(None, ("orders", "eu")): Resource("https://g", members, below)})
    endpoints = MetadataEndpoints({}, resources, GatewayPaths())
    path = "/orders/eu" + "/a" * 3_900
    found = endpoints._find(request(RESOURCE_METADATA + path))
    assert found == ({"resource": f"https://g{path}"} if below else None)
    # For the request's host and for any host: as many segments as the resource has, down to none.
    assert resources.lookups <= 2 * 3
