from pathlib import Path

import pytest

from gateway.assembly.issuers import Issuers, issuer_rules
from gateway.config.issuers import IssuerSettings
from gateway.errors import StartError
from tests.jose.tokens import KEY
from tests.services import Clock


def settings(**more: object) -> IssuerSettings:
    return IssuerSettings.model_validate({"issuer": "https://id.example", "audiences": ["a"], **more})


def test_types_are_compared_as_rfc_7515_shortens_them() -> None:
    rules = issuer_rules("corp", settings(types=["application/AT+JWT", "JWT"]))
    assert rules.types == {"at+jwt", "jwt"}
    assert (rules.name, rules.issuer, rules.audiences) == ("corp", "https://id.example", {"a"})


async def test_a_file_of_keys_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(StartError, match=r"keys\.json"):
        Issuers({"corp": settings(jwks_file=tmp_path / "keys.json")}, Clock(), Used())


async def test_every_kind_starts_and_stops_without_its_issuer(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(f'{{"keys": [{str(KEY.jwk).replace(chr(39), chr(34))}]}}')
    nobody = "http://127.0.0.1:1"
    asked = {"url": nobody, "client_id": "g", "client_secret": "s"}
    issuers = Issuers(
        {
            "discovered": settings(issuer=nobody),
            "fetched": settings(jwks_url=nobody),
            "file": settings(jwks_file=tmp_path / "keys.json"),
            "asked": settings(introspection=asked),
        },
        Clock(),
        Used(),
    )
    await issuers.start()
    await issuers.stop()


class Used:
    """Nothing was used before."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        return True


def test_a_preset_fills_in_what_is_left_out_and_nothing_else() -> None:
    github = IssuerSettings.model_validate({"preset": "github"})
    assert github.issuer == "https://token.actions.githubusercontent.com"
    rules = issuer_rules("github", github)
    assert rules.workload_types == {"jwt"}
    assert rules.algorithms == {"RS256"}
    assert rules.trusted_only
    own = IssuerSettings.model_validate({"preset": "gitlab", "issuer": "https://git.example", "types": ["x"]})
    assert own.issuer == "https://git.example"
    assert issuer_rules("own", own).workload_types == {"x"}


def test_without_a_preset_tokens_of_workloads_may_be_plain_jwts() -> None:
    assert issuer_rules("corp", settings()).workload_types == {"at+jwt", "jwt"}
    assert issuer_rules("corp", settings()).types == {"at+jwt"}
    assert issuer_rules("corp", settings(types=["at+jwt"])).workload_types == {"at+jwt"}
