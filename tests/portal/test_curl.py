"""Commands to paste: whatever stands in them, the shell takes them as they are meant."""

from __future__ import annotations

import shlex

from gateway.portal import curl
from gateway.portal.services import Api
from tests.portal.facts import ORDERS, REPORTS, STATUS, facts


def test_without_the_secret_a_variable_of_the_shell_stands_there() -> None:
    assert '-d "token=$TOKEN"' in curl.revoke(facts(), "key", None)
    assert '-u "key:$CONSUMER_SECRET"' in curl.revoke(facts(), "key", None)


def test_a_self_signed_certificate_is_let_pass() -> None:
    assert curl.revoke(facts(self_signed=True), "key", "s").startswith("curl -k ")


def test_a_call_has_the_routes_method_host_and_token() -> None:
    assert curl.call(facts(), ORDERS) == (
        'curl -H "Authorization: Bearer $TOKEN" https://gateway.example/orders'
    )
    assert curl.call(facts(), REPORTS, "gpt_1") == (
        "curl -X POST -H \"Authorization: Bearer gpt_1\" -H 'Host: api.example' https://gateway.example/reports"
    )
    assert curl.call(facts(), STATUS) == "curl https://gateway.example/status"
    head = Api("/x", False, ("HEAD",), None, (), None, False)
    assert curl.call(facts(), head) == "curl -I https://gateway.example/x", "which waits for no body"


def test_what_the_shell_would_change_is_quoted() -> None:
    odd = Api("/a'b;$(c)", False, (), None, (), None, False)
    assert shlex.split(curl.call(facts(), odd))[-1] == "https://gateway.example/a'b;$(c)"


def test_the_variables_of_a_path_have_an_example() -> None:
    invoices = Api("/orders/{id}/invoices", False, (), None, (), None, False)
    assert curl.call(facts(), invoices).endswith("https://gateway.example/orders/1/invoices")


def test_keys_that_authenticate_by_form_parameters_get_a_command_that_does() -> None:
    assert shlex.split(curl.revoke(facts(), "key", "gps_x", "t", in_form=True))[1:5] == [
        "-d", "client_id=key", "--data-urlencode", "client_secret=gps_x",
    ]  # fmt: skip
    assert '--data-urlencode "client_secret=$CONSUMER_SECRET"' in curl.revoke(
        facts(), "key", None, in_form=True
    )
