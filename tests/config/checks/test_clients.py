from pathlib import Path

import pytest

from tests.config.example import problems


def test_an_id_stands_once() -> None:
    text = """\
        clients:
          - {id: a, secrets: [x]}
          - {id: b, secrets: [x]}
          - {id: a, secrets: [x], enabled: false}
        """
    assert problems(text) == ["4:10: clients[2].id: another client has this id (the first is on line 2)"]


def test_a_grant_must_be_listed_and_known() -> None:
    text = """\
        grants: {client_credentials: {enabled: false}}
        clients:
          - {id: a, secrets: [x], grants: [client_credentials, password, client_credential, other]}
        """
    assert problems(text) == [
        "3:56: clients[0].grants[1]: this grant is not listed under grants",
        "3:66: clients[0].grants[2]: there is no such grant (did you mean client_credentials?)",
        "3:85: clients[0].grants[3]: there is no such grant",
    ]


def test_a_listed_grant_may_have_a_name_of_its_own_and_be_faulty() -> None:
    text = """\
        grants: {legacy: {use: password}, password: {attempts: many}}
        clients: [{id: a, secrets: [x], grants: [legacy, password]}]
        """
    (found,) = problems(text)
    assert "grants.password.attempts" in found


def test_an_api_key_belongs_to_one_client() -> None:
    text = """\
        clients:
          - {id: a, secrets: [x], api_keys: [0123456789abcdef]}
          - {id: b, secrets: [x], api_keys: ["0123456789abcdef"]}
        """
    assert problems(text) == ["3:38: clients[1].api_keys[0]: duplicate API key (the first is on line 2)"]


def test_an_api_key_is_long() -> None:
    assert problems("clients: [{id: a, secrets: [x], api_keys: [short]}]") == [
        "1:44: clients[0].api_keys[0]: must have 16 to 256 characters, all of them printable ASCII without "
        "spaces"
    ]


KEY = "{keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}"
SEEN = "server: {trusted_proxies: [192.0.2.1]}\n"


def test_a_client_needs_something_to_prove_who_it_is() -> None:
    text = f"clients:\n  - {{id: a, jwks: {KEY}}}\n  - {{id: b, auth: [private_key_jwt]}}\n"
    assert problems(text) == [
        "3:5: clients[1].secrets: is missing, and so is every other credential: the client can't authenticate"
    ]


def test_a_way_of_authentication_needs_its_credential() -> None:
    methods = "[client_secret_post, tls_client_auth, private_key_jwt, self_signed_tls_client_auth]"
    text = f"{SEEN}clients:\n  - id: a\n    secrets: [x]\n    auth: {methods}\n"
    assert problems(text) == [
        "5:32: clients[0].auth[1]: needs the client's tls_client_auth",
        "5:49: clients[0].auth[2]: needs the client's jwks",
        "5:66: clients[0].auth[3]: needs the client's jwks",
    ]


def test_an_unknown_way_is_reported_with_those_there_are() -> None:
    (found,) = problems("clients: [{id: a, secrets: [x], auth: [private_key_jtw]}]")
    assert "(did you mean private_key_jwt?)" in found


def test_keys_stand_in_one_place() -> None:
    text = f"clients:\n  - id: a\n    jwks: {KEY}\n    jwks_file: a.json\n"
    assert problems(text) == [
        "4:16: clients[0].jwks_file: can't be given together with jwks (the first is on line 3)"
    ]
    assert problems("clients: [{id: a, jwks_file: a.json}]") == [
        "1:30: clients[0].jwks_file: there is no such file"
    ]


def test_only_public_keys_are_taken() -> None:
    (found,) = problems("clients: [{id: a, jwks: {keys: [{kty: oct, k: c2VjcmV0}]}}]")
    assert found.endswith("clients[0].jwks: keys[0] must be a public key: it has private members")
    (found,) = problems("clients: [{id: a, jwks: {keys: []}}]")
    assert "must have a key for one of" in found


def test_whose_certificate_it_is_is_said_once() -> None:
    for given in ("{}", "{san_dns: a.example, san_ip: 192.0.2.1}"):
        (found,) = problems(f"{SEEN}clients: [{{id: a, tls_client_auth: {given}}}]")
        assert "must have exactly one of subject_dn" in found
    (found,) = problems(f"{SEEN}clients: [{{id: a, tls_client_auth: {{subject_dn: shop}}}}]")
    assert "RFC 4514" in found


def test_who_must_show_a_certificate_can() -> None:
    words = "no client can present a certificate: no listener has client_ca, and there are no trusted_proxies"
    text = "clients:\n  - id: a\n    tls_client_auth: {san_dns: a.example}\n    require_mtls: true\n"
    assert problems(text) == [
        f"3:22: clients[0].tls_client_auth: {words}",
        f"4:19: clients[0].require_mtls: {words}",
    ]
    assert problems(SEEN + text) == []
    text = f"clients:\n  - id: a\n    jwks: {KEY}\n    auth: [self_signed_tls_client_auth]\n"
    assert problems(text) == [f"4:12: clients[0].auth[0]: {words}"]


def test_a_key_file_holds_public_keys(tmp_path: Path) -> None:
    for content, words in [
        ("nonsense", "can't be used: it must be JSON"),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "it has private members"),
    ]:
        file = tmp_path / "keys.json"
        file.write_text(content)
        (found,) = problems(f"clients: [{{id: a, jwks_file: {file}}}]")
        assert found.startswith("1:30: clients[0].jwks_file: ")
        assert found.endswith(words)


@pytest.mark.parametrize("key", ["require_mtls", "require_dpop"])
def test_an_api_key_is_not_enough_for_a_client_that_must_prove_a_key(key: str) -> None:
    text = f"""
        server: {{trusted_proxies: [127.0.0.1]}}
        clients:
          - {{id: a, secrets: [x], {key}: true, api_keys: [0123456789abcdef]}}
          - {{id: b, secrets: [x], {key}: true}}
          - {{id: c, secrets: [x], api_keys: [123456789abcdef0]}}
        """
    (found,) = problems(text)
    assert f"clients[0].api_keys: can't be given together with {key}" in found
