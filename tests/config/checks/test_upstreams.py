from pathlib import Path

import pytest

from tests.config.example import problems


def upstream(servers: list[str], *more: str) -> list[str]:
    """The problems of an upstream: its servers from the third line on, then its other keys."""
    lines = ["upstreams:", "  o:", "    servers:", *(f"      - {{url: {url!r}}}" for url in servers)]
    return [
        line.partition(": ")[2] for line in problems("\n".join([*lines, *(f"    {key}" for key in more)]))
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a", "http://a"),
        ("http://a", "http://A:80/"),
        ("https://a/v1", "https://a:443/v1"),
        ("unix:/run/a", "unix:///run/a"),
    ],
)
def test_a_server_stands_once(one: str, other: str) -> None:
    assert upstream([one, other]) == [
        "upstreams.o.servers[1].url: this server stands here twice: give it a weight instead "
        "(the first is on line 4)"
    ]


def test_servers_have_the_same_path() -> None:
    assert upstream(["http://a/v1", "http://b/v1/", "http://c/v2", "unix:/run/d"]) == [
        f"upstreams.o.servers[{index}].url: must have the same path as the upstream's other servers "
        "(the first is on line 4)"
        for index in (2, 3)
    ]
    assert upstream(["http://a", "http://b:81/", "https://a", "unix:/run/d"]) == []


def test_the_files_of_tls_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "own.pem").touch()
    tls = f"tls: {{ca: {tmp_path}/ca.pem, certificate: {tmp_path}/own.pem, key: {tmp_path}}}"
    assert upstream(["https://a"], tls) == [
        "upstreams.o.tls.ca: there is no such file",
        "upstreams.o.tls.key: there is no such file",
    ]


def test_what_has_no_effect_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    file = tmp_path / "f"
    assert upstream(["http://a"], "hash_by: path") == [
        "upstreams.o.hash_by: has no effect, since balance is not hash"
    ]
    assert upstream(["http://a"], "tls: {}") == ["upstreams.o.tls: has no effect, since no server is https"]
    assert upstream(["https://a"], f"tls: {{key: {file}}}") == [
        "upstreams.o.tls.key: has no effect without a certificate"
    ]
    assert upstream(["https://a"], f"tls: {{ca: {file}, verify: false}}") == [
        "upstreams.o.tls.ca: has no effect, since verify is false"
    ]
    assert upstream(["https://a"], "balance: hash", "hash_by: 'header:X-Tenant'", "tls: {}") == []
