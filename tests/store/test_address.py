import ssl
from pathlib import Path

import pytest
import trustme

from gateway.errors import StartError
from gateway.store.address import StoreAddress, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", StoreAddress()),
        ("redis://localhost", StoreAddress()),
        ("redis://cache.example:6380/3", StoreAddress(host="cache.example", port=6380, db=3)),
        ("redis://cache?db=4", StoreAddress(host="cache", db=4)),
        ("redis://[::1]:7000", StoreAddress(host="::1", port=7000)),
        ("redis://:p%40ss@cache", StoreAddress(host="cache", password="p@ss")),
        ("redis://user:pa%2Fss@cache/1", StoreAddress(host="cache", db=1, username="user", password="pa/ss")),
        ("unix:///run/valkey.sock", StoreAddress(path="/run/valkey.sock")),
        ("unix:///run/a%20b?db=2", StoreAddress(path="/run/a b", db=2)),
        ("unix://user:pw@/run/s", StoreAddress(path="/run/s", username="user", password="pw")),
        ("rediss://cache", StoreAddress(host="cache", tls=True)),
        (
            "rediss://cache?ssl_ca_certs=ca.pem&ssl_certfile=c.pem&ssl_keyfile=k.pem",
            StoreAddress(host="cache", tls=True, ca_certs="ca.pem", certfile="c.pem", keyfile="k.pem"),
        ),
        ("redis://cache/?db=5&db=6", StoreAddress(host="cache", db=5)),
        ("redis://cache:0/7/", StoreAddress(host="cache", db=7)),
        (
            "rediss://cache?ssl_check_hostname=False",
            StoreAddress(host="cache", tls=True, check_hostname=False),
        ),
        ("rediss://cache?ssl_check_hostname=yes", StoreAddress(host="cache", tls=True)),
        ("rediss://cache?ssl_cert_reqs=none", StoreAddress(host="cache", tls=True, verify=False)),
        ("rediss://cache?ssl_check_hostname=no", StoreAddress(host="cache", tls=True, check_hostname=False)),
        ("valkey://cache/2", StoreAddress(host="cache", db=2)),
        ("valkeys://cache:6380", StoreAddress(host="cache", port=6380, tls=True)),
        ("redis://a,b:6380,[::1]:7/3", StoreAddress(host="a", others=(("b", 6380), ("::1", 7)), db=3)),
        (
            "redis+sentinel://user:p%40,ss@s1:26379,s2/my%20primary/4",
            StoreAddress(
                host="s1",
                port=26379,
                others=(("s2", 26379),),
                topology="sentinel",
                service="my primary",
                db=4,
                username="user",
                password="p@,ss",
            ),
        ),
        (
            "valkeys+sentinel://s1/main",
            StoreAddress(host="s1", port=26379, topology="sentinel", service="main", tls=True),
        ),
        (
            "rediss+cluster://:pw@n1:7000,n2?ssl_ca_certs=ca.pem",
            StoreAddress(
                host="n1",
                port=7000,
                others=(("n2", 6379),),
                topology="cluster",
                tls=True,
                password="pw",
                ca_certs="ca.pem",
            ),
        ),
    ],
)
def test_reads_every_form_of_address(url: str, address: StoreAddress) -> None:
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
        "redis://:hidden@a,b:port",
        "redis+sentinel://:hidden@a,b",
        "redis+sentinel://:hidden@a,b/main/x",
        "redis+cluster://:hidden@a/1",
        "redis+other://:hidden@a",
        "unix+cluster://:hidden@a",
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
            parse_address("redis+sentinel://user:hidden@a,b:1/main"),
            parse_address("rediss+cluster://user:hidden@a,b:1"),
        )
    ]

    assert [text.split()[0] for text in shown] == [
        "redis://[::1]:7000/1",
        "rediss://cache:6379/0",
        "unix:///run/s",
        "redis+sentinel://a:26379,b:1/main/0",
        "rediss+cluster://a:6379,b:1",
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
