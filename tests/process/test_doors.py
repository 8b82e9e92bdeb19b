"""From the configuration to sockets and TLS."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import system_clock
from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.doors import open_doors


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


def test_every_address_is_open_and_closed_in_the_end(tmp_path: Path) -> None:
    wanted = settings(tmp_path, {}, {"tls": "auto"}, management={"port": 0})
    with open_doors(wanted) as doors:
        assert [listener.address.tls for listener in doors.public] == [False, True]
        assert doors.management is not None
        assert doors.all == [*doors.public, doors.management]
    assert all(each.fileno() == -1 for listener in doors.all for each in listener.sockets)


def test_management_can_be_left_out(tmp_path: Path) -> None:
    with open_doors(settings(tmp_path, {})) as doors:
        assert doors.management is None
        assert doors.all == doors.public


def test_tls_is_where_it_is_asked_for(tmp_path: Path) -> None:
    wanted = settings(tmp_path, {}, {"tls": "auto"})
    with open_doors(wanted) as doors:
        plain, secure = (context for _, context in doors.with_tls(wanted, system_clock))
    assert plain is None
    assert isinstance(secure, ssl.SSLContext)
    assert (tmp_path / "certificate.pem").exists()


def test_own_files_are_used_and_named_where_they_do_not_serve(tmp_path: Path) -> None:
    files = {"certificate": str(tmp_path / "certificate.pem"), "key": str(tmp_path / "key.pem")}
    wanted = settings(tmp_path, {"tls": files})
    with open_doors(wanted) as doors:
        with pytest.raises(StartError, match=r"can't read .*certificate\.pem"):
            doors.with_tls(wanted, system_clock)
        made = settings(tmp_path, {"tls": "auto"})
        doors.with_tls(made, system_clock)
        assert isinstance(doors.with_tls(wanted, system_clock)[0][1], ssl.SSLContext)
