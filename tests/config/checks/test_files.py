"""Files that can't be used are reported with their lines, not when the gateway has half started."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.certificates import Certificate
from tests.config.example import problems

NO_CA = "holds no usable CA certificate"
ROUTE = "routes: [{path: /a, upstream: 'http://127.0.0.1:1', auth: none}]\n"

KEYS = {
    "issuers.x.jwks_file": (
        "issuers: {x: {issuer: 'https://x.example', audiences: [a], jwks_file: FILE}}",
        "can't be used: it is not JSON",
    ),
    "issuers.x.ca": ("issuers: {x: {issuer: 'https://x.example', audiences: [a], ca: FILE}}", NO_CA),
    "tokens.signing.keys[0]": (
        "tokens: {signing: {keys: [FILE]}}",
        "can't be used: it is no private key in PEM, or has a password",
    ),
    "clients[0].jwks_file": ("clients: [{id: a, jwks_file: FILE}]", "can't be used: it must be JSON"),
    "upstreams.o.tls.ca": ("upstreams: {o: {servers: [{url: 'https://o'}], tls: {ca: FILE}}}", NO_CA),
    "upstreams.o.tls.certificate": (
        "upstreams: {o: {servers: [{url: 'https://o'}], tls: {certificate: FILE}}}",
        "holds no complete PEM certificate",
    ),
    "upstreams.o.tls.key": (
        "upstreams: {o: {servers: [{url: 'https://o'}], tls: {certificate: OWN, key: FILE}}}",
        "can't be used with",
    ),
    "store.url": ("store: {url: 'rediss://h?ssl_ca_certs=FILE'}", f"ssl_ca_certs: {NO_CA}"),
    "server.listen[1].tls.acme.ca": (
        "server: {listen: [{port: 80}, {port: 443, tls: {acme: {domains: [a.example.org], ca: FILE}}}]}",
        NO_CA,
    ),
    "portal.oidc.ca": (
        "portal: {oidc: {issuer: 'https://id.example', client_id: a, client_secret: b, ca: FILE}}",
        NO_CA,
    ),
    "portal.notify.email.smtp.ca": (
        "portal: {notify: {email: {from: a@b.example, to: [a@b.example], smtp: {host: m.example, ca: FILE}}}"
        "}",
        NO_CA,
    ),
}


def found(key: str, file: Path, own: Path) -> list[str]:
    text = KEYS[key][0].replace("FILE", str(file)).replace("OWN", str(own))
    return [one for one in problems(text + "\n" + ROUTE) if f"{key}: " in one]


@pytest.mark.parametrize("key", KEYS)
def test_a_file_that_can_not_be_used_is_reported_with_its_line(key: str, tmp_path: Path) -> None:
    own = Certificate().file(tmp_path, "own.pem")
    garbage = tmp_path / "garbage"
    garbage.write_text("hello")
    (one,) = found(key, garbage, own)
    assert one.startswith("1:")
    assert KEYS[key][1] in one


@pytest.mark.parametrize("key", KEYS)
def test_what_is_missing_and_what_never_ends_is_no_file(key: str, tmp_path: Path) -> None:
    own = Certificate().file(tmp_path, "own.pem")
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe"):
        (one,) = found(key, tmp_path / name, own)
        assert one.endswith("there is no such file")


def test_files_that_can_be_used_pass(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Certificate("CN=ca", authority=True).pem)
    own = Certificate().file(tmp_path, "own.pem")
    for key in KEYS:
        if "ca" in key.rpartition(".")[2] or key == "store.url":
            assert found(key, ca if key != "upstreams.o.tls.certificate" else own, own) == []
    assert found("tokens.signing.keys[0]", own, own) == []
    assert found("upstreams.o.tls.key", own, own) == []
    other = Certificate().file(tmp_path, "other.pem")
    (wrong,) = found("upstreams.o.tls.key", other, own)
    assert "is not the key of" in wrong
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"keys": []}))
    (wrong,) = found("issuers.x.jwks_file", empty, own)
    assert wrong.endswith("has no key that signatures can be verified with")


def test_files_without_effect_are_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("hello")
    tls = f"tls: {{verify: false, ca: {tmp_path}/garbage, key: {tmp_path}/garbage}}"
    lines = problems(f"upstreams: {{o: {{servers: [{{url: 'https://o'}}], {tls}}}}}")
    assert len(lines) == 2
    assert all("has no effect" in line for line in lines)
