"""Refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14.2)."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.conftest import Valkey
from tests.standards.caller import Caller, served, standard_config

BOTH = "orders.read orders.write"


def test_each_use_gives_a_new_refresh_token_and_a_new_access_token(gateway: Caller) -> None:
    first = gateway.log_in(scope=BOTH)
    second = gateway.refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["scope"] == BOTH
    assert second.headers["cache-control"] == "no-store"
    third = gateway.refresh(second.json["refresh_token"]).json
    answers = (first, second.json, third)
    for kind in ("access_token", "refresh_token"):
        assert len({answer[kind] for answer in answers}) == 3
    assert all(gateway.accepts(answer["access_token"]) for answer in answers)
    assert dict(gateway.get("/any", third["access_token"]).json)["X-Authenticated-UserId"] == "Ada"


def test_a_refresh_token_that_was_used_before_ends_the_whole_family(gateway: Caller) -> None:
    first, other = gateway.log_in(), gateway.log_in()
    second = gateway.refresh(first["refresh_token"]).json
    again = gateway.refresh(first["refresh_token"])
    assert (again.status, again.error) == (400, "invalid_grant")
    assert gateway.refresh(second["refresh_token"]).error == "invalid_grant"
    gateway.until_refused([first["access_token"], second["access_token"]])
    # Another log-in is another family.
    assert gateway.accepts(other["access_token"])
    assert gateway.refresh(other["refresh_token"]).status == 200


def test_of_many_who_use_one_at_once_at_most_one_gets_anything(gateway: Caller) -> None:
    first = gateway.log_in()
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(lambda _: gateway.refresh(first["refresh_token"]), range(6)))
    good = [reply for reply in replies if reply.status == 200]
    assert len(good) <= 1
    assert {reply.error for reply in replies if reply.status != 200} == {"invalid_grant"}
    gateway.until_refused([first["access_token"], *(reply.json["access_token"] for reply in good)])


def test_scopes_can_be_left_out_and_none_can_be_added(gateway: Caller) -> None:
    first = gateway.log_in(scope=BOTH)
    less = gateway.refresh(first["refresh_token"], scope="orders.read").json
    assert less["scope"] == "orders.read"
    # The refresh token still stands for all that was granted.
    all_again = gateway.refresh(less["refresh_token"]).json
    assert all_again["scope"] == BOTH
    few = gateway.log_in(scope="orders.read")
    for scope in ("orders.write", "default", "orders.read admin"):
        assert gateway.refresh(few["refresh_token"], scope=scope).error == "invalid_scope"
    # A refused request does not use it up.
    assert gateway.refresh(few["refresh_token"]).status == 200


def test_it_is_bound_to_its_client(gateway: Caller) -> None:
    first = gateway.log_in()
    assert gateway.refresh(first["refresh_token"], by="shop").error == "unauthorized_client"
    assert gateway.refresh(first["refresh_token"], by="app2").error == "invalid_grant"
    assert gateway.refresh(first["refresh_token"]).status == 200


@pytest.mark.parametrize("token", ["unknown", "gpr_" + "A" * 86, "gpr_" + "-" * 86, "ü", "gpr_"])
def test_what_is_no_refresh_token_is_invalid_grant(gateway: Caller, token: str) -> None:
    reply = gateway.refresh(token)
    assert (reply.status, reply.error) == (400, "invalid_grant")


def test_neither_kind_of_token_is_good_for_the_other_use(gateway: Caller) -> None:
    answer = gateway.log_in()
    assert not gateway.accepts(answer["refresh_token"])
    assert gateway.refresh(answer["access_token"]).error == "invalid_grant"


@pytest.mark.parametrize("hint", ["refresh_token", "access_token"])
def test_revoking_it_ends_the_access_tokens_too(gateway: Caller, hint: str) -> None:
    first = gateway.log_in()
    second = gateway.refresh(first["refresh_token"]).json
    reply = gateway.post("/revoke", by="app", token=second["refresh_token"], token_type_hint=hint)
    assert (reply.status, reply.body) == (200, b"")
    assert not gateway.accepts(first["access_token"])
    assert not gateway.accepts(second["access_token"])
    assert gateway.refresh(second["refresh_token"]).error == "invalid_grant"


def test_another_client_can_neither_revoke_nor_examine_it(gateway: Caller) -> None:
    first = gateway.log_in()
    refused = gateway.post("/revoke", by="other", token=first["refresh_token"])
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert gateway.post("/introspect", by="other", token=first["refresh_token"]).json == {"active": False}
    facts = gateway.post("/introspect", by="app", token=first["refresh_token"]).json
    assert facts["active"]
    assert "token_type" not in facts
    assert 3590 <= facts["exp"] - time.time() <= 3602
    assert gateway.refresh(first["refresh_token"]).status == 200


def test_it_lies_in_the_store_as_a_hash(gateway: Caller, valkey: Valkey) -> None:
    answer = gateway.log_in()
    secret_part = answer["refresh_token"][28:].encode()
    seen = 0
    with valkey.client as store:
        for key in store.scan_iter("standards:r:*"):
            seen += 1
            assert secret_part not in key
            assert all(secret_part not in value for value in store.hgetall(key).values())
            assert 0 < store.ttl(key) <= 3600
    assert seen


def test_it_ends_with_its_time_its_user_and_its_client(
    tmp_path: Path, valkey: Valkey, prefix: str, upstream: str
) -> None:
    store = {"url": valkey.url, "prefix": prefix}
    grants: dict[str, Any] = {"password": {"enabled": True}}
    grants["refresh_token"] = {"enabled": True, "lifetime": 1}
    config = standard_config(tmp_path, upstream, store=store, grants=grants)
    with served(config, tmp_path) as caller:
        short = caller.log_in()["refresh_token"]
        end = time.monotonic() + 1.0
        time.sleep(max(0.0, end - time.monotonic()))
        assert caller.refresh(short).error == "invalid_grant"
    grants["refresh_token"]["lifetime"] = "1h"
    with served(config, tmp_path) as caller:
        dead = caller.log_in()["refresh_token"]
        result = CliRunner().invoke(main, ["client", "revoke-tokens", "-c", str(caller.running.file), "app"])
        assert result.exit_code == 0
        assert caller.refresh(dead).error == "invalid_grant"
        of_ben, of_ada = (caller.log_in(user=user)["refresh_token"] for user in ("ben", "ada"))
    config["portal"] = {"users": [{"name": "Ada", "password": "ada-password"}]}
    with served(config, tmp_path) as caller:
        assert caller.refresh(of_ben).error == "invalid_grant"
        assert caller.refresh(of_ada).status == 200
