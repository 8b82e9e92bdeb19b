import pytest
from pydantic import BaseModel

from gateway.config.load import load_text
from gateway.config.plugin_lookup import Kind
from gateway.config.problems import ConfigurationError
from tests.config.example import Limit, Nothing, Password, StubCatalog, problems, settings


def test_every_use_gets_its_plugins_config() -> None:
    found = settings(
        """
        plugins:
          - use: request_id
          - use: limit
            with: {limit: 5}
        routes:
          - path: /
            upstream: http://h
            plugins: [{use: limit, with: {limit: 6, by: address}}]
        """
    )
    assert [use.use for use in found.plugins] == ["request_id", "limit"]
    assert [use.config for use in found.plugins] == [Nothing(), Limit(limit=5)]
    assert found.routes[0].plugins[0].config == Limit(limit=6, by="address")


def test_wrong_keys_of_plugins_are_reported_with_their_places() -> None:
    text = """\
        plugins:
          - use: limit
            with:
              limit: 0
              bye: client
              only: [a, 5]
          - use: limit
          - use: limt
          - use: 5
          - with: {}
        """
    assert problems(text) == [
        "4:14: plugins[0].with.limit: must be at least 1",
        "5:7: plugins[0].with.bye: unknown key (did you mean by?)",
        "6:17: plugins[0].with.only[1]: must be a string, not a number: write it in quotes",
        "7:5: plugins[1].with.limit: is missing",
        "8:10: plugins[2].use: there is no plugin limt (did you mean limit?)",
        "9:10: plugins[3].use: must be a string, not a number: write it in quotes",
        "10:5: plugins[4].use: is missing",
    ]


def test_the_decoded_config_is_no_key_of_the_file() -> None:
    assert problems("plugins: [{use: request_id, config: {}}]") == ["1:29: plugins[0].config: unknown key"]


def test_with_must_be_a_mapping() -> None:
    assert problems("plugins: [{use: limit, with: [1]}]") == [
        "1:30: plugins[0].with: must be a mapping, not a list"
    ]


def test_client_credentials_is_on_unless_it_is_switched_off() -> None:
    for text in ("logging: {}", "grants: {}", "grants: {client_credentials: {}}"):
        grants = settings(text).grants
        assert {name: grant.enabled for name, grant in grants.items()} == {"client_credentials": True}
        assert grants["client_credentials"].config == Nothing()
    assert not settings("grants: {client_credentials: {enabled: false}}").grants["client_credentials"].enabled


def test_other_grants_are_off_unless_they_are_switched_on() -> None:
    assert not settings("grants: {password: {attempts: 5}}").grants["password"].enabled
    found = settings("grants: {password: {enabled: true, attempts: 5}}").grants
    assert found["password"].enabled
    assert found["password"].config == Password(attempts=5)
    assert found["client_credentials"].enabled


def test_a_grant_can_have_a_plugin_of_another_name() -> None:
    found = settings("grants: {legacy: {enabled: true, use: password}}").grants["legacy"]
    assert (found.use, found.config) == ("password", Password())


def test_wrong_grants_are_reported_with_their_places() -> None:
    text = """\
        grants:
          pasword: {enabled: true}
          password: {enabld: true, attemps: 1}
          client_credentials: {enabled: 1, use: null}
          "a b": {use: password}
          other: {use: passwrd}
          none:
        """
    assert problems(text) == [
        "2:3: grants.pasword: there is no plugin pasword (did you mean password?)",
        "3:14: grants.password.enabld: unknown key (did you mean enabled?)",
        "3:28: grants.password.attemps: unknown key (did you mean attempts?)",
        "4:33: grants.client_credentials.enabled: must be true or false, not a number",
        '5:3: grants["a b"]: must be 1 to 64 letters, digits, _ , - or . and must not begin with - or .',
        "6:16: grants.other.use: there is no plugin passwrd (did you mean password?)",
        "7:8: grants.none: must be a mapping, not nothing",
    ]


def test_a_plugin_whose_module_fails_is_a_problem_and_no_crash() -> None:
    class Broken(StubCatalog):
        def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
            if use == "own:Broken":
                raise SyntaxError("invalid syntax")
            return super().config_model(use, kind)

    text = "plugins: [{use: 'own:Broken'}]"
    with pytest.raises(ConfigurationError, match=r"plugins\[0\].use: names no usable plugin \(SyntaxError\)"):
        load_text(text, {}, Broken(), "f")


def test_a_missing_built_in_grant_is_a_problem_and_no_crash() -> None:
    class Bare(StubCatalog):
        MODELS = {"grant": {}, "proxy": {}}  # noqa: RUF012 (as in the parent)

    with pytest.raises(ConfigurationError, match="f:1:1: grants: there is no plugin client_credentials"):
        load_text("logging: {}", {}, Bare(), "f")
