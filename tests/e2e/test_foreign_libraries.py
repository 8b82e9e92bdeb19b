"""Client libraries of other makers, unmodified: Microsoft's msal and Go's x/oauth2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.client_keys import signer
from tests.conftest import Valkey
from tests.raw import raw_upstream
from tests.standards.caller import ISSUER, Caller, served, standard_config

PUBLIC = f"{ISSUER}/tenant"
"""msal demands a path. What serves it is a gateway behind a proxy's prefix."""
CLUSTER = "https://kubernetes.default.svc.cluster.local"
SUBJECT = "system:serviceaccount:shop:orders"
SECRET = "a b+c%d/é:&="
GO = Path(__file__).parent / "go" / "main.go"
CACHE = Path(__file__).parents[2] / ".venv" / "go"
"""What is compiled once for all runs."""
PACKAGES = Path("/usr/share/gocode")
"""Where Debian has libraries of Go (golang-golang-x-oauth2-dev)."""


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("libraries")
    (folder / "cluster.json").write_text(
        json.dumps({"keys": [{**signer("RS256", 1).members, "kid": "cluster-1", "use": "sig"}]})
    )
    with raw_upstream() as upstream:
        config = standard_config(folder, upstream.url, store={"url": valkey.url, "prefix": "libraries:"})
        cluster = {"preset": "kubernetes", "issuer": CLUSTER, "jwks_file": "cluster.json"}
        config["issuers"] = {"cluster": cluster}
        config["clients"] += [
            {"id": "go", "secrets": [SECRET], "scopes": ["orders.read"]},
            {
                "id": "msal",
                "jwks": {"keys": [signer("RS256", 5).members]},
                "assertion_audience": ["token_endpoint"],
                "scopes": ["orders.read"],
            },
            {"id": "pod", "scopes": ["orders.read"], "trust": [{"issuer": "cluster", "subject": SUBJECT}]},
        ]
        config["server"]["public_url"] = PUBLIC
        with served(config, folder) as asked:
            yield asked


class ToTheGateway(requests.Session):
    """A proxy: msal demands https, and what is for the issuer goes to the gateway's plain listener."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self.trust_env = False
        self._server = server

    def request(self, method: str | bytes, url: str | bytes, *more: Any, **options: Any) -> requests.Response:
        return super().request(method, str(url).replace(PUBLIC, self._server), *more, **options)


def acquired(caller: Caller, client_id: str, credential: Any) -> dict[str, Any]:
    """What msal gets with a credential."""
    msal = pytest.importorskip("msal", reason="msal is not installed")
    with ToTheGateway(caller.running.http) as session:
        app = msal.ConfidentialClientApplication(
            client_id, credential, oidc_authority=PUBLIC, http_client=session
        )
        return dict(app.acquire_token_for_client(scopes=["orders.read"]))


def certificate() -> tuple[str, str]:
    """A private key, and the certificate that msal knows it by."""
    key = signer("RS256", 5).key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "msal")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, made.public_bytes(Encoding.PEM).decode()


def test_msal_signs_who_it_is_by_its_certificate(caller: Caller) -> None:
    private, public = certificate()
    thumbprint = x509.load_pem_x509_certificate(public.encode()).fingerprint(SHA1()).hex()  # noqa: S303 (msal's name for it)
    for credential in (
        {"private_key": private, "public_certificate": public},
        {"private_key": private, "thumbprint": thumbprint},
    ):
        found = acquired(caller, "msal", credential)
        assert found.get("token_type") == "Bearer", found
        assert caller.get("/orders", found["access_token"]).status == 200


def test_msal_shows_the_token_of_its_pod_as_azure_identity_does(caller: Caller) -> None:
    now = int(time.time())
    claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": [PUBLIC], "iat": now, "nbf": now, "exp": now + 600}
    claims["jti"] = str(uuid.uuid4())
    key, header = signer("RS256", 1).key, {"kid": "cluster-1", "typ": None}
    token = pyjwt.encode(claims, key, "RS256", header)
    found = acquired(caller, "pod", {"client_assertion": lambda: token})
    assert found.get("token_type") == "Bearer", found
    assert caller.get("/orders", found["access_token"]).status == 200
    other = pyjwt.encode({**claims, "sub": SUBJECT + "x"}, key, "RS256", header)
    assert acquired(caller, "pod", {"client_assertion": lambda: other})["error"] == "invalid_client"


def test_msal_shows_a_secret(caller: Caller) -> None:
    found = acquired(caller, "go", SECRET)
    assert found.get("token_type") == "Bearer", found
    assert acquired(caller, "go", "wrong")["error"] == "invalid_client"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None or not (PACKAGES / "src/golang.org/x/oauth2").is_dir():
        pytest.skip("Go or its x/oauth2 is not here; scripts/test-programs installs them")
    folder = tmp_path_factory.mktemp("go")
    environ = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(PACKAGES),
        "GOCACHE": str(CACHE),
        "GOFLAGS": "-p=2",
        "CGO_ENABLED": "0",
    }
    built = folder / "clients"
    command = ["go", "build", "-o", str(built), str(GO)]
    subprocess.run(command, env=environ, check=True, timeout=110, capture_output=True)
    return built


def test_x_oauth2_of_go_gets_tokens_and_calls_an_api(caller: Caller, program: Path) -> None:
    server = caller.running.http
    ways = [{"Style": style, "Secret": SECRET, "Scopes": ["orders.read"]} for style in (0, 1, 2)]
    ways += [{"Secret": "wrong"}, {"Secret": SECRET, "Scopes": ["orders.write"]}]
    given = "\n".join(json.dumps({"Server": server, "ID": "go", **way}) for way in ways)
    done = subprocess.run([program], input=given, capture_output=True, text=True, timeout=60, check=True)
    *good, wrong, scope = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["Type"], one["Status"]) for one in good] == [("Bearer", 200)] * 3, good
    assert (wrong["Status"], json.loads(wrong["Error"])["error"]) == (401, "invalid_client")
    assert (scope["Status"], json.loads(scope["Error"])["error"]) == (400, "invalid_scope")
