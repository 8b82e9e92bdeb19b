from pathlib import Path

import pytest

from tests.certificates import Certificate
from tests.config.example import problems, settings


def listen(*listeners: str) -> str:
    return f"management: false\nserver: {{listen: [{', '.join(listeners)}]}}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{port: 80}", "{port: 80, tls: auto}"),
        ("{port: 80}", "{port: 80, host: 127.0.0.1}"),
        ("{port: 80, host: localhost}", "{port: 80}"),
        ("{port: 80, host: '::1'}", "{port: 80, host: '::'}"),
        ("{port: 80, host: 10.0.0.1}", "{port: 80, host: 10.0.0.1}"),
    ],
)
def test_two_listeners_can_not_have_one_port(one: str, other: str) -> None:
    (found,) = problems(listen(one, other))
    assert "server.listen[1].port: another listener has this port (the first is on line 2)" in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{port: 80}", "{port: 81}"),
        ("{port: 80, host: 10.0.0.1}", "{port: 80, host: 10.0.0.2}"),
        ("{port: 80}", "{port: 80, host: '::'}"),
        ("{port: 80}", "{port: 80, host: '::1'}"),
        ("{port: 0}", "{port: 0}"),
    ],
)
def test_listeners_that_do_not_meet_are_fine(one: str, other: str) -> None:
    assert problems(listen(one, other)) == []


def test_management_needs_a_port_of_its_own() -> None:
    assert problems("server:\n  listen: [{port: 9280}]\n") == [
        "1:1: management.port: another listener has this port (the first is on line 2)"
    ]


def test_a_faulty_host_is_not_held_against_the_port() -> None:
    (found,) = problems(listen("{port: 80, host: 10.0.0.1}", "{port: 80, host: 10.0.0.2/8}"))
    assert "listen[1].host" in found


def test_the_files_of_tls_must_be_there(tmp_path: Path) -> None:
    Certificate().file(tmp_path, "cert")
    tls = f"{{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem, client_ca: {tmp_path}}}"
    found = problems(listen(f"{{port: 1, tls: {tls}}}"))
    assert [line.partition(": ")[2] for line in found] == [
        "server.listen[0].tls.key: there is no such file",
        "server.listen[0].tls.client_ca: there is no such file",
    ]


def test_a_key_must_be_that_of_its_certificate(tmp_path: Path) -> None:
    one, other = Certificate().file(tmp_path, "one"), Certificate().file(tmp_path, "other")
    pairs = ", ".join(f"{{certificate: {one}, key: {key}}}" for key in (one, other))
    found = problems(listen(f"{{port: 1, tls: [{pairs}]}}"))
    assert [line.partition(": ")[2] for line in found] == [
        f"server.listen[0].tls[1].key: is not the key of {one}"
    ]


@pytest.mark.parametrize("key", ["certificate", "key", "client_ca"])
def test_files_must_be_pem_of_what_they_are_named(tmp_path: Path, key: str) -> None:
    good = Certificate().file(tmp_path, "good")
    half = tmp_path / "half.pem"
    half.write_bytes(good.read_bytes()[:200])
    tls = {"certificate": good, "key": good, "client_ca": good} | {key: half}
    given = ", ".join(f"{name}: {file}" for name, file in tls.items())
    (found,) = problems(listen(f"{{port: 1, tls: {{{given}}}}}"))
    assert f": server.listen[0].tls.{key}: " in found


def test_a_list_of_certificates_is_not_empty() -> None:
    (found,) = problems(listen("{port: 1, tls: []}"))
    assert "server.listen[0].tls: " in found


def test_a_unix_socket_is_for_one_listener_and_takes_no_port() -> None:
    (found,) = problems(listen("{unix: a.sock}", "{unix: ./a.sock}"))
    assert "server.listen[1].unix: another listener has this path (the first is on line 2)" in found
    (found,) = problems(listen("{unix: a.sock, port: 80}"))
    assert "server.listen[0].port: can't be given together with unix" in found
    (found,) = problems(listen("{port: 80}", "{host: 127.0.0.1}"))
    assert "server.listen[1].port: is missing" in found
    (found,) = problems(listen(f"{{unix: /tmp/{'a' * 110}}}"))
    assert "unix must be at most 107 bytes long" in found


@pytest.mark.parametrize("mode", ["660", "0660", '"0999"', '"rw"'])
def test_permissions_of_a_socket_are_text_in_octal(mode: str) -> None:
    (found,) = problems(listen(f"{{unix: a.sock, mode: {mode}}}"))
    assert 'server.listen[0].mode: must be permissions as text, such as "0660"' in found


@pytest.mark.parametrize(
    ("listener", "trusted", "text"),
    [
        ("{port: 80, proxy_protocol: true}", "[]", "server.trusted_proxies names no network"),
        ("{port: 80, proxy_protocol: true}", "['unix:']", "server.trusted_proxies names no network"),
        ("{unix: a, proxy_protocol: true}", "[10.0.0.0/8]", 'server.trusted_proxies lacks "unix:"'),
        ("{port: 80, proxy_protocol: true}", "[10.0.0.0/8]", None),
        ("{unix: a, proxy_protocol: true}", "['unix:']", None),
    ],
)
def test_the_proxy_protocol_needs_a_proxy(listener: str, trusted: str, text: str | None) -> None:
    found = problems(f"server: {{trusted_proxies: {trusted}, listen: [{listener}]}}")
    assert [line.rpartition("nobody may connect: ")[2] for line in found] == ([text] if text else [])


@pytest.mark.parametrize(
    ("keys", "port"),
    [
        ("listen: [{port: 1, redirect: https}, {port: 443, tls: auto}]", 443),
        ("listen: [{port: 1, redirect: https}, {port: 2, tls: auto}, {port: 8243, tls: auto}]", 8243),
        ("listen: [{port: 1, redirect: https}, {port: 2, tls: auto}], public_url: https://a", 443),
        ("listen: [{port: 1, redirect: https}, {port: 2, tls: auto}], public_url: http://a", 2),
        ("listen: [{port: 1}, {port: 2, tls: auto}]", None),
    ],
)
def test_a_redirect_leads_to_the_port_of_https(keys: str, port: int | None) -> None:
    assert settings(f"server: {{{keys}}}").server.redirect_port == port


def test_a_redirect_that_leads_nowhere_is_found() -> None:
    (found,) = problems(listen("{port: 1, redirect: https}", "{port: 0, tls: auto}"))
    assert "server.listen[0].redirect: leads nowhere" in found
    (found,) = problems(listen("{port: 1, redirect: https, tls: auto}"))
    assert "redirect: https is for listeners without tls" in found


def test_a_file_name_that_can_be_none_is_no_crash() -> None:
    found = problems(listen(f'{{port: 1, tls: {{certificate: {"a" * 5000}, key: "\\0"}}}}'))
    assert [line.rpartition(": ")[2] for line in found] == ["there is no such file"] * 2


def test_a_proxy_that_must_show_a_certificate_can_show_one() -> None:
    proxy = "forward_auth: {tls_client_auth: {san_dns: p.example}}"
    (found,) = problems(f"management: false\nserver: {{listen: [{{port: 80}}], {proxy}}}")
    assert found.endswith("tls_client_auth: no proxy can present a certificate: no listener has client_ca")
