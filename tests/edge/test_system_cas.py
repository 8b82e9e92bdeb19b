"""Where the edge finds the CAs that the system trusts."""

import ssl
from pathlib import Path

import pytest

from gateway.edge.system_cas import system_cas


def test_the_edge_trusts_the_file_of_openssl_else_the_first_known_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.touch()
    other.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert ssl.get_default_verify_paths().cafile == str(own)
    assert system_cas() == own
    monkeypatch.delenv("SSL_CERT_FILE")
    if ssl.get_default_verify_paths().cafile is None:
        assert system_cas([str(tmp_path / "none.pem"), str(other)]) == other
    assert system_cas([]).suffix in (".crt", ".pem")
