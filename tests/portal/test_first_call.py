"""The first call of some keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.oauth.model import Client
from gateway.portal.first_call import api_url, example_path, first_call, first_callable, programs
from gateway.portal.services import Api
from tests.portal.facts import ORDERS, REPORTS, STATUS, facts

CLIENT = Client("key", grants=frozenset({"client_credentials"}), scopes=("orders.read",))


def test_it_reads_what_the_keys_may_read() -> None:
    call = first_call(facts(), CLIENT)
    assert (call.grant, call.scopes, call.method, call.path) == (
        "client_credentials",
        ("orders.read",),
        "GET",
        "/orders",
    )


def test_an_api_that_is_open_to_all_or_needs_more_is_not_called() -> None:
    assert first_callable((STATUS,), ("orders.read",)) is None
    assert first_callable((ORDERS,), ()) is None
    assert first_callable((REPORTS, ORDERS), ("orders.read",)) == ORDERS, "reading goes first"


def test_keys_without_a_grant_for_programs_get_no_program() -> None:
    client = replace(CLIENT, grants=frozenset({"refresh_token"}))
    assert programs(facts(), client, None, first_call(facts(), client)) == {}


@pytest.mark.parametrize(("path", "example"), [("/a/{id}/b/{c}", "/a/1/b/1"), ("/a", "/a")])
def test_the_variables_of_a_path_have_an_example(path: str, example: str) -> None:
    assert example_path(path) == example


def test_an_api_with_a_host_of_its_own_is_called_there() -> None:
    here = facts(public_url="https://gateway.example:8243")
    assert api_url(here, REPORTS.host, "/reports") == "https://api.example:8243/reports"
    assert api_url(here, "*.example", "/reports") == "https://gateway.example:8243/reports"
    odd = Api("/x", True, ("PUT",), None, (), None, True)
    assert first_call(facts(apis=(odd,)), CLIENT).method == "PUT"
