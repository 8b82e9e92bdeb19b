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
        "upstreams.o.servers[1].url: duplicate server: use weight instead (the first is on line 4)"
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


def test_what_has_no_effect_is_reported(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    file = tmp_path / "f"
    assert upstream(["http://a"], "hash_by: path") == [
        "upstreams.o.hash_by: has no effect: balance is not hash"
    ]
    assert upstream(["http://a"], "tls: {}") == ["upstreams.o.tls: has no effect, since no server is https"]
    assert upstream(["https://a"], f"tls: {{key: {file}}}") == [
        "upstreams.o.tls.key: has no effect without a certificate"
    ]
    assert upstream(["https://a"], f"tls: {{ca: {file}, verify: false}}") == [
        "upstreams.o.tls.ca: has no effect, since verify is false"
    ]
    assert upstream(["https://a"], "balance: hash", "hash_by: 'header:X-Tenant'", "tls: {}") == []


@pytest.mark.parametrize(
    ("health", "text"),
    [
        ("{port: 0}", "health.port: must be"),
        ("{expect: {status: [99]}}", "health.expect.status[0]: must be"),
        ("{expect: {status: 200}}", "health.expect.status: must be a list"),
        ("{expect: {body: ''}}", "health.expect.body: must"),
        ("{headers: {Host: a}}", "health.headers.Host: can't be used"),
        ("{host: 'a/b'}", "health.host: must be a host"),
        ("{expects: {}}", "health.expects: unknown key"),
    ],
)
def test_a_health_check_that_can_not_be_is_refused(health: str, text: str) -> None:
    (found,) = problems(f"upstreams: {{a: {{servers: [{{url: 'http://h'}}], health: {health}}}}}")
    assert f"upstreams.a.{text}" in found


def test_health_has_no_port_on_a_unix_socket() -> None:
    (found,) = problems("upstreams: {a: {servers: [{url: 'unix:/a'}], health: {port: 80}}}")
    assert "upstreams.a.health.port: can't be checked: a server is a Unix socket" in found


def test_the_value_of_a_health_header_is_never_shown() -> None:
    (found,) = problems(
        'upstreams: {a: {servers: [{url: "http://h"}], health: {headers: {X-A: "secret\\n"}}}}'
    )
    assert "upstreams.a.health.headers.X-A: must be printable ASCII" in found
    assert "secret" not in found


GRANT = "client_credentials: {token_url: 'https://id/token', client_id: g, client_secret: the-secret"


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        ("{}", "auth: must have exactly one of client_credentials, basic and header"),
        ("{basic: {user: a, password: b}, header: {name: X-A, value: c}}", "auth: must have exactly one"),
        ("{basic: {user: 'a:b', password: b}}", "auth.basic.user: must not have a colon"),
        ("{header: {name: X-Client-Id, value: c}}", "auth.header.name: can't be used"),
        ("{header: {name: Host, value: c}}", "auth.header.name: can't be used"),
        ('{header: {name: X-A, value: "the-secret\\n"}}', "auth.header.value: must be printable ASCII"),
        (f"{{{GRANT}, scope: 'a  b'}}}}", "auth.client_credentials.scope: must be one scope"),
        (
            "{client_credentials: {token_url: '/token', client_id: g, client_secret: s}}",
            "token_url: must be a URL",
        ),
        ("{client_credentials: {token_url: 'https://id/token', client_id: g}}", "client_secret"),
        ("{bearer: x}", "auth.bearer: unknown key"),
    ],
)
def test_credentials_for_upstreams_are_of_one_kind(auth: str, text: str) -> None:
    found = problems(f"upstreams: {{a: {{servers: [{{url: 'http://h'}}], auth: {auth}}}}}")
    assert len(found) == 1
    assert text in found[0]
    assert "the-secret" not in found[0]


@pytest.mark.parametrize(
    ("auth", "number"), [("basic: {user: a, password: b}", 1), ("header: {name: X-A, value: c}", 0)]
)
def test_the_clients_token_can_not_go_beside_credentials(auth: str, number: int) -> None:
    text = f"""\
        upstreams: {{a: {{servers: [{{url: 'http://h'}}], auth: {{{auth}}}}}}}
        routes: [{{path: /, upstream: a, forward_token: true}}]
        """
    found = problems(text)
    assert len(found) == number
    assert all("routes[0].forward_token: has no effect" in line for line in found)


@pytest.mark.parametrize(
    ("upstream", "text"),
    [
        ("{servers: [{url: 'srv+http://_http._tcp.a.test:80'}]}", "must not have a port"),
        ("{servers: [{url: 'srv://a'}]}", "must be a URL"),
        ("{servers: [{url: 'srv+ftp://a'}]}", "must be a URL"),
        (
            "{servers: [{url: 'srv+http://a'}], nameservers: [dns.test]}",
            "must be the IP address of a name server",
        ),
        ("{servers: [{url: 'srv+http://a'}], nameservers: ['10.0.0.1:x']}", "must be the IP address"),
        ("{servers: [{url: 'http://a'}], nameservers: [10.0.0.1]}", "nameservers: has no effect"),
        ("{servers: [{url: 'srv+http://a'}, {url: 'srv+http://A'}]}", "duplicate server"),
        ("{servers: [{url: 'srv+http://a'}], tls: {}}", "has no effect, since no server is https"),
    ],
)
def test_servers_from_srv_records_that_can_not_be_are_refused(upstream: str, text: str) -> None:
    (found,) = problems(f"upstreams: {{a: {upstream}}}")
    assert text in found


def test_servers_from_srv_records_may_stand_beside_others() -> None:
    text = "{servers: [{url: 'srv+https://_http._tcp.a.test/b'}, {url: 'https://h/b'}], tls: {}}"
    assert problems("upstreams: {a: {}}".replace("{}", text)) == []
