"""The certificate of `tls: auto` is made once, and again only where it must be."""

import os
import ssl
import stat
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.process.auto_certificate import auto_certificate
from gateway.process.self_signed import read

NOW = 1_800_000_000.0
DAY = 86_400.0


def made(state_dir: Path, host: str | None = "api.example.org", at: float = NOW) -> bytes:
    certificate, key = auto_certificate(state_dir, host, lambda: at)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    return certificate.read_bytes()


def test_it_names_the_public_host_and_this_machine(tmp_path: Path) -> None:
    names = read(made(tmp_path / "state", "API.example.org")).names
    assert names == {"api.example.org", "localhost", "127.0.0.1", "::1"}


def test_nobody_else_may_read_the_key_or_its_directory(tmp_path: Path) -> None:
    made(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state" / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_the_next_start_keeps_it(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path, at=NOW + DAY)


def test_another_host_needs_another_one(tmp_path: Path) -> None:
    assert made(tmp_path) != made(tmp_path, "other.example.org")


def test_it_is_replaced_before_it_ends(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path, at=NOW + 330 * DAY) == first
    assert made(tmp_path, at=NOW + 340 * DAY) != first


@pytest.mark.parametrize("name", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_damaged_files_are_made_anew(tmp_path: Path, name: str, content: bytes) -> None:
    made(tmp_path)
    (tmp_path / name).write_bytes(content)
    made(tmp_path)


def test_a_key_of_another_certificate_is_noticed(tmp_path: Path) -> None:
    made(tmp_path / "one")
    first = made(tmp_path / "two")
    (tmp_path / "one" / "key.pem").rename(tmp_path / "two" / "key.pem")
    assert made(tmp_path / "two") != first


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    made(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["certificate.pem", "key.pem"]


def test_a_directory_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"can't keep a certificate in .*file/state"):
        made(tmp_path / "file" / "state")
