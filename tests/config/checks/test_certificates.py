import json
from pathlib import Path

import pytest

from tests.certificates import Certificate
from tests.client_keys import signer
from tests.config.example import problems

WORDS = "has the CA certificate of client own, which could issue those of other clients"


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "keys.json").write_text(json.dumps(signer("ES256").jwks))
    file = tmp_path / "ca.pem"
    pair = Certificate().file(tmp_path, "pair")
    return f"""\
        server:
          listen: [{{port: 1, tls: {{certificate: {pair}, key: {pair}, client_ca: {file}}}}}]
        clients: [{{id: own, auth: [self_signed_tls_client_auth], jwks_file: {tmp_path}/keys.json}}]
        """


@pytest.mark.parametrize(("authority", "found"), [(True, 1), (False, 0)])
def test_a_clients_own_certificate_must_not_be_a_ca(
    text: str, tmp_path: Path, authority: bool, found: int
) -> None:
    own = Certificate("CN=own", key=signer("ES256").key, authority=authority)
    others = Certificate("CN=Clients", authority=True)
    (tmp_path / "ca.pem").write_bytes(others.pem + own.pem)
    told = problems(text)
    assert len(told) == found
    assert all(one.endswith(WORDS) and "client_ca" in one for one in told)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_reported_once(text: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    (found,) = problems(text)
    assert "server.listen[0].tls.client_ca: holds no usable CA certificate" in found
