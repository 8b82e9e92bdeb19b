"""The tokens of a client of gateway.yaml that have ended stay ended, whatever the file says later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.portal.changing import APP, PERSON, Changing, changing

OTHER: dict[str, Any] = {"id": "other", "secrets": ["other-secret"]}
NEW = {**APP, "secrets": ["new-secret"]}
OFF = {**APP, "enabled": False}
BOTH = {**APP, "secrets": ["app-secret", "new-secret"]}
Way = Callable[..., None]


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def site(request: pytest.FixtureRequest, tmp_path: Path, backend: str, valkey: Valkey) -> Iterator[Changing]:
    with changing(tmp_path / "site", backend, valkey.url, workers=request.param) as made:
        yield made


def issued(site: Changing) -> tuple[str, str, str]:
    """An own token of the client, one for a user, and its refresh token."""
    user = site.log_in(PERSON)
    return site.token()["access_token"], user["access_token"], user["refresh_token"]


def all_ended(site: Changing, tokens: tuple[str, str, str], basic: str) -> None:
    own, users, refresh = tokens
    site.refuses([own, users])
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert site.ask_token(basic=basic, **form)[0] == 400
    status, answer = site.ask_token(basic=basic)
    assert (status, answer["access_token"] != own) == (200, True)
    site.accepts(answer["access_token"])


@pytest.mark.parametrize("how", ["reload", "restart"])
@pytest.mark.parametrize("without", [[OTHER], [OFF, OTHER]], ids=["removed", "disabled"])
def test_a_client_that_comes_back_has_none_of_its_old_tokens(
    site: Changing, how: str, without: list[dict[str, Any]]
) -> None:
    apply: Way = getattr(site, how)
    tokens = issued(site)
    apply(clients=without)
    site.refuses(tokens[:2])
    apply(clients=[NEW, OTHER])
    all_ended(site, tokens, "app:new-secret")


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_the_tokens_end_when_all_secrets_are_exchanged_at_once(site: Changing, how: str) -> None:
    apply: Way = getattr(site, how)
    tokens = issued(site)
    apply(clients=[NEW])
    all_ended(site, tokens, "app:new-secret")
    assert site.ask_token(basic="app:app-secret")[0] == 401


def test_a_second_secret_beside_the_first_and_its_removal_end_nothing(site: Changing) -> None:
    own, users, _ = issued(site)
    for clients in ([BOTH], [NEW], [{**NEW, "name": "Renamed", "scopes": []}]):
        site.reload(clients=clients)
        site.accepts(own)
        site.accepts(users)


@pytest.fixture
def two(tmp_path: Path, backend: str, valkey: Valkey) -> Iterator[tuple[Changing, Changing]]:
    """Two gateways of one store."""
    with (
        changing(tmp_path / "one", backend, valkey.url) as one,
        changing(tmp_path / "two", backend, valkey.url) as other,
    ):
        other.config["store"]["prefix"] = one.prefix
        other.restart()
        yield one, other


def test_a_gateway_that_has_not_reloaded_yet_issues_nothing_for_secrets_that_are_exchanged(
    two: tuple[Changing, Changing],
) -> None:
    one, late = two
    tokens = issued(late)
    one.reload(clients=[NEW])
    one.refuses(tokens[:2])
    late.refuses(tokens[:2])
    assert late.ask_token()[0] == 401, "the old secret, where it is still in the file"
    late.reload(clients=[NEW])
    all_ended(late, tokens, "app:new-secret")


def test_what_a_gateway_issued_for_a_client_that_another_had_removed_ends_when_it_is_back(
    two: tuple[Changing, Changing],
) -> None:
    one, late = two
    one.reload(clients=[OTHER])
    tokens = issued(late)
    late.reload(clients=[OTHER])
    for site in two:
        site.reload(clients=[APP, OTHER])
    for site in two:
        site.refuses(tokens[:2])
    all_ended(one, tokens, "app:app-secret")


def test_exchanged_secrets_count_where_the_store_was_away_at_the_reload(
    tmp_path: Path, backend: str, own_valkey: Valkey
) -> None:
    with changing(tmp_path / "site", backend, own_valkey.url) as site:
        token = site.token()["access_token"]
        own_valkey.freeze()
        try:
            site.reload(clients=[NEW])
            assert site.status_of(token) == 503
        finally:
            own_valkey.thaw()
        while (status := site.status_of(token)) == 503:
            pass
        assert status == 401
        site.refuses([token])


def test_rotating_a_secret_without_grace_ends_the_tokens_and_with_grace_it_does_not(
    tmp_path: Path, backend: str, valkey: Valkey
) -> None:
    with changing(tmp_path / "site", backend, valkey.url) as site:
        site.gateway.write(site.config)

        def secret(*words: str) -> str:
            with chdir(site.gateway.file.parent):
                done = gatepost("client", *words, "-c", str(site.gateway.file))
            assert done.exit_code == 0, done.output
            return done.stdout.partition('"client_secret": "')[2].partition('"')[0]

        first = secret("create", "--id", "kept")
        token = site.ask_token(basic=f"kept:{first}")[1]["access_token"]
        second = secret("rotate-secret", "kept", "--grace", "60")
        site.accepts(token)
        third = secret("rotate-secret", "kept")
        site.refuses([token])
        assert [site.ask_token(basic=f"kept:{one}")[0] for one in (first, second, third)] == [401, 401, 200]
