"""The messages of xDS, to and from plain values. Needs the extra `xds`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import any_pb2, json_format, symbol_database

from gateway.xds.resources import Resources, XdsResource
from gateway.xds.subscriptions import Request, Update

_EXTENSIONS = "envoy.extensions."
for _module in (
    "envoy.config.cluster.v3.cluster_pb2",
    "envoy.config.listener.v3.listener_pb2",
    "envoy.config.route.v3.route_pb2",
    f"{_EXTENSIONS}access_loggers.stream.v3.stream_pb2",
    f"{_EXTENSIONS}filters.http.ext_authz.v3.ext_authz_pb2",
    f"{_EXTENSIONS}filters.http.lua.v3.lua_pb2",
    f"{_EXTENSIONS}filters.http.router.v3.router_pb2",
    f"{_EXTENSIONS}filters.listener.proxy_protocol.v3.proxy_protocol_pb2",
    f"{_EXTENSIONS}filters.listener.tls_inspector.v3.tls_inspector_pb2",
    f"{_EXTENSIONS}filters.network.http_connection_manager.v3.http_connection_manager_pb2",
    f"{_EXTENSIONS}http.early_header_mutation.header_mutation.v3.header_mutation_pb2",
    f"{_EXTENSIONS}transport_sockets.quic.v3.quic_transport_pb2",
    f"{_EXTENSIONS}transport_sockets.tls.v3.tls_pb2",
    f"{_EXTENSIONS}upstreams.http.v3.http_protocol_options_pb2",
):
    # What is packed in an `Any` is found by its name where its module has been imported.
    import_module(_module)


def packed(kind: str, resource: XdsResource) -> Any:
    """A resource as an `Any`.

    Raises:
        ValueError: it does not have the form of its type.
    """
    message = symbol_database.Default().GetSymbol(kind.rpartition("/")[2])()
    try:
        json_format.ParseDict(resource.value, message)
    except json_format.ParseError as error:
        raise ValueError(str(error)) from error
    found = any_pb2.Any()
    found.Pack(message)
    return found


def read_request(message: Any) -> Request:
    """What an Envoy says (`DeltaDiscoveryRequest`)."""
    return Request(
        message.type_url,
        tuple(message.resource_names_subscribe),
        tuple(message.resource_names_unsubscribe),
        dict(message.initial_resource_versions),
        message.response_nonce,
        message.error_detail.message if message.HasField("error_detail") else None,
    )


def write_update(update: Update) -> Any:
    """What an Envoy is told (`DeltaDiscoveryResponse`)."""
    return discovery_pb2.DeltaDiscoveryResponse(
        type_url=update.kind,
        nonce=update.nonce,
        removed_resources=update.removed,
        resources=[
            discovery_pb2.Resource(name=name, version=one.version, resource=packed(update.kind, one))
            for name, one in update.resources.items()
        ],
    )


def check_resources(resources: Resources) -> None:
    """Validates the form of all resources.

    Raises:
        ValueError: one does not have the form of its type.
    """
    for kind, found in resources.items():
        for one in found.values():
            packed(kind, one)
