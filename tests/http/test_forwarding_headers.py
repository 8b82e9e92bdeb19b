from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.exchange import Header, Headers, RequestHead
from gateway.http.forwarded import direct_peer
from gateway.http.forwarding_headers import (
    header_text,
    identity_header_lines,
    identity_headers,
    nominees,
    request_headers,
    response_headers,
    response_trailers,
    with_host,
)
from gateway.http.request_head import read_head
from gateway.oauth.model import TokenInfo

HOST = (b"Host", b"api.example.org")


def head(*headers: Header, version: tuple[int, int] = (1, 1)) -> RequestHead:
    return read_head("GET", b"/", version, [HOST, *headers], direct_peer("192.0.2.1", "https"))


def forwarded(*headers: Header, forward_token: bool = False) -> Headers:
    kept = request_headers(head(*headers), forward_token=forward_token)
    return [item for item in kept if item not in (HOST, (b"Via", b"1.1 gatepost"))]


def test_what_no_rule_touches_passes_byte_for_byte_and_in_order() -> None:
    given = [(b"aCCept", b"*/*"), (b"X-A", b"\xe9"), (b"x-a", b""), (b"Cookie", b"a=1")]
    assert forwarded(*given) == given


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"TE",
        b"Upgrade",
        b"Proxy-Authorization",
        b"Expect",
        b"Trailer",
    ],
)
def test_headers_of_one_hop_do_not_pass(name: bytes) -> None:
    assert forwarded((name, b"x"), (name.lower(), b"x")) == []


OVERRIDES = [
    b"X-HTTP-Method-Override",
    b"X_HTTP_METHOD_OVERRIDE",
    b"X-Method-Override",
    b"x-http-method",
    b"X-Original-URL",
    b"X.Rewrite.URL",
    b"X-Forwarded-Uri",
    b"X-Forwarded-Method",
    b"X-Forwarded-Path",
    b"X-Forwarded-Prefix",
]


@pytest.mark.parametrize("name", OVERRIDES)
def test_what_could_override_method_or_path_does_not_pass(name: bytes) -> None:
    assert forwarded((name, b"DELETE")) == []


def test_a_route_can_let_an_override_pass_in_that_spelling_alone() -> None:
    given = [
        (b"X-HTTP-Method-override", b"PUT"),
        (b"X_HTTP_Method_Override", b"PUT"),
        (b"X-Rewrite-URL", b"/"),
    ]
    kept = request_headers(head(*given), forward_token=False, allowed=frozenset({b"x-http-method-override"}))
    assert [item for item in kept if item[0].lower().startswith(b"x")] == given[:1]


def test_headers_named_in_connection_do_not_pass() -> None:
    assert forwarded((b"X-A", b"1"), (b"Connection", b"close, x-a"), (b"X-B", b"2")) == [(b"X-B", b"2")]


def test_connection_cannot_take_away_what_frames_or_addresses_the_message() -> None:
    assert nominees(b"Host, Content-Length, close, X-A") == {b"x-a"}


@pytest.mark.parametrize(
    "name",
    [
        b"X-Client-Id",
        b"x-client-id",
        b"X_CLIENT_ID",
        b"X.Client.Id",
        b"x-client_id",
        b"X--Client-Id",
        b"-X-Client-Id",
        b"X-Authenticated-Scope",
        b"X_Authenticated_Scope",
        b"X-Authenticated-UserId",
        b"x_authenticated_userid",
        b"X-Request-Id",
        b"X_Request_Id",
        b"X-Forwarded-For",
        b"X_Forwarded_For",
        b"X-Forwarded-Host",
        b"X-Forwarded-Proto",
        b"X-Forwarded-Port",
        b"X-Real-IP",
        b"Forwarded",
        b"x-client!id",
        b"X-Client-Id-",
    ],
)
def test_identity_from_outside_is_removed_in_every_spelling(name: bytes) -> None:
    assert forwarded((name, b"admin"), (name, b"again")) == []


def test_names_that_only_look_alike_pass() -> None:
    assert forwarded((b"X-Client-Identity", b"1")) == [(b"X-Client-Identity", b"1")]


