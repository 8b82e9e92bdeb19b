"""Asks a gateway as clients do that prove who they are by keys and certificates."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import trustme

from tests.certificates import Certificate
from tests.client_keys import ASSERTION_TYPE, Signer, b64
from tests.running import Running
from tests.standards.caller import FORM, ISSUER, Reply, basic, client

PROXY = "127.0.0.2"
"""The address that the gateway trusts; callers come from 127.0.0.1."""
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class Keys:
    """All keys and certificates of the tests' clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signers = {name: Signer(name, kid=name.lower()) for name in ALGORITHMS}
        self.servers = trustme.CA()
        self.authority = Certificate("CN=Clients", authority=True)
        self.shop = Certificate("CN=shop,O=Example", issuer=self.authority)
        self.other = Certificate("CN=other,O=Example", issuer=self.authority)
        self.own = Certificate("CN=own")
        self.stranger = Certificate("CN=shop,O=Example")
        self.impostor = Certificate("CN=shop,O=Example")
        """Self-signed, and let in by TLS."""
        self.own_key = Signer("ES256")
        self.own_key.key = self.own.key
        point = self.own.key.public_key().public_numbers()
        self.own_jwks = {"keys": [ec_jwk(point.x, point.y)]}

    def tls(self, certificate: Certificate | None = None) -> ssl.SSLContext:
        """A client's TLS, with its certificate if it has one."""
        context = ssl.create_default_context()
        context.check_hostname = False
        self.servers.configure_trust(context)
        if certificate is not None:
            context.load_cert_chain(certificate.file(self.folder, "client"))
        return context

    def config(self, upstream: str, store: dict[str, str], **changes: Any) -> dict[str, Any]:
        """A gateway for all these clients."""
        return {
            "server": {
                "listen": [
                    {"host": "127.0.0.1", "port": 0},
                    {"host": "127.0.0.1", "port": 0, "tls": self._files()},
                ],
                "public_url": ISSUER,
                "state_dir": str(self.folder / "state"),
                "trusted_proxies": [PROXY],
                "workers": 2,
            },
            "management": False,
            "logging": {"format": "text", "access": False},
            "store": store,
            "clients": [
                client("secret"),
                client("post", auth=["client_secret_post"]),
                {"id": "keys", "jwks": {"keys": [one.jwk for one in self.signers.values()]}},
                {"id": "file", "jwks_file": str(self._jwks_file()), "scopes": ["a"]},
                {"id": "subject", "tls_client_auth": {"subject_dn": "CN=shop,O=Example"}},
                {"id": "own", "auth": ["self_signed_tls_client_auth"], "jwks": self.own_jwks},
                client("mtls", require_mtls=True),
                client("dpop", require_dpop=True),
                client("both", require_mtls=True, require_dpop=True),
                client("jwt", format="jwt"),
                client("jwt-mtls", format="jwt", require_mtls=True),
            ],
            "routes": [
                {"path": "/any", "upstream": upstream},
                {"path": "/api", "upstream": upstream, "host": "api.example.test"},
                {"path": "/each", "upstream": upstream, "host": "*.example.test"},
                {"path": "/open", "upstream": upstream, "auth": "none"},
                {"path": "/passed", "upstream": upstream, "forward_token": True},
            ],
            **changes,
        }

    def _files(self) -> dict[str, str]:
        certificate = self.servers.issue_cert("localhost", "127.0.0.1")
        chain, key, ca = (self.folder / name for name in ("chain.pem", "key.pem", "ca.pem"))
        chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        key.write_bytes(certificate.private_key_pem.bytes())
        ca.write_bytes(self.authority.pem + self.own.pem + self.impostor.pem)
        return {"certificate": str(chain), "key": str(key), "client_ca": str(ca)}

    def _jwks_file(self) -> Path:
        file = self.folder / "keys.json"
        file.write_text(json.dumps(self.signers["ES256"].jwks))
        return file


def ec_jwk(x: int, y: int) -> dict[str, str]:
    return {"kty": "EC", "crv": "P-256", "x": b64(x.to_bytes(32, "big")), "y": b64(y.to_bytes(32, "big"))}


@dataclass(frozen=True)
class Prover:
    """Asks a running gateway."""

    running: Running
    keys: Keys

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
    ) -> Reply:
        """One request over a connection of its own; over TLS where a context is given."""
        netloc = urlsplit(self.running.https if tls else self.running.http).netloc
        connection = (
            http.client.HTTPSConnection(netloc, timeout=10, context=tls, source_address=(source, 0))
            if tls
            else http.client.HTTPConnection(netloc, timeout=10, source_address=(source, 0))
        )
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(
        self, path: str, form: dict[str, str], headers: dict[str, str] | None = None, **how: Any
    ) -> Reply:
        """A form of a client's."""
        return self.ask(
            "POST", path, {"Content-Type": FORM, **(headers or {})}, urlencode(form).encode(), **how
        )

    def token(
        self,
        by: str = "secret",
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        **how: Any,
    ) -> Reply:
        """Asks for a token with the client's secret."""
        wanted = {"grant_type": "client_credentials", **(form or {})}
        return self.post("/token", wanted, {**basic(by, f"{by}-secret"), **(headers or {})}, **how)

    def signed(
        self, assertion: str, path: str = "/token", headers: dict[str, str] | None = None, **form: str
    ) -> Reply:
        """Asks with an assertion."""
        fields = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE, **form}
        if path == "/token":
            fields["grant_type"] = "client_credentials"
        return self.post(path, fields, headers)

    def assertion(self, by: str = "keys", key: str = "ES256", **changes: Any) -> str:
        audience = changes.pop("aud", ISSUER)
        return self.keys.signers[key].assertion(by, audience, time.time(), **changes)

    def proof(
        self, method: str = "POST", path: str = "/token", token: str | None = None, **changes: Any
    ) -> str:
        uri = changes.pop("htu", ISSUER + path)
        return self.keys.signers["ES256"].proof(method, uri, time.time(), token, **changes)

    def bound(self, by: str = "dpop", **how: Any) -> str:
        """A token that is bound to the key of the proofs."""
        reply = self.token(by, {"DPoP": self.proof()}, **how)
        assert reply.status == 200, reply.body
        assert reply.json["token_type"] == "DPoP"
        return str(reply.json["access_token"])

    def use(self, token: str, path: str = "/any", scheme: str = "DPoP", **headers: str) -> Reply:
        """A request for a route with a token, and a proof unless `DPoP` says otherwise."""
        proof = {"DPoP": self.proof("GET", path, token)} if scheme == "DPoP" else {}
        sent = {"Authorization": f"{scheme} {token}", **proof, **headers}
        return self.ask("GET", path, {name: value for name, value in sent.items() if value})
