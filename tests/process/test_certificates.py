"""Certificates are taken over whole or not at all."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.clock import system_clock
from gateway.errors import StartError
from gateway.process.certificates import Certificates, LoadedCertificate, TlsListener
from gateway.process.client_hello import ClientHello
from gateway.process.tls import ServerTlsFiles
from tests.certificates import Certificate


def made(name: str, valid: tuple[int, int] = (-1, 1)) -> Certificate:
    return Certificate(names=(x509.DNSName(name),), valid=valid)


def write(files: ServerTlsFiles, certificate: Certificate, key: Certificate | None = None) -> None:
    pem = (key or certificate).key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for path, content in ((files.certificate, certificate.pem), (files.key, pem)):
        new = path.with_suffix(".new")
        new.write_bytes(content)
        os.replace(new, path)


@pytest.fixture
def files(tmp_path: Path) -> ServerTlsFiles:
    found = ServerTlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    write(found, made("old.example.org"))
    return found


@pytest.fixture
def certificates(files: ServerTlsFiles) -> Certificates:
    found = Certificates(system_clock)
    found.load(files)
    found.watch([files])
    return found


def look_twice(certificates: Certificates) -> None:
    certificates.refresh()
    certificates.refresh()


def names(loaded: LoadedCertificate) -> list[str]:
    return sorted(loaded.facts.names)


def rejected(certificates: Certificates) -> list[float]:
    return list(certificates.gauges()["certificate_rejected"].values())


def test_new_files_are_taken_over_when_two_looks_see_the_same(
    certificates: Certificates, files: ServerTlsFiles
) -> None:
    write(files, made("new.example.org"))
    certificates.refresh()
    assert names(certificates.get(files)) == ["old.example.org"]
    certificates.refresh()
    assert names(certificates.get(files)) == ["new.example.org"]
    assert certificates.gauges()["certificate_expiry"] == {
        (str(files.certificate),): certificates.get(files).facts.not_after
    }


def break_key(files: ServerTlsFiles) -> None:
    files.key.write_bytes(files.key.read_bytes()[:50])


def cut_chain(files: ServerTlsFiles) -> None:
    new = made("new.example.org")
    write(files, new)
    files.certificate.write_bytes(new.pem + made("ca").pem[:100])


def remove_certificate(files: ServerTlsFiles) -> None:
    files.certificate.unlink()


def other_key(files: ServerTlsFiles) -> None:
    write(files, made("new.example.org"), key=made("other"))


def expired(files: ServerTlsFiles) -> None:
    write(files, made("new.example.org", valid=(-5, -2)))


def not_yet_valid(files: ServerTlsFiles) -> None:
    write(files, made("new.example.org", valid=(2, 5)))


@pytest.mark.parametrize(
    "damage", [break_key, cut_chain, remove_certificate, other_key, expired, not_yet_valid]
)
def test_what_can_not_be_used_replaces_nothing_and_is_said_once(
    certificates: Certificates,
    files: ServerTlsFiles,
    damage: Callable[[ServerTlsFiles], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    used = certificates.get(files)
    damage(files)
    for _ in range(4):
        certificates.refresh()
    assert certificates.get(files) is used
    (line,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR)
    assert line.startswith("certificate not replaced: ")
    assert str(files.certificate.parent) in line
    assert rejected(certificates) == [1.0]
    write(files, made("new.example.org"))
    look_twice(certificates)
    assert names(certificates.get(files)) == ["new.example.org"]
    assert rejected(certificates) == [0.0]


def test_a_worker_that_starts_while_the_files_are_damaged_uses_what_was_there(
    certificates: Certificates, files: ServerTlsFiles
) -> None:
    used = certificates.get(files)
    break_key(files)
    certificates.load(files)
    assert certificates.get(files) is used


def test_the_first_start_needs_files_that_can_be_used(files: ServerTlsFiles) -> None:
    break_key(files)
    with pytest.raises(StartError, match=str(files.key)):
        Certificates(system_clock).load(files)


def test_an_expired_certificate_is_better_than_none_and_gives_way(
    files: ServerTlsFiles, caplog: pytest.LogCaptureFixture
) -> None:
    write(files, made("old.example.org", valid=(-5, -3)))
    certificates = Certificates(system_clock)
    certificates.load(files)
    certificates.watch([files])
    assert "expired at" in caplog.text
    write(files, made("new.example.org", valid=(-4, -2)))
    look_twice(certificates)
    assert names(certificates.get(files)) == ["new.example.org"]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("b.example.org", 1),
        ("x.example.org", 2),
        ("x.y.example.org", 0),
        ("example.org", 0),
        ("", 0),
        ("nowhere", 0),
    ],
)
def test_an_exact_name_wins_over_a_wildcard_and_the_first_is_the_default(
    tmp_path: Path, asked: str, served: int
) -> None:
    certificates, all_files = Certificates(system_clock), []
    for name in ("a.example.org", "b.example.org", "*.example.org"):
        folder = tmp_path / name.replace("*", "any")
        folder.mkdir()
        one = ServerTlsFiles(folder / "cert.pem", folder / "key.pem")
        write(one, made(name))
        certificates.load(one)
        all_files.append(one)
    listener = TlsListener(certificates, tuple(all_files))
    assert listener.needs_client_hello
    assert listener.context_for(ClientHello(asked)) is certificates.get(all_files[served]).context
