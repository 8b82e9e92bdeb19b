"""Session tickets at the level of contexts. With real clients and workers: e2e/test_session_tickets.py."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.process import openssl
from gateway.process.certificates import Certificates
from gateway.process.session_tickets import KEY_PERIOD, TICKETS, prepare_tickets, ticket_keys
from gateway.process.tls import ServerTlsFiles
from tests.certificates import Certificate

SECRET = b"s" * 32
ONE, OTHER = Certificate(), Certificate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return ONE.file(tmp_path, "both")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def resumes(server: ssl.SSLContext, session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
    """One handshake in memory: whether it was a resumption, and the session that the client has then."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = _CLIENT.wrap_bio(to_client, to_server, session=session)
    served = server.wrap_bio(to_server, to_client, server_side=True)
    for turn in (client.do_handshake, served.do_handshake, client.do_handshake, served.do_handshake):
        _as_far_as_possible(turn)
    _as_far_as_possible(lambda: client.read(1))
    return bool(client.session_reused), client.session


_CLIENT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CLIENT.check_hostname, _CLIENT.verify_mode = False, ssl.CERT_NONE


def _as_far_as_possible(turn: Callable[[], object]) -> None:
    try:
        turn()
    except ssl.SSLWantReadError:
        return


def context_of(files: ServerTlsFiles, secret: bytes = SECRET, clock: Clock | None = None) -> ssl.SSLContext:
    """As a worker has it that has loaded the files by itself."""
    loaded = Certificates(clock or Clock(), secret)
    loaded.load(files)
    return loaded.get(files).context


def test_keys_differ_by_secret_content_and_day() -> None:
    keys = {
        ticket_keys(secret, content, now)
        for secret in (SECRET, b"t" * 32)
        for content in (b"a", b"b")
        for now in (0.0, KEY_PERIOD)
    }
    assert len(keys) == 8
    assert {len(each) for each in keys} == {80}
    assert ticket_keys(SECRET, b"a", 0.0) == ticket_keys(SECRET, b"a", KEY_PERIOD - 1)


def test_contexts_of_the_same_files_take_each_others_tickets(file: Path) -> None:
    files = ServerTlsFiles(file, file)
    reused, session = resumes(context_of(files), None)
    assert not reused
    assert resumes(context_of(files), session)[0]
    assert not resumes(context_of(files, b"another process"), session)[0]


def test_other_content_other_keys(file: Path, tmp_path: Path) -> None:
    """As after a renewal, or on a listener that trusts another CA for client certificates."""
    _, session = resumes(context_of(ServerTlsFiles(file, file)), None)
    authority = OTHER.file(tmp_path, "cert")
    assert not resumes(context_of(ServerTlsFiles(file, file, authority)), session)[0]
    file.write_bytes(OTHER.file(tmp_path, "both").read_bytes())
    assert not resumes(context_of(ServerTlsFiles(file, file)), session)[0]


def test_keys_change_every_day_and_open_connections_keep_their_context(file: Path) -> None:
    clock, files = Clock(), ServerTlsFiles(file, file)
    certificates = Certificates(clock, SECRET)
    certificates.load(files)
    certificates.watch([files])
    first = certificates.get(files).context
    _, session = resumes(first, None)
    certificates.refresh()
    assert certificates.get(files).context is first
    clock.now += KEY_PERIOD
    certificates.refresh()
    second = certificates.get(files).context
    assert second is not first
    assert not resumes(second, session)[0]
    assert resumes(first, session)[0]


def test_a_full_handshake_leaves_one_ticket(file: Path) -> None:
    assert context_of(ServerTlsFiles(file, file)).num_tickets == TICKETS == 1


def test_tickets_for_client_certificates_live_five_minutes(file: Path) -> None:
    plain, asking = context_of(ServerTlsFiles(file, file)), context_of(ServerTlsFiles(file, file, file))
    hints = []
    for context in (plain, asking):
        session = resumes(context, None)[1]
        assert session is not None
        hints.append(session.ticket_lifetime_hint)
    assert hints == [7200, 300]


def test_without_openssl_no_ticket_stands_for_a_client_certificate(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssl, "library_of_ssl", lambda: None)
    asking, plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for context in (asking, plain):
        context.load_cert_chain(file)
    prepare_tickets(asking, b"k" * 80, client_certificates=True)
    prepare_tickets(plain, b"k" * 80, client_certificates=False)
    assert not resumes(asking, resumes(asking, None)[1])[0]
    assert resumes(plain, resumes(plain, None)[1])[0]