def test_the_token_goes_upstream_only_if_the_route_says_so() -> None:
    token = (b"Authorization", b"Bearer t")
    assert forwarded(token) == []
    assert forwarded(token, forward_token=True) == [token]


def test_the_proof_goes_where_the_token_goes() -> None:
    proof = (b"DPoP", b"a.b.c")
    assert forwarded(proof) == []
    assert forwarded(proof, forward_token=True) == [proof]


def test_via_names_the_gateway_behind_who_came_before() -> None:
    assert (b"Via", b"1.1 gatepost") in request_headers(head(), forward_token=False)
    assert (b"Via", b"1.0 cdn, 1.0 gatepost") in request_headers(
        head((b"via", b"1.0 cdn"), version=(1, 0)), forward_token=False
    )


def test_the_upstream_is_told_who_calls() -> None:
    caller = TokenInfo("demo", ("a", "b"), (), "demo", 0, 0, "g", user="zoë\n")
    told = dict(identity_headers(head(), "id-1", caller))
    assert told == {
        b"X-Request-Id": b"id-1",
        b"X-Forwarded-For": b"192.0.2.1",
        b"X-Forwarded-Proto": b"https",
        b"X-Forwarded-Host": b"api.example.org",
        b"X-Client-Id": b"demo",
        b"X-Authenticated-Scope": b"a b",
        b"X-Authenticated-UserId": "zoë%0A".encode(),
    }


def test_on_an_open_route_nobody_is_named() -> None:
    assert b"X-Client-Id" not in dict(identity_headers(head(), "id-1", None))


def test_a_header_value_holds_no_line_break() -> None:
    assert header_text("a\r\nX-Evil: 1") == b"a%0D%0AX-Evil: 1"


def test_an_answer_is_framed_anew_and_keeps_the_rest() -> None:
    given = [
        (b"Server", b"x"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"X-Hop"),
        (b"x-hop", b"1"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"3"),
    ]
    assert response_headers(given) == [(b"Server", b"x"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]


def test_trailers_neither_frame_nor_route_nor_concern_one_hop() -> None:
    passing = [(b"X-Sum", b"1"), (b"Server-Timing", b"db;dur=5")]
    names = (b"Content-Length", b"transfer-encoding", b"Connection", b"Keep-Alive", b"Host", b"Set-Cookie")
    assert response_trailers([*passing, *((name, b"x") for name in names)]) == passing


@pytest.mark.parametrize("user", [None, "zoë\n"])
def test_the_lines_that_are_put_together_quickly_are_the_same(user: str | None) -> None:
    caller = TokenInfo("demo", ("a", "b"), (), "demo", 0, 0, "g", user=user)
    for known in (None, caller):
        (_, *headers) = identity_headers(head(), "id-1", known)
        assert identity_header_lines(head(), known) == b"".join(b"%s: %s\r\n" % item for item in headers)


def test_another_host_stands_where_the_callers_stood() -> None:
    assert with_host([(b"A", b"1"), (b"host", b"a"), (b"B", b"2")], b"b") == [
        (b"A", b"1"),
        (b"host", b"b"),
        (b"B", b"2"),
    ]
    assert with_host([(b"A", b"1")], b"b") == [(b"Host", b"b"), (b"A", b"1")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ann", b"ann"),
        ("J\u00f6rg M\u00fcller", "J\u00f6rg M\u00fcller".encode()),
        ("50%", b"50%25"),
        ("ann%0A", b"ann%250A"),
        ("ann\n", b"ann%0A"),
        (" ann", b"%20ann"),
        ("ann  ", b"ann%20%20"),
        ("  ", b"%20%20"),
        ("", b""),
        ("\u00a0ann", b"%C2%A0ann"),
        ("\ud800", b"%ED%A0%80"),
    ],
)
def test_a_user_is_shown_as_a_header_can_carry_it(text: str, value: bytes) -> None:
    assert header_text(text) == value


@given(st.text(st.characters(exclude_categories=[]), max_size=8))
def test_no_two_users_look_alike_behind_the_gateway(text: str) -> None:
    # RFC 9110 section 5.5: what surrounds the value is not part of it.
    received = header_text(text).strip(b" \t")
    assert unquote_to_bytes(received).decode("utf-8", "surrogatepass") == text
