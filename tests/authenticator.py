"""A passkey authenticator and its browser, as Web Authentication has them; it can be told to misbehave."""

from __future__ import annotations

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """Makes one passkey, and signs with it."""

    origin: str
    """Whose page the browser shows."""
    counts: bool = True
    """Whether it counts its signatures."""
    flags: int = PRESENT | VERIFIED
    count: int = 0
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate(SECP256R1()))
    id: bytes = field(default_factory=lambda: token_bytes(32))
    user: bytes = b""
    frame: bool = False
    """Whether the page is in a frame of another site's."""

    def create(self, options: str, **changes: Any) -> str:
        """The answer to `navigator.credentials.create`. `changes`: members of the client's data."""
        asked = json.loads(options)
        self.user = to_bytes(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        x, y = (one.to_bytes(32, "big") for one in (numbers.x, numbers.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        data = self._data(asked["rp"]["id"], self.flags | ATTESTED) + attested
        response = {
            "clientDataJSON": to_text(self._client_data("webauthn.create", asked, changes)),
            "attestationObject": to_text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "nonsense"],
        }
        return self._answer(response)

    def get(self, options: str, *, user: bytes | None = None, **changes: Any) -> str:
        """The answer to `navigator.credentials.get`. `user`: another user handle."""
        asked = json.loads(options)
        self.count += self.counts
        data = self._data(asked["rpId"], self.flags)
        client = self._client_data("webauthn.get", asked, changes)
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": to_text(client),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
            "userHandle": to_text(self.user if user is None else user),
        }
        return self._answer(response)

    def _data(self, party: str, flags: int) -> bytes:
        return sha256(party.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def _client_data(self, kind: str, asked: dict[str, Any], changes: dict[str, Any]) -> bytes:
        members = {"type": kind, "challenge": asked["challenge"], "origin": self.origin}
        return json.dumps({**members, "crossOrigin": self.frame, **changes}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        known = to_text(self.id)
        return json.dumps({"id": known, "rawId": known, "type": "public-key", "response": response})
