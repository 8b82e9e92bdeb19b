"""Token requests that clients send again and again, byte for byte, and what stands in them.

Only what was read is remembered, never what was decided: each request is authenticated, granted and counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.oauth.client_auth import BASIC, ClientProof
from gateway.oauth.form import Form
from gateway.proxy.simple_request import HeaderBlock, SimpleRequest
from gateway.runtime.caches import MIB, register

_KNOWN = register("token requests", __name__, entries=512, key_bytes=1024, total_bytes=6 * MIB)
_PLAIN = frozenset({"grant_type", "scope", "validity_period", "resource", "audience"})
"""Parameters that a client sends alike each time. None of them is a secret: those are not kept in memory."""


@dataclass(slots=True)
class KnownTokenRequest:
    """What stands in the bytes of a request."""

    block: HeaderBlock
    path: bytes
    form: Form
    proof: ClientProof


class KnownTokenRequests:
    """Requests by their bytes. The oldest make room."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, KnownTokenRequest] = OrderedDict()

    def get(self, data: bytes) -> KnownTokenRequest | None:
        """What stands in these bytes; None: they must be read."""
        return self._known.get(data)

    def put(self, data: bytes, request: SimpleRequest, form: Form, proof: ClientProof) -> None:
        """Notes what was read in `data`, if it may come again: to be called once it got its token."""
        if (
            len(data) > _KNOWN.key_bytes
            or request.query is not None
            or request.block.proofs
            or proof.method != BASIC
            or not form.single.keys() <= _PLAIN
        ):
            return
        if len(self._known) >= _KNOWN.entries:
            self._known.popitem(last=False)
        self._known[data] = KnownTokenRequest(request.block, request.path, form, proof)
