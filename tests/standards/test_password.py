"""The password grant (RFC 6749 section 4.3)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.conftest import Valkey
from tests.standards.caller import Caller, served, standard_config


def test_the_upstream_reads_whose_token_it_is(gateway: Caller) -> None:
    answer = gateway.log_in(scope="orders.read")
    assert (answer["token_type"], answer["scope"], answer["expires_in"]) == ("Bearer", "orders.read", 3600)
    headers = dict(gateway.get("/orders", answer["access_token"]).json)
    assert headers["X-Authenticated-UserId"] == "Ada"
    assert headers["X-Client-Id"] == "app"
    own = dict(gateway.get("/any", gateway.token()).json)
    assert "X-Authenticated-UserId" not in own


def test_introspection_tells_the_user(gateway: Caller) -> None:
    facts = gateway.post("/introspect", by="app", token=gateway.log_in()["access_token"]).json
    assert (facts["username"], facts["sub"], facts["client_id"]) == ("Ada", "Ada", "app")


@pytest.mark.parametrize("user", ["ada", "ADA", "ben"])
def test_users_of_the_file_log_in_with_a_plain_or_hashed_password(gateway: Caller, user: str) -> None:
    answer = gateway.log_in(by="kiosk", user=user, password=f"{user.lower()}-password")
    assert gateway.accepts(answer["access_token"])


def test_a_wrong_password_and_an_unknown_user_are_answered_alike(gateway: Caller) -> None:
    form = {"grant_type": "password", "by": "app"}
    wrong = gateway.post("/token", username="ada", password="nonsense", **form)
    unknown = gateway.post("/token", username="nobody", password="ada-password", **form)
    assert (wrong.status, wrong.error) == (400, "invalid_grant")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    for missing in ({"username": "ada"}, {"password": "x"}, {"username": "", "password": ""}):
        assert gateway.post("/token", **form, **missing).error == "invalid_request"
    in_query = gateway.post("/token?password=ada-password", username="ada", **form)
    assert in_query.error == "invalid_request"


def test_a_bad_request_is_refused_before_the_password_is_looked_at(gateway: Caller) -> None:
    form = {"grant_type": "password", "username": "ada", "password": "wrong"}
    for more in ({"scope": "admin"}, {"validity_period": "0"}, {"resource": "https://x.example"}):
        assert gateway.post("/token", by="app", **form, **more).error != "invalid_grant"


def test_only_a_client_that_may_refresh_gets_a_refresh_token(gateway: Caller) -> None:
    assert gateway.log_in()["refresh_token"].startswith("gpr_")
    assert "refresh_token" not in gateway.log_in(by="kiosk")
    refused = gateway.post("/token", grant_type="password", username="a", password="b")
    assert refused.error == "unauthorized_client"


def test_a_live_token_is_given_out_again_to_the_same_user_only(gateway: Caller) -> None:
    first = gateway.log_in(by="kiosk", scope="orders.read")["access_token"]
    assert gateway.log_in(by="kiosk", scope="orders.read")["access_token"] == first
    assert gateway.log_in(by="kiosk", scope="orders.read", user="ben")["access_token"] != first


def test_users_of_a_client_are_counted_once_each(own_gateway: Caller) -> None:
    for user in ("ada", "ada", "ben"):
        own_gateway.log_in(user=user)
    own_gateway.token()
    counts = {}
    for name in ("app", "shop"):
        shown = CliRunner().invoke(main, ["client", "show", "-c", str(own_gateway.running.file), name])
        counts[name] = json.loads(shown.stdout)["registered_users"]
    assert counts == {"app": 2, "shop": 0}


def test_guessing_a_password_is_shut_out(own_gateway: Caller) -> None:
    form = {"grant_type": "password", "username": "ada", "password": "wrong"}
    with ThreadPoolExecutor(10) as threads:
        asked = threads.map(lambda _: own_gateway.post("/token", by="app", **form), range(10))
        assert {reply.error for reply in asked} == {"invalid_grant"}
    reply = own_gateway.post("/token", by="app", **(form | {"password": "ada-password"}))
    assert (reply.status, reply.error) == (429, "slow_down")
    assert int(reply.headers["retry-after"]) > 0
    # The client itself is not shut out, and neither is another user.
    assert own_gateway.log_in(user="ben")


def test_it_is_off_unless_it_is_switched_on(
    tmp_path: Path, valkey: Valkey, prefix: str, upstream: str
) -> None:
    store = {"url": valkey.url, "prefix": prefix}
    grants: dict[str, object] = {"password": {}, "refresh_token": {}}
    with served(standard_config(tmp_path, upstream, store=store, grants=grants), tmp_path) as caller:
        for grant_type in grants:
            reply = caller.post("/token", by="app", grant_type=grant_type, username="ada", password="x")
            assert (reply.status, reply.error) == (400, "unsupported_grant_type")
        members = caller.get("/.well-known/oauth-authorization-server").json
        assert members["grant_types_supported"] == ["client_credentials"]
