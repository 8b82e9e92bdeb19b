import ssl
from pathlib import Path

import pytest
import trustme

from gateway.errors import StartError
from gateway.store.address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", Address()),
        ("redis://localhost", Address()),
        ("redis://cache.example:6380/3", Address(host="cache.example", port=6380, db=3)),
        ("redis://cache?db=4", Address(host="cache", db=4)),
        ("redis://[::1]:7000", Address(host="::1", port=7000)),
        ("redis://:p%40ss@cache", Address(host="cache", password="p@ss")),
        ("redis://user:pa%2Fss@cache/1", Address(host="cache", db=1, username="user", password="pa/ss")),
        ("unix:///run/valkey.sock", Address(path="/run/valkey.sock")),
        ("unix:///run/a%20b?db=2", Address(path="/run/a b", db=2)),
        ("unix://user:pw@/run/s", Address(path="/run/s", username="user", password="pw")),
        ("rediss://cache", Address(host="cache", tls=True)),
        (
            "rediss://cache?ssl_ca_certs=ca.pem&ssl_certfile=c.pem&ssl_keyfile=k.pem",
            Address(host="cache", tls=True, ca_certs="ca.pem", certfile="c.pem", keyfile="k.pem"),
        ),
        ("redis://cache/?db=5&db=6", Address(host="cache", db=5)),
        ("redis://cache:0/7/", Address(host="cache", db=7)),
        ("rediss://cache?ssl_check_hostname=False", Address(host="cache", tls=True, check_hostname=False)),
        ("rediss://cache?ssl_check_hostname=yes", Address(host="cache", tls=True)),
        ("rediss://cache?ssl_cert_reqs=none", Address(host="cache", tls=True, verify=False)),
        ("rediss://cache?ssl_check_hostname=no", Address(host="cache", tls=True, check_hostname=False)),
    ],
)
def test_reads_every_form_of_address(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "embedded",
        "http://:hidden@cache",
        "redis://:hid/den@cache",
        "redis://:hid?den@cache",
        "redis://:hid#den@cache",
        "redis://user:hidden@cache:port",
        "redis://:hidden@cache:99999",
        "redis://:hidden@cache/name",
        "redis://:hidden@cache?db=x",
        "redis://:hidden@cache?socket_timeout=60",
        "rediss://:hidden@cache?ssl_cert_reqs=perhaps",
        "unix://:hidden@relative/path",
        "unix://:hidden@",
    ],
)
def test_refuses_what_is_no_address_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        parse_address(url)

    assert "hid" not in str(caught.value)
    assert "den" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_shows_itself_without_user_and_password() -> None:
    shown = [
        f"{address} {address!r}"
        for address in (
            parse_address("redis://user:hidden@[::1]:7000/1"),
            parse_address("rediss://:hidden@cache"),
            parse_address("unix://:hidden@/run/s"),
        )
    ]

    assert [text.split()[0] for text in shown] == [
        "redis://[::1]:7000/1",
        "rediss://cache:6379/0",
        "unix:///run/s",
    ]
    assert not any("hidden" in text for text in shown)


def test_tls_checks_the_server_unless_told_otherwise(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    strict = parse_address(f"rediss://cache?ssl_ca_certs={tmp_path}/ca.pem").ssl_context()
    lax = parse_address("rediss://cache?ssl_cert_reqs=none").ssl_context()

    assert strict is not None
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert lax is not None
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)
    assert parse_address("redis://cache").ssl_context() is None


def test_a_certificate_file_that_is_missing_is_an_error_at_start() -> None:
    with pytest.raises(StartError, match="No such file"):
        parse_address("rediss://cache?ssl_ca_certs=/nowhere/ca.pem").ssl_context()
