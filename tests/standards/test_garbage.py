"""Whatever arrives, nothing fails inside: every answer is the gateway's own, and none is 500."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standards.caller import FORM, Caller, basic

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PARAMETERS = ["grant_type", "scope", "resource", "validity_period", "client_id", "token", "token_type_hint"]
NAMES = st.sampled_from([*PARAMETERS, "username", "password", "refresh_token", "x"])
WORDS = st.sampled_from(
    ["client_credentials", "password", "refresh_token", "shop", "%", "%ff", "%00", "+", "gpr_"]
)
VALUES = WORDS | st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace").decode())
FORMS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
BODIES = st.binary(max_size=60) | FORMS
KINDS = st.sampled_from([FORM, FORM + "; charset=utf-16", "application/json", "x", ""])
ASCII = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
def test_any_body_of_a_client_is_answered(gateway: Caller, path: str) -> None:
    @QUICK
    @given(BODIES, KINDS)
    def ask(body: bytes, kind: str) -> None:
        # A client of its own: what it says of itself may be wrong, and is counted as guessing.
        headers = {**basic("garbage", "garbage-secret"), "Content-Type": kind}
        reply = gateway.ask("POST", path, body, headers)
        assert reply.status in (200, 400, 401)
        if reply.status != 200:
            assert reply.error

    ask()


@pytest.mark.parametrize("path", ["/token", "/.well-known/oauth-protected-resource", "/any"])
def test_any_query_and_tail_is_answered(gateway: Caller, path: str) -> None:
    @QUICK
    @given(ASCII)
    def ask(text: str) -> None:
        for target in (f"{path}?{text}", f"{path}/{text}"):
            reply = gateway.ask("GET", target)
            assert reply.status in (200, 400, 401, 404, 405)
            assert reply.status == 405 or json.loads(reply.body)

    ask()


def test_any_authorization_is_answered(gateway: Caller) -> None:
    @QUICK
    @given(st.sampled_from(["Bearer ", "bearer  ", "Bearer", "Basic ", ""]), ASCII)
    def ask(scheme: str, text: str) -> None:
        reply = gateway.ask("GET", "/any", headers={"Authorization": scheme + text})
        assert reply.status in (400, 401)
        assert reply.json["status"] == reply.status

    ask()
