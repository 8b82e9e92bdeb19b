"""JWTs, and the grants with users, on a Redis Cluster: client, user and family are in different slots.

Two gateways, one of which issues JWTs and the other one opaque tokens; each takes what the other has issued.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standards.caller import Caller, served, standard_config
from tests.topologies import ClusterSet

Pair = tuple[Caller, Caller]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, quiet_cluster: ClusterSet, upstream: str
) -> Iterator[Pair]:
    """One issues JWTs, the other one opaque tokens."""
    store = {"url": quiet_cluster.url, "prefix": "grants:"}
    folders = [tmp_path_factory.mktemp(form) for form in ("jwt", "opaque")]
    configs = [
        standard_config(folder, upstream, store=store, tokens={"format": form, "key": "k" * 32})
        for folder, form in zip(folders, ("jwt", "opaque"), strict=True)
    ]
    with served(configs[0], folders[0]) as one, served(configs[1], folders[1]) as other:
        yield one, other


def accepted_by_all(pair: Pair, token: str) -> bool:
    return all(gateway.accepts(token) for gateway in pair)


def until_refused_by_all(pair: Pair, *tokens: str) -> None:
    for gateway in pair:
        gateway.until_refused(tokens)


def test_jwts_of_clients_are_judged_shown_and_revoked_at_every_gateway(pair: Pair) -> None:
    jwt_issuer, other = pair
    assert jwt_issuer.get("/jwks").json == other.get("/jwks").json
    tokens = [jwt_issuer.token(by=client) for client in ("shop", "api", "other", "monitor")]
    assert all(token.count(".") == 2 for token in tokens)
    assert all(accepted_by_all(pair, token) for token in tokens)
    assert other.post("/introspect", by="monitor", token=tokens[0]).json["client_id"] == "shop"
    assert other.post("/revoke", by="shop", token=tokens[0]).status == 200
    until_refused_by_all(pair, tokens[0])
    assert other.post("/introspect", by="monitor", token=tokens[0]).json == {"active": False}
    assert all(accepted_by_all(pair, token) for token in tokens[1:])


@pytest.mark.parametrize("first", [0, 1], ids=["jwt", "opaque"])
def test_users_log_in_and_refresh_at_any_gateway_and_reuse_ends_the_family(pair: Pair, first: int) -> None:
    one, other = pair[first], pair[1 - first]
    answer, separate = one.log_in(), one.log_in(user="ben")
    assert dict(other.get("/any", answer["access_token"]).json)["X-Authenticated-UserId"] == "Ada"
    assert other.post("/introspect", by="app", token=answer["access_token"]).json["username"] == "Ada"
    wrong = other.post("/token", by="app", grant_type="password", username="ada", password="nonsense")
    assert (wrong.status, wrong.error) == (400, "invalid_grant")

    second = other.refresh(answer["refresh_token"]).json
    assert accepted_by_all(pair, second["access_token"])
    assert one.refresh(answer["refresh_token"]).error == "invalid_grant"
    assert other.refresh(second["refresh_token"]).error == "invalid_grant"
    until_refused_by_all(pair, answer["access_token"], second["access_token"])
    # Another log-in is another family.
    assert accepted_by_all(pair, separate["access_token"])
    third = other.refresh(separate["refresh_token"]).json
    assert other.post("/revoke", by="app", token=third["refresh_token"]).status == 200
    until_refused_by_all(pair, separate["access_token"], third["access_token"])
