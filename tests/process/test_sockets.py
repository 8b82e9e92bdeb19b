"""From the configuration to sockets and TLS."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import system_clock
from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.certificates import Certificates, TlsListener
from gateway.process.client_hello import UNREADABLE
from gateway.process.listeners import ListenSocket
from gateway.process.open_listeners import open_listeners
from gateway.process.sockets import ListenSockets


def settings(folder: Path, *listen: dict[str, Any], management: object = False) -> Settings:
    return Settings.model_validate(
        {
            "server": {
                "listen": [{"host": "127.0.0.1", "port": 0, **keys} for keys in listen],
                "state_dir": str(folder),
                "public_url": "https://api.example.org",
            },
            "management": management,
        }
    )


def with_tls(sockets: ListenSockets, wanted: Settings) -> list[tuple[ListenSocket, TlsListener | None]]:
    return sockets.with_tls(wanted, Certificates(system_clock), system_clock)


def test_every_address_is_open_and_closed_in_the_end(tmp_path: Path) -> None:
    wanted = settings(tmp_path, {}, {"tls": "auto"}, management={"port": 0})
    with open_listeners(wanted) as opened:
        sockets = opened.current
        assert [listener.address.tls for listener in sockets.public] == [False, True]
        assert sockets.management is not None
        assert sockets.all == [*sockets.public, sockets.management]
    assert all(each.fileno() == -1 for listener in sockets.all for each in listener.sockets)


def test_management_can_be_left_out(tmp_path: Path) -> None:
    with open_listeners(settings(tmp_path, {})) as opened:
        sockets = opened.current
        assert sockets.management is None
        assert sockets.all == sockets.public


def test_tls_is_where_it_is_asked_for(tmp_path: Path) -> None:
    wanted = settings(tmp_path, {}, {"tls": "auto"})
    with open_listeners(wanted) as opened:
        sockets = opened.current
        plain, secure = (tls for _, tls in with_tls(sockets, wanted))
    assert plain is None
    assert secure is not None
    assert isinstance(secure.context_for(UNREADABLE), ssl.SSLContext)
    assert (tmp_path / "certificate.pem").exists()


def test_own_files_are_used_and_named_where_they_do_not_serve(tmp_path: Path) -> None:
    files = {"certificate": str(tmp_path / "certificate.pem"), "key": str(tmp_path / "key.pem")}
    wanted = settings(tmp_path, {"tls": files})
    with open_listeners(wanted) as opened:
        sockets = opened.current
        with pytest.raises(StartError, match=r"can't read .*certificate\.pem"):
            with_tls(sockets, wanted)
        made = settings(tmp_path, {"tls": "auto"})
        with_tls(sockets, made)
        (own,) = (tls for _, tls in with_tls(sockets, wanted))
        assert own is not None
        assert isinstance(own.context_for(UNREADABLE), ssl.SSLContext)
