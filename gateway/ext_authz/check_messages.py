"""The messages of `envoy.service.auth.v3.Authorization`, read into plain values and made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from envoy.config.core.v3 import base_pb2
from envoy.service.auth.v3 import external_auth_pb2
from google.protobuf.message import DecodeError

from gateway.ext_authz.grpc_call import GrpcError
from gateway.http.exchange import Header, Headers, Response
from gateway.http.grpc_status import GrpcStatus, grpc_status
from gateway.http.header_changes import HeaderChanges

CHECK = b"/envoy.service.auth.v3.Authorization/Check"
_SET = base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
_ADD = base_pb2.HeaderValueOption.APPEND_IF_EXISTS_OR_ADD


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """The request that the proxy asks about, as it says."""

    method: str
    path: bytes
    """Path and query."""
    host: str
    scheme: str
    headers: tuple[Header, ...]
    address: str
    """The client's; empty: it has none."""
    certificate: bytes
    """The client's, in PEM, percent-encoded; empty: none."""


def read_check_request(message: bytes) -> CheckedRequest:
    """The request that is asked about.

    Raises:
        GrpcError: it is no CheckRequest.
    """
    try:
        attributes = external_auth_pb2.CheckRequest.FromString(message).attributes
    except DecodeError:
        raise GrpcError(GrpcStatus.INVALID_ARGUMENT, "The message is no CheckRequest.") from None
    http, source = attributes.request.http, attributes.source
    every = _headers(http)
    raw_path = [value for name, value in every if name == b":path"]
    return CheckedRequest(
        http.method,
        # What can't stand in a text of protobuf has been replaced in `path`.
        raw_path[0] if raw_path else http.path.encode(),
        http.host,
        http.scheme,
        tuple(item for item in every if not item[0].startswith(b":")),
        source.address.socket_address.address,
        source.certificate.encode(),
    )


def _headers(http: Any) -> list[Header]:
    """With `encode_raw_headers` they are in `header_map`, byte for byte; else as texts, joined by name."""
    if http.HasField("header_map"):
        return [
            (item.key.encode(), item.raw_value or item.value.encode()) for item in http.header_map.headers
        ]
    return [(name.encode(), value.encode()) for name, value in http.headers.items()]


def allowed(changes: HeaderChanges, added: Headers) -> bytes:
    """The answer that lets a request pass.

    Args:
        changes: of the request's headers.
        added: headers for the response to the client.
    """
    answer = external_auth_pb2.CheckResponse()
    answer.status.code = GrpcStatus.OK
    found = answer.ok_response
    found.headers_to_remove.extend(name.decode("latin-1") for name in changes.removed)
    _put(found.headers, ((name, value) for name, values in changes.set for value in values))
    _put(found.response_headers_to_add, added)
    return bytes(answer.SerializeToString())


def denied(answer: Response, added: Headers) -> bytes:
    """The answer that hands a response of the gateway's to the client. `added`: further headers of it."""
    message = external_auth_pb2.CheckResponse()
    message.status.code = grpc_status(answer.status)
    found = message.denied_response
    found.status.code = answer.status
    _put(found.headers, [*answer.headers, *added])
    found.body = answer.body.decode("utf-8", "replace")
    return bytes(message.SerializeToString())


def _put(options: Any, headers: Iterable[Header]) -> None:
    seen: set[bytes] = set()
    for name, value in headers:
        lower = name.lower()
        option = options.add(append_action=_ADD if lower in seen else _SET)
        # Envoy looks at `value` alone in answers, never at `raw_value`.
        option.header.key, option.header.value = name.decode("latin-1"), value.decode("utf-8", "replace")
        seen.add(lower)
