from pathlib import Path

import pytest

from tests.config.example import problems


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
    (tmp_path / "cert.pem").touch()
    tls = f"{{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem, client_ca: {tmp_path}}}"
    found = problems(listen(f"{{port: 1, tls: {tls}}}"))
    assert [line.partition(": ")[2] for line in found] == [
        "server.listen[0].tls.key: there is no such file",
        "server.listen[0].tls.client_ca: there is no such file",
    ]


def test_a_file_name_that_can_be_none_is_no_crash() -> None:
    found = problems(listen(f'{{port: 1, tls: {{certificate: {"a" * 5000}, key: "\\0"}}}}'))
    assert [line.rpartition(": ")[2] for line in found] == ["there is no such file"] * 2
