"""The audit log in the local syslog: a real socket, and none."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gateway.assembly.audit import audit_keys, audit_log
from gateway.assembly.tokens import configured_keys
from gateway.audit import syslog as syslog_module
from gateway.audit.chain import broken
from tests.config.example import settings

CONFIG = "logging: {audit: syslog}\ntokens: {key: a-key-of-thirty-two-characters-and-more}\n"
MARK = "<14>gatepost audit: "
"""Facility user, severity informational (RFC 3164 section 4.1.1)."""


@contextmanager
def syslog(path: Path) -> Iterator[socket.socket]:
    """Listens as a syslog server does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(30)
        yield server
    path.unlink()


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Short: a socket's path has at most 107 bytes.
    with TemporaryDirectory() as folder:
        monkeypatch.setattr(syslog_module, "SOCKET", f"{folder}/log")
        yield Path(folder) / "log"


def received(server: socket.socket, count: int) -> list[bytes]:
    messages = [server.recv(65536).decode().rstrip("\0") for _ in range(count)]
    assert all(message.startswith(MARK) for message in messages), messages
    return [message.removeprefix(MARK).encode() for message in messages]


def test_a_real_syslog_socket_gets_each_entry_of_one_chain(path: Path) -> None:
    config = settings(CONFIG)
    with syslog(path) as server:
        log = audit_log(config)
        assert log is not None
        for number in range(3):
            log.record("cli:root", "client.update", str(number))
        log.stop()
        lines = received(server, 3)
    assert [json.loads(line)["target"] for line in lines] == ["0", "1", "2"]
    assert list(broken(lines, audit_keys(configured_keys(config)))) == []


def test_entries_are_lost_and_told_while_no_syslog_listens_and_the_next_one_arrives(
    path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = audit_log(settings(CONFIG))
    assert log is not None
    log.record("a", "b", "before")
    log.stop()
    assert log.lost == 1
    assert "an entry of the audit log is lost: No such file or directory" in caplog.messages
    with syslog(path) as server:
        log.record("a", "b", "first")
        log.stop()
        assert json.loads(received(server, 1)[0])["target"] == "first"
    log.record("a", "b", "between")
    log.stop()
    assert log.lost == 2
    with syslog(path) as server:
        log.record("a", "b", "second")
        log.stop()
        assert json.loads(received(server, 1)[0])["target"] == "second"
    assert "Traceback" not in capsys.readouterr().err
