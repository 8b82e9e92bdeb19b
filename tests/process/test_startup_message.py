"""The lines that people and scripts wait for."""

from pathlib import Path

import pytest

from gateway.config.model import Settings
from gateway.process.open_listeners import open_listeners
from gateway.process.startup_message import announce, ready_line
from tests.compiled import IN_THE_READY_LINE


def settings(**store: str) -> Settings:
    listen = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}]
    return Settings.model_validate({"server": {"listen": listen}, "management": {"port": 0}, "store": store})


def test_the_ready_line_has_the_addresses_as_they_are() -> None:
    wanted = settings()
    with open_listeners(wanted) as listeners:
        sockets = listeners.current
        plain, secure = (listener.address.port for listener in sockets.public)
        assert sockets.management is not None
        assert ready_line(sockets, 1, wanted) == (
            f"ready on http://127.0.0.1:{plain} https://127.0.0.1:{secure} "
            f"(1 worker, {IN_THE_READY_LINE}store embedded, management http://127.0.0.1:{sockets.management.address.port})"
        )


def test_it_never_shows_the_password_of_a_store() -> None:
    wanted = settings(url="redis://user:secret@localhost:6379/0")
    with open_listeners(wanted) as listeners:
        sockets = listeners.current
        line = ready_line(sockets, 2, wanted)
    assert f"(2 workers, {IN_THE_READY_LINE}store redis, " in line
    assert "secret" not in line


def test_an_announcement_is_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    announce(f"can't read {tmp_path}/a\nb\x1b[31m")
    assert capfd.readouterr().err == f"gatepost: can't read {tmp_path}/a\\nb\\x1b[31m\n"
