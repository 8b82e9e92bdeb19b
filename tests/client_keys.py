"""Client keys and JWTs, implemented independently of the gateway's code."""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PSS = padding.PSS(padding.MGF1(SHA256()), 32)


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def whole(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Signer:
    """A private key for one algorithm."""

    def __init__(self, algorithm: str, kid: str | None = None, bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.kid = kid
        if algorithm in ("RS256", "PS256"):
            self.key: Any = rsa.generate_private_key(65537, bits)
            numbers = self.key.public_key().public_numbers()
            self.members = {"kty": "RSA", "n": whole(numbers.n), "e": whole(numbers.e)}
        elif algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            point = self.key.public_key().public_numbers()
            x, y = b64(point.x.to_bytes(32, "big")), b64(point.y.to_bytes(32, "big"))
            self.members = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()
            self.members = {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": b64(self.key.public_key().public_bytes_raw()),
            }

    @property
    def jwk(self) -> dict[str, Any]:
        return self.members | ({"kid": self.kid} if self.kid else {})

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk]}

    @property
    def jkt(self) -> str:
        """RFC 7638."""
        text = json.dumps(self.members, sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(text.encode()).digest())

    def sign(self, header: dict[str, Any], claims: Any) -> str:
        """A JWT; `alg` defaults to that of the key."""
        header = {"alg": self.algorithm, **header}
        body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        message = f"{b64(json.dumps(header).encode())}.{b64(body)}"
        return f"{message}.{b64(self.signature(message.encode()))}"

    def signature(self, message: bytes) -> bytes:
        if self.algorithm == "RS256":
            return bytes(self.key.sign(message, padding.PKCS1v15(), SHA256()))
        if self.algorithm == "PS256":
            return bytes(self.key.sign(message, PSS, SHA256()))
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return bytes(self.key.sign(message))

    def assertion(
        self, client: str, audience: Any, now: float, header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """A client assertion (RFC 7523). A claim set to None is omitted."""
        claims = {
            "iss": client,
            "sub": client,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + 60,
            "jti": uuid.uuid4().hex,
            **changes,
        }
        kid = {"kid": self.kid} if self.kid else {}
        return self.sign({**kid, **(header or {})}, without_none(claims))

    def proof(
        self,
        method: str,
        uri: str,
        now: float,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A DPoP proof (RFC 9449). A claim set to None is omitted."""
        claims = {"htm": method, "htu": uri, "iat": int(now), "jti": uuid.uuid4().hex}
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "jwk": self.members, **(header or {})}
        return self.sign(head, without_none({**claims, **changes}))


def without_none(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}


@cache
def signer(algorithm: str, number: int = 0) -> Signer:
    """A key shared by all tests, since generating RSA keys is slow."""
    return Signer(algorithm)
