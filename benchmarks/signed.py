"""What clients and other issuers sign with ES256: assertions (RFC 7523), DPoP proofs (RFC 9449), and access tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT = "keys"
"""The client that authenticates with its key."""
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example.org"
LIFETIME = 600
_ASSERTION = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"


class Signer:
    """A key, and what it signs. Each text is another, by its `jti`."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._number = 0
        numbers = self._key.private_numbers()
        public = {"kty": "EC", "crv": "P-256",
                  "x": _number(numbers.public_numbers.x), "y": _number(numbers.public_numbers.y)}  # fmt: skip
        self.public: dict[str, Any] = {**public, "kid": "one", "use": "sig", "alg": "ES256"}
        """As a JWK."""
        self.private: dict[str, Any] = {**self.public, "d": _number(numbers.private_value)}
        self._bare = public

    def assertion_form(self, audience: str) -> str:
        """What `/token` is sent with a client assertion for this audience."""
        claims = {"iss": CLIENT, "sub": CLIENT, "aud": audience, **self._new()}
        signed = self._sign({"alg": "ES256", "kid": "one", "typ": "JWT"}, claims)
        return f"grant_type=client_credentials&client_id={CLIENT}&{_ASSERTION}&client_assertion={signed}"

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """A DPoP proof for a request, with the access token that comes along."""
        claims = {"htm": method, "htu": url, **self._new()}
        del claims["exp"]
        if token is not None:
            claims["ath"] = _encoded(hashlib.sha256(token.encode()).digest())
        return self._sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": self._bare}, claims)

    def access_token(self) -> str:
        """A JWT access token (RFC 9068) of another issuer."""
        claims = {"iss": ISSUER, "sub": "partner", "client_id": "partner", "aud": AUDIENCE,
                  "scope": "orders.read", **self._new()}  # fmt: skip
        return self._sign({"typ": "at+jwt", "alg": "ES256", "kid": "one"}, claims)

    def _new(self) -> dict[str, Any]:
        now = int(time.time())
        self._number += 1
        return {"iat": now, "exp": now + LIFETIME, "jti": f"{id(self):x}-{now}-{self._number}"}

    def _sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def write_lines(file: Path, lines: list[str]) -> Path:
    """A file with a line for each request."""
    file.write_text("\n".join(lines))
    return file


def _number(value: int) -> str:
    return _encoded(value.to_bytes(32, "big"))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
