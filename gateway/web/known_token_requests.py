"""Token requests that clients send again and again, known by their bytes, and what stands in them.

A DPoP proof is another in each request: it is the one thing in which they may differ.

Only what was read is remembered, never what was decided: each request is authenticated, granted and counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.oauth.client_auth import BASIC, ClientProof
from gateway.oauth.form import Form
from gateway.proxy.request_cache import PROOF
from gateway.proxy.simple_request import HeaderBlock, SimpleRequest
from gateway.runtime.caches import MIB, register

_KNOWN = register("token requests", __name__, entries=512, key_bytes=1024, total_bytes=6 * MIB)
_PLAIN = frozenset({"grant_type", "scope", "validity_period", "resource", "audience"})
"""Parameters that a client sends alike each time. None of them is a secret: those are not kept in memory."""
_ANY = b"x"
"""Stands for the proof in the bytes that are remembered: each request has another."""


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

    def get(self, data: bytes, limits: RequestHeadLimits = DEFAULT_LIMITS) -> KnownTokenRequest | None:
        """What stands in these bytes; None: they must be read."""
        known = self._known.get(data)
        if known is not None:
            return known
        template, proof = _without_proof(data)
        known = self._known.get(template) if proof else None
        if known is None:
            return None
        block = known.block.with_proof(proof)
        # The limit holds for each request: it was not this proof that was read.
        if block.size > limits.head:
            return None
        return KnownTokenRequest(block, known.path, known.form, known.proof)

    def put(self, data: bytes, request: SimpleRequest, form: Form, proof: ClientProof) -> None:
        """Notes what was read in `data`, if it may come again: to be called once it got its token."""
        block = request.block
        if block.proofs:
            data, cut = _without_proof(data)
            if block.proofs != (cut,):
                return
            block = block.with_proof(_ANY)
        if (
            len(data) > _KNOWN.key_bytes
            or request.query is not None
            or proof.method != BASIC
            or not form.single.keys() <= _PLAIN
        ):
            return
        if len(self._known) >= _KNOWN.entries:
            self._known.popitem(last=False)
        self._known[data] = KnownTokenRequest(block, request.path, form, proof)


def _without_proof(data: bytes) -> tuple[bytes, bytes]:
    """The bytes with any proof in place of the one in their head, and that one; empty: there is none."""
    found = PROOF.search(data, 0, data.find(b"\r\n\r\n") + 2)
    if found is None:
        return data, b""
    start, end = found.span(1)
    return data[:start] + _ANY + data[end:], found[1]
