"""Certificates by ACME that could not be had are errors of `check`."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.acme import AcmeSettings
from tests.config.example import problems, settings

FORWARDED = "if that port is forwarded to a listener's, name the listener's as challenge_port"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda _: True)


def listen(*listeners: str) -> str:
    return f"management: false\nserver: {{listen: [{', '.join(listeners)}]}}"


def acme(keys: str = "domains: [a.example.org]", port: int = 443) -> str:
    return f"{{port: {port}, tls: {{acme: {{{keys}}}}}}}"


@pytest.mark.parametrize(
    "listeners",
    [
        ("{port: 80}", acme()),
        ("{port: 80, redirect: https}", acme()),
        ("{port: 8080}", acme("domains: [a.example.org], challenge_port: 8080", 8443)),
        (acme("domains: [a.example.org], challenge: tls-alpn-01"),),
        (acme("domains: [a.example.org], challenge: tls-alpn-01, challenge_port: 8443", 8443),),
        ("{port: 80}", "{port: 443, tls: [{acme: {domains: [a.test]}}, {acme: {domains: [b.test]}}]}"),
    ],
)
def test_challenges_that_arrive_are_fine(listeners: tuple[str, ...]) -> None:
    assert problems(listen(*listeners)) == []


@pytest.mark.parametrize(
    ("listeners", "found"),
    [
        (
            (acme(),),
            "server.listen[0].tls.acme.challenge: http-01 needs a listener without tls on port 80; "
            + FORWARDED,
        ),
        (
            ("{port: 80}", acme("domains: [a.example.org], challenge: tls-alpn-01", 8443)),
            "server.listen[1].tls.acme.challenge: tls-alpn-01 needs a listener with this certificate on port"
            " 443; " + FORWARDED,
        ),
        (
            ("{port: 8080}", acme("domains: [a.example.org], challenge_port: 81")),
            "server.listen[1].tls.acme.challenge_port: http-01 needs a listener without tls on port 81; "
            + FORWARDED,
        ),
        (
            ("{port: 80}", acme("domains: ['*.example.org']")),
            "server.listen[1].tls.acme.domains[0]: can't be a wildcard: http-01 and tls-alpn-01 prove"
            " single names only",
        ),
        (
            ("{port: 80}", acme(), acme("domains: [a.example.org, b.example.org]", 444)),
            "server.listen[2].tls.acme.domains[0]: another certificate with other settings begins with this"
            " domain (the first is on line 2)",
        ),
        (
            ("{port: 80}", acme("domains: [a.example.org], ca: nowhere.pem")),
            "server.listen[1].tls.acme.ca: there is no such file",
        ),
        (
            ("{port: 80}", acme("domains: [a.example.org], directory: 'http://ca.example.org'")),
            "server.listen[1].tls.acme.directory: must be an https URL such as https://acme.example.org/directory",
        ),
        (
            ("{port: 80}", acme("domains: [192.0.2.1]")),
            "server.listen[1].tls.acme.domains[0]: must be a DNS name such as api.example.org",
        ),
        (
            ("{port: 80}", acme("domains: [a.test, A.test]")),
            "server.listen[1].tls.acme.domains: must name each domain once",
        ),
        (
            ("{port: 80}", acme("domains: [a.test], eab: {key_id: a, key: 'a b'}")),
            "server.listen[1].tls.acme.eab.key: must be in base64url: letters, digits, - and _",
        ),
        (
            ("{port: 80}", acme("domains: [a.test], email: nobody")),
            "server.listen[1].tls.acme.email: must be an e-mail address such as ops@example.org",
        ),
    ],
)
def test_what_can_not_work_is_named_with_its_line(listeners: tuple[str, ...], found: str) -> None:
    (line,) = problems(listen(*listeners))
    assert line.startswith("2:")
    assert line.partition(": ")[2] == found


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "acme")
    (line,) = problems(listen("{port: 80}", acme()))
    assert line.endswith("needs the extra acme, which isn't installed: pip install 'gatepost[acme]'")


def test_the_client_cas_of_such_a_certificate_are_checked_too(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("nothing")
    found = [
        problems(
            listen("{port: 80}", f"{{port: 1, tls: {{acme: {{domains: [a.test]}}, client_ca: {file}}}}}")
        )
        for file in (tmp_path / "none.pem", broken)
    ]
    assert "tls.client_ca: there is no such file" in found[0][0]
    assert "tls.client_ca: holds no usable CA certificate" in found[1][0]


def test_lets_encrypt_is_the_default() -> None:
    server = settings(listen("{port: 80}", acme())).server
    assert list(server.acme.values()) == [AcmeSettings.model_validate({"domains": ("a.example.org",)})]
    assert server.paths.acme_challenges
    assert "acme-v02.api.letsencrypt.org" in server.acme[1, "tls"].directory
