"""RFC 7009."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.standards.caller import FORM, Caller, basic, served, standard_config


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_a_revoked_token_is_dead_on_the_next_request_whatever_the_hint(
    gateway: Caller, hint: str | None
) -> None:
    token = gateway.token(validity_period="600")
    assert gateway.accepts(token)
    form = {"token": token} | ({} if hint is None else {"token_type_hint": hint})
    reply = gateway.post("/revoke", **form)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["cache-control"] == "no-store"
    assert not gateway.accepts(token)


@pytest.mark.parametrize("token", ["unknown", "gpt_" + "A" * 65, "\x7f", "ü" * 3000])
def test_an_unknown_token_is_revoked_already(gateway: Caller, token: str) -> None:
    reply = gateway.post("/revoke", token=token)
    assert (reply.status, reply.body) == (200, b"")


def test_revoking_twice_is_no_error(gateway: Caller) -> None:
    token = gateway.token(validity_period="600")
    assert [gateway.post("/revoke", token=token).status for _ in range(2)] == [200, 200]


def test_another_clients_token_stays(gateway: Caller) -> None:
    token = gateway.token(validity_period="600")
    reply = gateway.post("/revoke", by="other", token=token)
    assert (reply.status, reply.error) == (400, "invalid_grant")
    assert gateway.accepts(token)


def test_a_token_that_was_given_out_again_is_revoked_for_all_who_have_it(gateway: Caller) -> None:
    first, second = (gateway.token(by="other") for _ in range(2))
    assert first == second
    gateway.post("/revoke", by="other", token=first)
    assert not gateway.accepts(first)
    assert gateway.token(by="other") != first


def test_the_client_must_say_who_it_is(gateway: Caller) -> None:
    token = gateway.token(validity_period="600")
    reply = gateway.ask("POST", "/revoke", f"token={token}".encode(), {"Content-Type": FORM})
    assert (reply.status, reply.error) == (401, "invalid_client")
    assert reply.headers["www-authenticate"].startswith("Basic ")
    assert gateway.accepts(token)


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_a_malformed_request_is_invalid_request(gateway: Caller, path: str) -> None:
    shop = basic("shop", "shop-secret")
    assert gateway.post(path).error == "invalid_request"
    assert gateway.post(path + "?token=abc").error == "invalid_request"
    twice = gateway.ask("POST", path, b"token=a&token=b", {**shop, "Content-Type": FORM})
    assert twice.error == "invalid_request"
    assert gateway.ask("POST", path, b'{"token": "a"}', shop).error == "invalid_request"
    wrong = gateway.ask("GET", path, headers=shop)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


def test_guessing_a_secret_is_shut_out_here_too(own_gateway: Caller) -> None:
    headers = {**basic("other", "wrong"), "Content-Type": FORM}
    paths = ["/token", "/revoke", "/introspect", "/revoke", "/introspect"] * 2
    with ThreadPoolExecutor(len(paths)) as threads:
        asked = threads.map(lambda path: own_gateway.ask("POST", path, b"token=x", headers), paths)
        assert {reply.status for reply in asked} == {401}
    for path in set(paths):
        reply = own_gateway.post(path, by="other", token="x")
        assert (reply.status, reply.error) == (429, "slow_down")
        assert int(reply.headers["retry-after"]) > 0


def test_a_store_that_is_away_is_503_and_never_200(
    own_valkey: Valkey, upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("away")
    store = {"url": own_valkey.url, "timeout": BRIEF}
    with served(standard_config(folder, upstream, store=store), folder) as caller:
        token = caller.token()
        own_valkey.freeze()
        try:
            for path in ("/revoke", "/introspect"):
                reply = caller.post(path, token=token)
                assert (reply.status, reply.error) == (503, "temporarily_unavailable")
                assert int(reply.headers["retry-after"]) > 0
        finally:
            own_valkey.thaw()
