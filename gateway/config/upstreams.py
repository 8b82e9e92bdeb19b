"""`upstreams`: the backends that requests go to."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.addresses import BaseUrl
from gateway.config.base import Many, Section
from gateway.config.units import Timeout


class UpstreamServer(Section):
    """One server of an upstream."""

    url: BaseUrl = Field(
        description="http://host:port or https://host:port; a path behind it is put before each request's."
    )
    weight: int = Field(
        default=1, ge=1, le=1000, description="Its share of the requests, beside the others'."
    )


class UpstreamTimeouts(Section):
    """How long the gateway waits for an upstream."""

    connect: Timeout = Field(default=2.0, description="For a connection. A duration.")
    response: Timeout = Field(
        default=30.0, description="For the head of the answer, once the request is out. A duration."
    )
    idle: Timeout = Field(
        default=60.0, description="Without a byte either way, in an answer or a tunnel. A duration."
    )


def _one_server(servers: tuple[UpstreamServer, ...]) -> tuple[UpstreamServer, ...]:
    if len(servers) > 1:
        raise ValueError("more than one server is not supported yet")
    return servers


class UpstreamSettings(Section):
    """A backend under a name that routes refer to."""

    servers: Annotated[Many[UpstreamServer], AfterValidator(_one_server)] = Field(
        min_length=1, description="The servers that answer for it."
    )
    timeouts: UpstreamTimeouts = Field(
        default=UpstreamTimeouts(), description="How long the gateway waits for it."
    )
    max_connections: int = Field(
        default=256, ge=1, le=65535, description="The most connections that a worker opens to it."
    )
